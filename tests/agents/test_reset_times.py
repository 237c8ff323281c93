"""When a usage limit ends: what agents really say of it, and what must never come out of any text."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.agents.reset_times import reset_time
from orchestrd.model.limits import LIMIT_S_MAX, LIMIT_S_MIN

TOLD = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)  # a Saturday; it is winter in Europe, and summer in Chile


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        # seen of Claude Code 2.1.197
        ("You've hit your session limit · resets 3pm (Europe/Berlin)", "2026-11-21 14:00:59"),
        ("You've hit your session limit · resets 12:29pm (Europe/Berlin)", "2026-11-21 11:29:59"),
        ("You've hit your weekly limit · resets Nov 23, 6:33pm (Europe/Berlin)", "2026-11-23 17:33:59"),
        # of other versions of it, as people have told
        ("You've hit your session limit · resets 4:20am (Europe/Warsaw)", "2026-11-22 03:20:59"),
        ("You've hit your weekly limit · resets Nov 24 at 12pm (Asia/Singapore)", "2026-11-24 04:00:59"),
        ("You're out of extra usage · resets 11:30am (Asia/Colombo)", "2026-11-22 06:00:59"),
        ("Claude AI usage limit reached|1795262400", "2026-11-21 12:00:00"),
        ("5-hour limit reached ∙ resets 3pm (UTC)", "2026-11-21 15:00:59"),
        ("Claude usage limit reached. Your limit will reset at 3pm (America/Santiago).", "2026-11-21 18:00:59"),
        ("usage limit, resets at 10:00pm UTC", "2026-11-21 22:00:59"),
        ("resets at 15:30 (UTC)", "2026-11-21 15:30:59"),
        ("resets Jan 2, 2027, 5am (UTC)", None),  # so long no limit lasts
        # of others
        ("You've hit your usage limit. Upgrade, or try again in 3 days 4 hours 2 minutes.", "2026-11-24 13:32:00"),
        ("try again at Nov 24th, 2026 5:42 PM UTC.", "2026-11-24 17:42:59"),
        ("Your quota will reset after 4h10m.", "2026-11-21 13:40:00"),
        ("Rate limit reached. Please try again in 1.5s", "2026-11-21 09:31:00"),
        ("resets in 2 hours", "2026-11-21 11:30:00"),
        # what has just passed was told too late, and is not that of tomorrow
        ("resets 10:25am (Europe/Berlin)", "2026-11-21 09:31:00"),
        ("resets 10:15am (Europe/Berlin)", "2026-11-22 09:15:59"),
        # no zone that is known here: the end is guessed by the clock of this machine, and still lies ahead
        ("This request would exceed your account's rate limit.", None),
        ("You've hit your limit", None),
        ("resets 99pm", None),
        ("try again at 5", None),
        ("resets 25:00", None),
        ("resets Feb 31, 3pm (UTC)", None),
        ("it took 3 in 4 files", None),
        ("usage limit reached|9999999999", None),
    ],
)
def test_what_an_agent_says_of_the_end_of_its_limit(said: str, ends: str | None) -> None:
    assert reset_time(said, TOLD) == (None if ends is None else at(ends))


@pytest.mark.parametrize("zone", ["Nowhere/Atall", "../../etc/passwd", "/etc/passwd"])
def test_a_zone_that_nobody_knows_is_taken_for_that_of_this_machine(zone: str) -> None:
    assert reset_time(f"resets 3:10pm ({zone})", TOLD) == reset_time("resets 3:10pm", TOLD)


def test_a_time_of_day_is_that_of_the_zone_across_a_change_of_its_clocks() -> None:
    before = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)  # the night in which Berlin sets its clocks back

    assert reset_time("resets 5am (Europe/Berlin)", before) == datetime(2026, 10, 25, 4, 0, 59, tzinfo=UTC)


def test_a_date_behind_the_turn_of_the_year_is_of_the_next_one() -> None:
    told = datetime(2026, 12, 30, 9, 0, tzinfo=UTC)

    assert reset_time("resets Jan 2, 5am (UTC)", told) == datetime(2027, 1, 2, 5, 0, 59, tzinfo=UTC)


words = st.sampled_from(
    ["resets", "try again", "at", "in", "Nov 24,", "3pm", "12:61pm", "0am", "10:00", "(UTC)", "99 hours", "|1795262400"]
)


@given(st.lists(words | st.text(max_size=6), max_size=8).map(" ".join))
def test_whatever_is_said_the_end_lies_ahead_and_not_too_far(said: str) -> None:
    ends = reset_time(said, TOLD)

    assert ends is None or timedelta(seconds=LIMIT_S_MIN) <= ends - TOLD <= timedelta(seconds=LIMIT_S_MAX)
