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


HOW = 'write whole numbers with their units (d, h, m, s), the largest first, such as "90s", "10m" or "1h30m"'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("10", "it has no unit"),
        ("2.5", "it has no unit"),
        ("-1m", "it is less than nothing"),
        ("-10", "it is less than nothing"),
    ],
)
def test_why_it_is_no_duration_is_said_with_how_one_is_written(text: str, why: str) -> None:
    assert problem_with_duration(text) == f"{text!r} is no duration, for {why}: {HOW}"


@pytest.mark.parametrize(
    "text", ["m", "1w", "١m", "soon", "10 of m", "5ms", "0.5s", "9" * 61 + "m", "9999 days", "1h 2"]
)
def test_what_is_no_duration_at_all_is_told_how_one_is_written(text: str) -> None:
    assert problem_with_duration(text) == f"{text[:60]!r} is no duration: {HOW}"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5 min", "5m"),
        ("10min", "10m"),
        ("10 m", "10m"),
        ("10m\n", "10m"),
        ("10M", "10m"),
        ("1.5h", "1h30m"),
        ("1,5 hours", "1h30m"),
        ("1m1h", "1h1m"),
        ("1m1m", "2m"),
        ("1 day and 2 hrs", "1d2h"),
        ("90 seconds", "1m30s"),
    ],
)
def test_what_was_evidently_meant_is_offered(text: str, meant: str) -> None:
    assert problem_with_duration(text) == f"{text!r} is no duration: {HOW}: did you mean '{meant}'?"
    assert problem_with_duration(meant) is None


@pytest.mark.parametrize("text", ["", "10", "10 m", "1m1h", "soon", "10m\n"])
def test_what_is_no_duration_has_no_seconds(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds_of(text)


def test_what_is_too_short_is_said_with_what_is_the_least() -> None:
    assert problem_with_duration("10s", least_s=30.0) == "'10s' is too short: at least 30s"
    assert problem_with_duration("30s", least_s=30.0) is None


@pytest.mark.parametrize("text", ["367d", "999999999d", "8785h"])
def test_what_is_longer_than_a_year_is_refused(text: str) -> None:
    assert problem_with_duration(text) == f"'{text}' is too long: at most 366d"


@given(st.integers(0, int(DURATION_S_MAX)))
def test_what_is_written_is_read_as_the_same(seconds: int) -> None:
    assert problem_with_duration(duration_of(seconds)) is None
    assert seconds_of(duration_of(seconds)) == seconds
