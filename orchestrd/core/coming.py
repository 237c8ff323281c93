"""What is to come of reactions, as sentences: their next attempts, and what for those under way wait. Pure."""

from collections.abc import Mapping

from msgspec.structs import replace

from orchestrd.core.episode import is_under_way
from orchestrd.core.reaction import Kind
from orchestrd.model.effect import EffectKind
from orchestrd.model.reaction_document import JudgedReaction, JudgedSession
from orchestrd.model.session import Session

_TO_COME = frozenset({Kind.WAITING, Kind.HELD})
_NO_DAEMON = "it waits for a daemon"


def to_come(told: JudgedSession, session: Session) -> tuple[str, ...]:
    """Say what waits for its time; what is under way stands among the effects and messages of the session."""
    return tuple(f"reaction {one.reaction.name}: {one.why}" for one in told.judged if _is_to_come(one, session))


def with_waits(told: JudgedSession, waiting: Mapping[str, str]) -> JudgedSession:
    """Say of attempts that are under way what for they wait; `waiting` has that by effect."""
    return replace(told, judged=tuple(_with_wait(one, waiting) for one in told.judged))


def without_daemon(session: Session) -> dict[str, str]:
    """Say what for its notices wait while no daemon runs, by their effects: nobody else tells them."""
    return {effect.id: _NO_DAEMON for effect in session.effects if effect.kind is EffectKind.NOTIFY}


def _is_to_come(one: JudgedReaction, session: Session) -> bool:
    is_made = one.episode is not None and is_under_way(session, one.episode)
    return one.kind in _TO_COME and not is_made


def _with_wait(one: JudgedReaction, waiting: Mapping[str, str]) -> JudgedReaction:
    token = None if one.episode is None else one.episode.in_flight
    wait = None if token is None else waiting.get(token)
    return one if wait is None else replace(one, why=f"{one.why}; {wait}")
