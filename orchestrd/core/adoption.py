"""Taking over a record that another hand has replaced: a valid one, of a higher revision.

The event says where the session now stands, on every axis that is folded from the history, so that the fold of the
events still gives the record. Event numbers are ours alone: those that came with the file are not believed.
"""

from msgspec.structs import replace

from orchestrd.model.event import Event, EventType
from orchestrd.model.instant import Instant
from orchestrd.model.session import Session


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
