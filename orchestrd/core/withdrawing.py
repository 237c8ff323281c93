"""Taking back what a reaction has said to an agent, as long as the agent has not heard any of it."""

from orchestrd.core.attempts import take_back
from orchestrd.core.ending import settle
from orchestrd.core.episode import unheard
from orchestrd.core.turn import Turn
from orchestrd.model.reaction import Episode
from orchestrd.model.words import Receipt


def withdraw_message(turn: Turn, episode: Episode | None, why: str) -> None:
    """Take back the message of its newest attempt, if it was not begun to be typed: then it never was an attempt."""
    message = unheard(turn.session, episode) if episode is not None else None
    if message is not None:
        take_back(turn, message.id)
        settle(turn, message, Receipt.REFUSED, f"it was taken back: {why}")
