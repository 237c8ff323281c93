"""Widths are measured with short cuts for plain text; what they come to is what the long way comes to."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrd.render.text import CLIPPED, clip, fit, width

MIXED = st.text(st.sampled_from("ab \N{COMBINING ACUTE ACCENT}日…é🚀\u200d"), max_size=12)
COLUMNS = st.integers(min_value=1, max_value=12)


@given(MIXED)
def test_a_text_is_as_wide_as_its_characters_together(text: str) -> None:
    assert width(text) == sum(map(width, text))


@given(MIXED, COLUMNS)
def test_a_clip_keeps_all_that_fits_before_the_ellipsis(text: str, columns: int) -> None:
    prefixes = [text[:end] for end in range(len(text) + 1)]
    fitting = [prefix for prefix in prefixes if width(prefix) <= columns - 1]

    clipped = clip(text, columns)

    assert clipped == (text if width(text) <= columns else fitting[-1] + CLIPPED)


@given(MIXED, COLUMNS)
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, columns: int) -> None:
    assert width(fit(text, columns)) == columns
