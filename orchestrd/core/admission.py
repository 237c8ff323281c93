"""The lane's decision: which of the scheduled sessions may start now.

First come, first served, by when they took their place in the lane; never more at a time than its limit; and no place
stays empty while a session waits for one.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec import Struct

from orchestrd.model.ids import SessionId
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING, State


class Turn(Struct, frozen=True, kw_only=True):
    """Why a session waits: how many places are taken of how many, and how many wait before it."""

    taken: int
    limit: int
    before: int


def admissible(sessions: Iterable[Session], promised: Collection[SessionId], limit: int) -> list[SessionId]:
    """Name the sessions of one lane that may be admitted now, in order.

    `promised` were admitted before, and their commit is still to come: they hold a place as long as they are scheduled.
    """
    known = list(sessions)
    scheduled = [session for session in known if session.state is State.SCHEDULED]
    waiting = sorted((session for session in scheduled if session.id not in promised), key=_turn_in_lane)
    taken = sum(session.state in OCCUPYING for session in known) + len(scheduled) - len(waiting)
    return [session.id for session in waiting[: max(0, limit - taken)]]


def turn_of(session: Session, sessions: Iterable[Session], limit: int) -> Turn:
    """Tell how far a scheduled session is from its place in the lane."""
    known = list(sessions)
    return Turn(
        taken=sum(other.state in OCCUPYING for other in known),
        limit=limit,
        before=sum(other.state is State.SCHEDULED and _turn_in_lane(other) < _turn_in_lane(session) for other in known),
    )


def _turn_in_lane(session: Session) -> tuple[datetime, datetime, str]:
    return session.scheduled_at or session.created_at, session.created_at, session.id
