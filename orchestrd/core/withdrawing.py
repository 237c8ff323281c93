"""Taking back what a reaction has said to an agent, as long as the agent has not heard any of it."""

from orchestrd.core.attempts import take_back
from orchestrd.core.ending import settle
from orchestrd.core.turn import Turn
from orchestrd.model.reaction import Episode
from orchestrd.model.words import Receipt


def withdraw_message(turn: Turn, episode: Episode | None, why: str) -> None:
    """Take back the message of its newest attempt, if it was not begun to be typed: then it never was an attempt."""
    begun = {effect.message for effect in turn.session.effects if effect.attempted}
    for message in turn.session.messages:
        if episode is not None and message.id == episode.in_flight and message.id not in begun:
            take_back(turn, message.id)
            settle(turn, message, Receipt.REFUSED, f"it was taken back: {why}")
