"""When a wait is over, decided from documents and events alone."""

from typing import Any

import msgspec
import pytest

from orchestrd.client.waiting import Wait
from orchestrd.core.choice import gap_line
from orchestrd.model.errors import UsageError
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from tests.documents import NOON, a_document


def _line(to: str, event_type: EventType = EventType.STATE_CHANGED, session: str = "abcdefgh") -> bytes:
    return msgspec.json.encode(
        Event(
            sequence=1,
            at=NOON,
            session=SessionId(session),
            generation=1,
            type=event_type,
            from_=None,
            to=to,
            reason=None,
            authority=None,
            revision=1,
        )
    )


@pytest.mark.parametrize(
    ("goal", "changes", "met"),
    [
        (None, {"state": "completed"}, True),
        (None, {"state": "failed"}, False),
        (None, {"state": "cancelled"}, False),
        (None, {}, None),
        ("failed", {"state": "failed"}, True),
        ("failed", {"state": "completed"}, False),
        ("running", {}, True),
        ("running", {"state": "failed"}, True),
        ("running", {"state": "cancelled", "started_at": None}, False),
        ("waiting", {"activity": "waiting"}, True),
        ("waiting", {"activity": "working"}, None),
        ("waiting", {"state": "completed", "activity": "waiting"}, False),
        ("lost", {"state": "accepted"}, None),
    ],
)
def test_how_it_stands_may_decide_at_once(goal: str | None, changes: dict[str, Any], *, met: bool | None) -> None:
    wait = Wait(goal)

    wait.begin(a_document(**changes))

    assert wait.met.get("abcdefgh") is met
    assert bool(wait.pending) is (met is None)


@pytest.mark.parametrize(
    ("goal", "line", "met"),
    [
        (None, _line("completed"), True),
        (None, _line("failed"), False),
        (None, _line("stopping"), None),
        ("waiting", _line("waiting", EventType.ACTIVITY_CHANGED), True),
        ("waiting", _line("completed"), False),
        ("working", _line("working", EventType.LIVENESS_CHANGED), None),
        ("stopping", _line("stopping"), True),
        (None, _line("completed", session="bbbbbbbb"), None),
        (None, _line("completed", EventType.RECORD_REPLACED), True),
    ],
)
def test_what_happens_may_decide_later(goal: str | None, line: bytes, *, met: bool | None) -> None:
    wait = Wait(goal)
    wait.begin(a_document(state="accepted"))

    wait.take(line)

    assert wait.met.get("abcdefgh") is met


def test_a_gap_asks_for_another_look_and_nothing_else_does() -> None:
    wait = Wait(None)
    wait.begin(a_document())

    assert wait.take(gap_line(1, 9))
    assert not wait.take(_line("stopping"))
    assert not wait.take(b'{"sequence":2,"type":"from_the_future"}')
    assert wait.pending == {"abcdefgh"}

    wait.begin(a_document(state="completed"))

    assert (wait.met, wait.pending) == ({"abcdefgh": True}, set())


def test_the_first_decision_stands() -> None:
    wait = Wait("waiting")
    wait.begin(a_document())

    wait.take(_line("waiting", EventType.ACTIVITY_CHANGED))
    wait.take(_line("failed"))

    assert wait.met == {"abcdefgh": True}


def test_a_goal_nobody_can_reach_is_refused() -> None:
    with pytest.raises(UsageError, match="done") as refused:
        Wait("done")

    assert refused.value.hint == "orch wait --help"
