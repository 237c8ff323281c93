"""The lane's decision: which of the scheduled sessions may start now.

First come, first served, by when they took their place in the lane; never more at a time than its limit; and no place
stays empty while a session waits for one.
"""

from collections.abc import Collection, Iterable, Mapping
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


def admissible(
    sessions: Iterable[Session],
    promised: Collection[SessionId],
    limit: int,
    held: Collection[SessionId] = (),
) -> list[SessionId]:
    """Name the sessions of one lane that may be admitted now, in order.

    `held` are those that are held back for their account's sake: whoever stands behind them passes them by.
    `promised` were admitted before, and their commit is still to come: they hold a place as long as they are scheduled.
    """
    known = list(sessions)
    scheduled = [session for session in known if session.state is State.SCHEDULED]
    unpromised = [session for session in scheduled if session.id not in promised]
    waiting = sorted((session for session in unpromised if session.id not in held), key=_turn_in_lane)
    taken = sum(session.state in OCCUPYING for session in known) + len(scheduled) - len(unpromised)
    return [session.id for session in waiting[: max(0, limit - taken)]]


def held_back(sessions: Iterable[Session], limited: Mapping[str, datetime]) -> dict[SessionId, datetime]:
    """Name the sessions that must not start yet, and until when: those of accounts that are limited."""
    return {
        session.id: limited[session.account]
        for session in sessions
        if session.state is State.SCHEDULED and session.account is not None and session.account in limited
    }


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
