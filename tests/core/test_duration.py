"""Durations: read as people write them, and written as short as they can be said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.duration import duration_of, problem_with_duration, seconds_of
from orchestrd.model.limits import DURATION_S_MAX


@pytest.mark.parametrize(
    ("text", "seconds", "shortest"),
    [
        ("90s", 90, "1m30s"),
        ("10m", 600, "10m"),
        ("1h30m", 5_400, "1h30m"),
        ("2d", 172_800, "2d"),
        ("0s", 0, "0s"),
        ("1d2h3m4s", 93_784, "1d2h3m4s"),
        ("60m", 3_600, "1h"),
    ],
)
def test_a_duration_is_read_and_written(text: str, seconds: int, shortest: str) -> None:
    assert problem_with_duration(text) is None
    assert (seconds_of(text), duration_of(seconds)) == (seconds, shortest)


@pytest.mark.parametrize("text", ["", "10", "m", "-1m", "1.5h", "1m1h", "1m1m", "10 m", "10min", "1w", "١m", "10m\n"])
def test_what_is_no_duration_is_said_with_how_one_is_written(text: str) -> None:
    problem = problem_with_duration(text)

    assert problem == f'{text!r} is no duration: write it like "90s", "10m", "1h30m" or "2d"'
    with pytest.raises(ValueError, match="is no duration"):
        seconds_of(text)


@pytest.mark.parametrize("text", ["367d", "999999999d", "8785h"])
def test_what_is_longer_than_a_year_is_refused(text: str) -> None:
    assert problem_with_duration(text) == f"'{text}' is too long: at most 366d"


@given(st.integers(0, int(DURATION_S_MAX)))
def test_what_is_written_is_read_as_the_same(seconds: int) -> None:
    assert problem_with_duration(duration_of(seconds)) is None
    assert seconds_of(duration_of(seconds)) == seconds
