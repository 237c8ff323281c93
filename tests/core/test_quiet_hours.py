"""Quiet hours: over midnight, in any zone, over the nights in which clocks are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.quiet_hours import problem_with_quiet_hours, quiet_hours

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")
TIMES = st.times().map(lambda shown: f"{shown:%H:%M}")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "shown", "is_quiet"),
    [
        ("22:00-07:00", "21:59", False),
        ("22:00-07:00", "22:00", True),
        ("22:00-07:00", "06:59", True),
        ("22:00-07:00", "07:00", False),
        ("12:30-14:00", "12:29", False),
        ("12:30-14:00", "13:59", True),
        ("12:30-14:00", "14:00", False),
        ("08:00-08:00", "08:00", False),
    ],
)
def test_they_begin_and_end_by_the_clock_on_the_wall(hours: str, shown: str, *, is_quiet: bool) -> None:
    now = datetime.fromisoformat(f"2026-01-15T{shown}:00").replace(tzinfo=BERLIN)

    assert quiet_hours(hours, BERLIN).holds(now.astimezone(UTC)) is is_quiet


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        ("22:00-07:00", "2026-01-15T23:00+01:00", "2026-01-16T07:00+01:00"),
        ("22:00-07:00", "2026-01-16T03:00+01:00", "2026-01-16T07:00+01:00"),
        ("22:00-07:00", "2026-03-28T23:00+01:00", "2026-03-29T07:00+02:00"),  # an hour of that night is left out
        ("22:00-07:00", "2026-10-24T23:00+02:00", "2026-10-25T07:00+01:00"),  # and of this one an hour comes twice
        ("22:00-02:30", "2026-10-25T02:10+02:00", "2026-10-25T02:30+02:00"),
        ("22:00-02:30", "2026-10-25T02:10+01:00", "2026-10-25T02:30+01:00"),
    ],
)
def test_their_end_is_where_the_clock_shows_it(hours: str, now: str, end: str) -> None:
    assert quiet_hours(hours, BERLIN).end(at(now)) == at(end)


@given(
    hours=st.tuples(TIMES, TIMES).map("-".join),
    zone=st.sampled_from(ZONES),
    hours_later=st.floats(0, 2 * 366 * 24),
)
def test_whoever_waits_for_their_end_again_and_again_sees_it_within_two_days(
    hours: str, zone: str, hours_later: float
) -> None:
    quiet, looks = quiet_hours(hours, ZoneInfo(zone)), 0
    now = begun = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours_later)

    while quiet.holds(now):
        now, looks = quiet.end(now), looks + 1

    assert looks <= 3
    assert now - begun < timedelta(days=2)


def test_what_is_no_time_of_the_day_is_refused() -> None:
    with pytest.raises(ValueError, match="hour must be in"):
        quiet_hours("25:00-07:00", BERLIN)


HOW = 'write two times of a day of 24 hours, such as "22:00-07:00"'


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("22:00 - 07:00", "22:00-07:00"),
        ("9:00-17:00", "09:00-17:00"),
        ("22-7", "22:00-07:00"),
        ("22.30 to 7.00", "22:30-07:00"),
        ("10pm-7am", "22:00-07:00"),
        ("12 AM – 12:30 pm", "00:00-12:30"),
        ("24:00-07:00", "00:00-07:00"),
    ],
)
def test_what_was_evidently_meant_is_offered(text: str, meant: str) -> None:
    assert problem_with_quiet_hours(text) == f"{text!r} are no hours: {HOW}: did you mean '{meant}'?"
    assert problem_with_quiet_hours(meant) is None


@pytest.mark.parametrize("text", ["", "at night", "25:00-07:00", "22:60-07:00", "22:00", "1-2-3", "22:00-", "9" * 61])
def test_what_are_no_hours_at_all_is_told_how_they_are_written(text: str) -> None:
    assert problem_with_quiet_hours(text) == f"{text[:60]!r} are no hours: {HOW}"


def test_hours_that_end_where_they_begin_are_refused_for_it_would_never_be_quiet() -> None:
    problem = problem_with_quiet_hours("07:00-07:00")

    assert problem == "'07:00-07:00' ends where it begins, so it is never quiet: give two times, or leave it out"
