"""Attempts of reactions in the ledger: kept, over, or taken back, in the same commit as what they come to.

An attempt is *over* when its message is settled or its effect has ended: made, or come to nothing and to be made again.
It is *taken back* when nothing of it has reached anybody: then it never was.
"""

from msgspec.structs import replace

from orchestrd.core.episode import name_of
from orchestrd.core.turn import Turn, short
from orchestrd.model.event import EventType
from orchestrd.model.limits import EPISODES_MAX
from orchestrd.model.reaction import Episode


def keep(turn: Turn, episode: Episode) -> None:
    """Write an entry into the ledger, in place of that of the same reaction; beyond the bound the oldest goes."""
    others = tuple(one for one in turn.session.episodes if one.reaction != episode.reaction)
    turn.change(episodes=(*others, episode)[-EPISODES_MAX:])


def drop(turn: Turn, reaction: str) -> None:
    """An episode is over."""
    turn.change(episodes=tuple(one for one in turn.session.episodes if one.reaction != reaction))


def attempt_over(turn: Turn, token: str, error: str | None = None, *, refused: str | None = None) -> None:
    """The attempt that is this message or effect is over; with an error it has come to nothing.

    `refused`: and so would any other one for this key, in the words of whoever has refused it.
    """
    episode = _whose(turn, token)
    if episode is None:
        return
    over = replace(episode, in_flight=None)
    if error is None:
        keep(turn, replace(over, failures=0, error=None))
    elif episode.attempts == 0:  # there was news meanwhile, and what came to nothing is old
        keep(turn, over)
    else:
        said = short(error)
        failures = episode.failures + 1
        keep(turn, replace(over, attempts=episode.attempts - 1, failures=failures, error=said, refused=refused))
        name = name_of(episode)
        turn.emit(EventType.REACTION_FAILED, source=episode.reaction, message=name, error=said)


def take_back(turn: Turn, token: str) -> None:
    """The attempt that is this message or effect has reached nobody, and never will."""
    episode = _whose(turn, token)
    if episode is not None:
        keep(turn, replace(episode, in_flight=None, attempts=max(0, episode.attempts - 1)))


def _whose(turn: Turn, token: str) -> Episode | None:
    return next((episode for episode in turn.session.episodes if episode.in_flight == token), None)
