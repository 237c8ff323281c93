"""One commit on its way to disk: what its record will be, decided before anything is written."""

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.codec import encode_event, encode_record
from orchestrd.core.overlay import Overlay
from orchestrd.model.errors import ConflictError, RefusedError, TransientError
from orchestrd.model.event import Event
from orchestrd.model.limits import RECORD_BYTES_MAX, RECORD_EVENTS_MAX
from orchestrd.model.session import Home, Session
from orchestrd.ports import Stored
from orchestrd.store.disk import Stamp


class Place(Struct, frozen=True):
    """Where a record goes, and what stands there now."""

    path: str
    stored: Session | Home | None = None
    overlay: Overlay | None = None


class Draft(Struct, frozen=True):
    """The whole record, what is new in it, and the stamp of the file that waits to take its place."""

    record: Session | Home
    events: tuple[Event, ...]
    place: Place
    stamp: Stamp

    def stored(self) -> Stored:
        """Give the answer of the commit, once it is durable."""
        return Stored(record=self.record, events=self.events, lines=tuple(map(encode_event, self.events)))


def completed(
    record: Session | Home, place: Place, newest: int, synced: int
) -> tuple[Session | Home, tuple[Event, ...]]:
    """Number the new events on from `newest`, and keep the older ones that the journal does not hold durably yet.

    Raises ConflictError when the record is not one revision above what is stored, TransientError when it would hold
    more events than it may.
    """
    stands_at = place.stored.revision if place.stored else 0
    if record.revision != stands_at + 1:
        raise ConflictError(
            f"{place.path} stands at revision {stands_at}: revision {record.revision} cannot follow", hint="orch status"
        )
    new = [event for event in record.events if event.sequence == 0]
    numbered = tuple(replace(event, sequence=number) for number, event in enumerate(new, newest + 1))
    kept = [event for event in place.stored.events if event.sequence > synced] if place.stored else []
    if len(kept) + len(numbered) > RECORD_EVENTS_MAX:
        raise TransientError(
            f"the journal has taken nothing for so long that {place.path} can hold no more events",
            code="journal_stuck",
            hint="orch daemon logs",
        )
    return replace(record, events=(*kept, *numbered)), numbered


def encoded(record: Session | Home, place: Place) -> bytes:
    """Write a record with what its file holds beyond it. Raises RefusedError when it cannot be one."""
    try:
        data = encode_record(record, place.overlay)
    except UnicodeEncodeError as error:
        raise RefusedError(f"{place.path} would hold a text that is not Unicode", hint="orch spawn --help") from error
    if len(data) > RECORD_BYTES_MAX:
        raise RefusedError(
            f"{place.path} would have {len(data)} bytes; a record has at most {RECORD_BYTES_MAX}",
            code="record_too_large",
            hint="orch show, then send less at a time",
        )
    return data
