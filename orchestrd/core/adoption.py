"""Taking over a record that another hand has replaced: a valid one that leaves the session its run.

The event says where the session now stands, on every axis that is folded from the history, so that the fold of the
events still gives the record. Event numbers are ours alone: those that came with the file are not believed. Nor is an
end: terminal means proof, and an edit is none.
"""

from msgspec.structs import replace

from orchestrd.model.event import Event, EventType
from orchestrd.model.instant import Instant
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING, Liveness, Reason, State


def takes_run(replaced: Session, before: Session) -> bool:
    """Tell whether an edit would have a session forget the run that it has."""
    return before.state in OCCUPYING and (replaced.state not in OCCUPYING or replaced.generation != before.generation)


def unproven(replaced: Session) -> Session:
    """Give the record to take over where an edit claims the end of a run that may live: it is lost until it is seen."""
    if not replaced.is_terminal:
        return replaced
    return replace(
        replaced,
        state=State.LOST,
        reason=Reason.CONTACT_LOST,
        liveness=Liveness.UNKNOWN,
        started_at=replaced.started_at or replaced.scheduled_at or replaced.created_at,
        ended_at=None,
        exit_code=None,
        exit_signal=None,
        left_behind=0,
    )


def adopted(replaced: Session, before: Session | None, now: Instant) -> tuple[Session, tuple[Event, ...]]:
    """Give the session to commit next, at the revision it was found with, and the events of that commit.

    `before` is what we had last committed under this id, or null where the file is new to us.
    """
    made = max(replaced.effects_made, before.effects_made if before else 0)  # an effect's id is never given out twice
    event = Event(
        sequence=0,
        at=now.at,
        session=replaced.id,
        generation=replaced.generation,
        type=EventType.RECORD_REPLACED,
        from_=before.state if before else None,
        to=replaced.state,
        reason=replaced.reason,
        authority=None,
        revision=replaced.revision + 1,
        name=replaced.spec.name,
        activity=replaced.activity,
        liveness=replaced.liveness,
    )
    return replace(replaced, events=(), effects_made=made), (event,)
