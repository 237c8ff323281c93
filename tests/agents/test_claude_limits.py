"""What Claude Code tells of its usage limit: the words of version 2.1.197, behind a limit of a subscription."""

from datetime import UTC, datetime

import pytest

from orchestrd.agents.claude.hooks import read_hooks
from orchestrd.agents.claude.transcript import read_transcript
from orchestrd.model.run import Glimpse
from orchestrd.model.words import Activity
from tests.agents.samples import NOW, entry, hook_line

SESSION = "You've hit your session limit · resets 4:10pm (Europe/Berlin)"
WEEK = "You've hit your weekly limit · resets Nov 23, 6:33pm (Europe/Berlin)"
LIMITED = (Activity.LIMITED,)


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        (SESSION, datetime(2026, 11, 20, 15, 10, 59, tzinfo=UTC)),
        (WEEK, datetime(2026, 11, 23, 17, 33, 59, tzinfo=UTC)),
        ("You've hit your Opus limit", None),
    ],
)
def test_hook_and_transcript_tell_when_it_ends(said: str, ends: datetime | None) -> None:
    line = hook_line("StopFailure", error="rate_limit", last_assistant_message=said)
    failed = entry("assistant", [{"type": "text", "text": said}], isApiErrorMessage=True, error="rate_limit")

    hooks, _ = read_hooks(Glimpse(now=NOW, hook_lines=((line, len(line)),)), is_busy=False)
    entries, _ = read_transcript([failed])

    assert [(word.allows, word.limited_until, word.text) for word in (*hooks, *entries)] == 2 * [(LIMITED, ends, said)]


def test_a_conversation_about_limits_meets_none() -> None:
    entries, _ = read_transcript([entry("assistant", [{"type": "text", "text": SESSION}], stop_reason="end_turn")])

    assert [word.limited_until for word in entries] == [None]
    assert Activity.LIMITED not in entries[0].allows


def test_a_line_that_is_read_long_after_tells_of_a_limit_that_is_over() -> None:
    """Its time of day is one behind when it was written, not behind when it is read."""
    failed = entry("assistant", [{"type": "text", "text": SESSION}], isApiErrorMessage=True, error="rate_limit")

    entries, _ = read_transcript([failed])

    assert entries[0].at is not None
    assert entries[0].limited_until is not None
    assert (entries[0].limited_until - entries[0].at).total_seconds() < 24 * 3_600
