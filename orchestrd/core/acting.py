"""Whether what a reaction does can be done to a session: at all, or only later. Each answer is for people."""

from collections.abc import Callable

from orchestrd.core.condition import speaks_of_change
from orchestrd.core.deciding import in_flight
from orchestrd.core.terminal import COMMAND
from orchestrd.model.limits import MESSAGES_MAX
from orchestrd.model.reaction import Act, Reaction
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, State


def never(reaction: Reaction, session: Session) -> str | None:
    """Say why this is nothing that could be done to such a session; null where it is."""
    cannot = _CANNOT.get(reaction.act)
    return None if cannot is None else cannot(reaction, session)


def unspeakable(session: Session) -> str | None:
    """Say why nothing can be said to its agent now; null where it can."""
    if session.state is not State.RUNNING or session.ending is not None:
        return f"nothing can be said to it while it is {session.state if session.ending is None else 'being ended'}"
    if session.activity in (Activity.BLOCKED, Activity.LIMITED) or in_flight(session) is not None:
        return f"nothing is said to an agent that is {'limited' if session.activity is Activity.LIMITED else 'blocked'}"
    if session.spec.agent == COMMAND and session.activity is Activity.UNKNOWN:
        return "nothing is said to a command that tells nothing: a shell would run each line of it"
    if len(session.messages) >= MESSAGES_MAX:
        return f"{MESSAGES_MAX} messages wait to be read by it already"
    return None


def _cannot_read(reaction: Reaction, session: Session) -> str | None:
    """What its forge tells of one that has ended is for a person; all else ended with it."""
    is_over = session.is_terminal and not speaks_of_change(reaction.when)
    return "it has ended, and reads no more" if is_over else None


def _cannot_end(_: Reaction, session: Session) -> str | None:
    return "it is ended already" if session.is_terminal or session.ending is not None else None


def _cannot_begin(_: Reaction, session: Session) -> str | None:
    return None if session.is_terminal else "it has not ended"


def _cannot_merge(_: Reaction, session: Session) -> str | None:
    is_pinned = session.change is not None and session.change.head is not None
    return None if is_pinned else "nobody knows its newest commit"


def _cannot_spawn(_: Reaction, session: Session) -> str | None:
    """Without this, what begins another session where one has failed would never come to an end."""
    return None if session.spec.begun_by is None else "a reaction has begun it, and it begins no other"


_CANNOT: dict[Act, Callable[[Reaction, Session], str | None]] = {
    Act.SEND: _cannot_read,
    Act.STOP: _cannot_end,
    Act.REVIVE: _cannot_begin,
    Act.MERGE: _cannot_merge,
    Act.SPAWN: _cannot_spawn,
}
