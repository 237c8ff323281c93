"""Sessions, events and moments as the tests of the store need them."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.session import SCHEMA, Home, Session, Spec, Workspace
from orchestrd.model.words import Authority, Desired, Reason, State

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
NOW = Instant(at=AT, boot="boot", up_s=100.0)
ID = SessionId("aaaaaaaa")
SPEC = Spec(
    name="one",
    project="/srv/project",
    agent="shell",
    runtime="process",
    argv=("sh", "-c", "true"),
    workspace=Workspace(kind="none", path="/srv/project"),
    nonce="nonce",
)


def a_session(session: str = ID, revision: int = 1, **changes: Any) -> Session:
    """Make a session that has just been accepted, with the event that says so."""
    made = Session(
        schema=SCHEMA,
        id=SessionId(session),
        revision=revision,
        epoch=1,
        spec=SPEC,
        desired=Desired.RUNNING,
        state=State.PENDING,
        reason=Reason.ACCEPTED,
        state_since=AT,
        generation=1,
        created_at=AT,
        events=(an_event(session, revision),),
    )
    return replace(made, **changes)


def following(stored: Session | Home, events: int = 1, **changes: Any) -> Session:
    """Draft the next commit of a session, with so many new events."""
    assert isinstance(stored, Session)
    revision = stored.revision + 1
    new = tuple(an_event(stored.id, revision, text=f"{stored.id} {revision}.{number}") for number in range(events))
    return replace(stored, revision=revision, events=(*stored.events, *new), **changes)


def an_event(session: str | None = ID, revision: int | None = 1, sequence: int = 0, text: str | None = None) -> Event:
    """Make an event that is not numbered yet."""
    return Event(
        sequence=sequence,
        at=AT,
        session=SessionId(session) if session else None,
        generation=1,
        type=EventType.STATE_CHANGED,
        from_=None,
        to=State.PENDING,
        reason=Reason.ACCEPTED,
        authority=Authority.USER,
        revision=revision,
        text=text,
    )
