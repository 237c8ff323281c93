"""What the budget of an episode belongs to, in words."""

import pytest

from orchestrd.render.reactions import _subject


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("1a2b3c4d5e" * 4, "commit 1a2b3c4d5e"),
        ("2", "run 2"),
        ("2/0a1b2c3d", "run 2, what it asks"),
        ("remarks/0a1b2c3d.4e5f6a7b", "what reviewers have said"),
        ("2026-11-20T12:00:00.287018+00:00", "the verification of 2026-11-20 12:00:00Z"),
        ("2026-11-20", "2026-11-20"),
        ("fix:99", "fix:99"),
    ],
)
def test_a_key_is_told_in_words(key: str, told: str) -> None:
    assert _subject(key) == told
