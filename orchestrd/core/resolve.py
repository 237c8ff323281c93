"""How a person's word becomes a session id: a whole id, an exact name, or the beginning of an id.

A name may be given again once its session has ended: it means the one session of that name that has not, and where all
of them have, the newest.
"""

from collections.abc import Iterable
from datetime import datetime
from shlex import quote

from msgspec import Struct

from orchestrd.model.document import Archived
from orchestrd.model.errors import NotFoundError, OrchestrdError, UsageError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import CANDIDATES_MAX
from orchestrd.model.words import TERMINAL

ARCHIVED = "archived"  # the code of an error


class Known(Struct, frozen=True, kw_only=True):
    """What a word is compared with, and what tells the candidates of an ambiguous one apart."""

    id: SessionId
    name: str
    state: str
    state_since: datetime
    created_at: datetime

    @property
    def has_ended(self) -> bool:
        """Tell whether its name is free; a state of a newer orchestrd counts as not ended."""
        return self.state in TERMINAL


def resolve(text: str, known: Iterable[Known]) -> SessionId:
    """Find the one session meant: an id beats a name, a name beats the beginning of an id.

    Raises NotFoundError, or UsageError (`ambiguous`) listing the candidates.
    """
    sessions = tuple(known)
    found = _meant(text, sessions)
    if len(found) != 1:
        raise refusal(text, found)
    return found[0].id


def refusal(text: str, found: Iterable[Known]) -> OrchestrdError:
    """Make the error for a word that does not mean exactly one session."""
    ordered = sorted(found, key=lambda session: (session.has_ended, -session.state_since.timestamp(), session.id))
    if not ordered:
        return NotFoundError(f"there is no session {text[:100]!r}", hint="orch status --all")
    listed = ", ".join(map(_told, ordered[:CANDIDATES_MAX]))
    more = f" and {len(ordered) - CANDIDATES_MAX} more" if len(ordered) > CANDIDATES_MAX else ""
    return UsageError(
        f"{text[:100]!r} means {len(ordered)} sessions: {listed}{more}",
        code="ambiguous",
        hint=f"orch show {ordered[0].id}",
        candidates=tuple(session.id for session in ordered[:CANDIDATES_MAX]),
    )


def archived(told: Archived) -> NotFoundError:
    """Make the error for a session that is not listed any more, but kept."""
    return NotFoundError(
        f"session {told.session} is archived: it cannot go on, and its record, output and runs are kept in {told.path}",
        code=ARCHIVED,
        hint=f"ls {quote(told.path)}",  # a session that never ran has left its record alone
    )


def _meant(text: str, known: tuple[Known, ...]) -> tuple[Known, ...]:
    for session in known:
        if session.id == text:
            return (session,)
    named = tuple(session for session in known if session.name == text)
    going_on = tuple(session for session in named if not session.has_ended)
    if named and not going_on:
        return (max(named, key=lambda session: (session.created_at, session.id)),)
    return going_on or tuple(session for session in known if text and session.id.startswith(text))


def _told(session: Known) -> str:
    return f"{session.id} ({session.state} since {session.state_since:%Y-%m-%d %H:%M}Z)"
