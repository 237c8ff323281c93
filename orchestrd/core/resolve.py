"""How a person's word becomes a session id: a whole id, an exact name, or the beginning of an id."""

from collections.abc import Iterable

from orchestrd.model.errors import NotFoundError, OrchestrdError, UsageError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import CANDIDATES_MAX


def candidates(text: str, known: Iterable[tuple[SessionId, str]]) -> tuple[SessionId, ...]:
    """Find the sessions meant, from pairs of id and name: an id beats a name, a name beats the beginning of an id."""
    pairs = tuple(known)
    if any(session == text for session, _ in pairs):
        return (SessionId(text),)
    named = tuple(session for session, name in pairs if name == text)
    return named or tuple(session for session, _ in pairs if text and session.startswith(text))


def refusal(text: str, found: tuple[SessionId, ...]) -> OrchestrdError:
    """Make the error for a word that does not mean exactly one session."""
    if not found:
        return NotFoundError(f"there is no session {text[:100]!r}", hint="orch status --all")
    listed = ", ".join(sorted(found)[:CANDIDATES_MAX])
    more = f" and {len(found) - CANDIDATES_MAX} more" if len(found) > CANDIDATES_MAX else ""
    return UsageError(
        f"{text[:100]!r} means {len(found)} sessions: {listed}{more}",
        code="ambiguous",
        hint=f"orch show {min(found)}",
        candidates=tuple(sorted(found)[:CANDIDATES_MAX]),
    )
