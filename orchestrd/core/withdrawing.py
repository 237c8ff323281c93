"""Taking back what a reaction has said to an agent, as long as the agent has not heard any of it."""

from orchestrd.core.attempts import take_back
from orchestrd.core.ending import settle
from orchestrd.core.episode import unheard
from orchestrd.core.turn import Turn
from orchestrd.model.limits import CHANGE_TRUSTED_S
from orchestrd.model.reaction import Episode
from orchestrd.model.words import Receipt


def withdraw_message(turn: Turn, episode: Episode | None, why: str) -> None:
    """Take back the message of its newest attempt, if it was not begun to be typed: then it never was an attempt."""
    message = unheard(turn.session, episode) if episode is not None else None
    if message is not None:
        take_back(turn, message.id)
        settle(turn, message, Receipt.REFUSED, f"it was taken back: {why}")


def withdraw_old_messages(turn: Turn) -> None:
    """What an earlier daemon had to say long ago may be over; if it is not, it is said anew."""
    for episode in turn.session.episodes:
        tried = episode.tried_at
        if tried is not None and turn.now.since_s(tried) > CHANGE_TRUSTED_S:
            withdraw_message(turn, episode, "it was to be said long before the daemon began")
