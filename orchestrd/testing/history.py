"""History replayed: from the events of one session to where it stands. The fold of all its events is its record.

What a record says beyond this (stamps, messages, deadlines) is not told by events, or only in part.
"""

from collections.abc import Iterable
from functools import reduce

import msgspec
from msgspec import Struct, convert
from msgspec.structs import replace

from orchestrd.model.event import Event, EventType
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, Liveness, Reason, State

_events = msgspec.json.Decoder(Event)


class Standing(Struct, frozen=True, kw_only=True):
    """Where a session stands, on every axis that its events tell of."""

    generation: int
    state: State
    reason: Reason
    liveness: Liveness = Liveness.UNKNOWN
    activity: Activity = Activity.UNKNOWN


def decode_event(line: bytes) -> Event | None:
    """Read one line of the journal; null when it is not one of ours, or of a newer orchestrd."""
    try:
        return _events.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError):
        return None


def fold(events: Iterable[Event], standing: Standing | None = None) -> Standing | None:
    """Replay events of one session, in order, from `standing` on; null where nothing of it has happened yet.

    Raises msgspec.ValidationError (a ValueError) for a word that this version does not know.
    """
    return reduce(_after, events, standing)


def standing_of(session: Session) -> Standing:
    """Give what the fold of a session's events must come to."""
    return Standing(
        generation=session.generation,
        state=session.state,
        reason=session.reason,
        liveness=session.liveness,
        activity=session.activity,
    )


def _after(standing: Standing | None, event: Event) -> Standing | None:
    if event.type is EventType.RECORD_REPLACED:
        return replace(
            _moved(None, event), liveness=convert(event.liveness, Liveness), activity=convert(event.activity, Activity)
        )
    if event.type is EventType.STATE_CHANGED:
        return _moved(standing, event)
    if standing is not None and event.type is EventType.LIVENESS_CHANGED:
        return replace(standing, liveness=convert(event.to, Liveness))
    if standing is not None and event.type is EventType.ACTIVITY_CHANGED:
        return replace(standing, activity=convert(event.to, Activity))
    return standing


def _moved(standing: Standing | None, event: Event) -> Standing:
    """A new generation begins with everything unknown."""
    generation = event.generation or 0
    state, reason = convert(event.to, State), convert(event.reason, Reason)
    if standing is None or standing.generation != generation:
        return Standing(generation=generation, state=state, reason=reason)
    return replace(standing, state=state, reason=reason)
