"""A session to test with, as its record has it: one that runs, and whatever a test changes of it."""

from typing import Any

from msgspec.structs import replace

from orchestrd.model.ids import SessionId
from orchestrd.model.session import SCHEMA, Session
from orchestrd.model.words import Desired, Liveness, Reason, State
from tests.documents import NOON, a_spec

_RUNNING = Session(
    schema=SCHEMA,
    id=SessionId("abcdefgh"),
    revision=1,
    epoch=1,
    spec=a_spec(),
    desired=Desired.RUNNING,
    state=State.RUNNING,
    reason=Reason.STARTED,
    state_since=NOON,
    generation=1,
    liveness=Liveness.ALIVE,
    created_at=NOON,
    scheduled_at=NOON,
    started_at=NOON,
)


def a_session(session: str = "abcdefgh", **changes: Any) -> Session:
    """Make a session; without changes it runs."""
    return replace(_RUNNING, id=SessionId(session), **changes)
