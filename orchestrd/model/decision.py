"""A decision that an agent waits for, as data: what is asked, what can be answered, and how an answer gets there."""

import re
from enum import StrEnum

from msgspec import Struct

from orchestrd.model.words import Authority

NOT_ASKED = "not_asked"  # the code of an error: nobody waits for this decision (any more)


# How the choices of a dialog begin that allow or deny, and what shows that one reaches beyond what is asked right now.
_BEGINS = {
    "allow": re.compile(r"(?:yes|allow|approve|accept|proceed|run)\b", re.IGNORECASE),
    "deny": re.compile(r"(?:no|deny|reject|refuse|don['’]t|do not)\b", re.IGNORECASE),
}
_BEYOND = re.compile(r"\b(?:always|again|all|any|every\w*|session|forever|future|from now on)\b", re.IGNORECASE)


class DecisionKind(StrEnum):
    """What kind of thing is asked."""

    PERMISSION = "permission"  # may it use this tool in this way?
    QUESTION = "question"  # the model asks its user
    LIMIT = "limit"  # the program has met a usage limit; the first choice waits for its end
    DIALOG = "dialog"  # the program asks: trust, login, an update


class Way(StrEnum):
    """How an answer reaches whoever asks."""

    HELD = "held"  # it holds a FIFO of the run directory, `answers/<id>`, and waits for one line
    KEYS = "keys"  # by keys, pressed only while its screen is seen to show this very decision


class Choice(Struct, frozen=True, kw_only=True):
    """One possible answer. `reply` is the line that is written, or the keys that are pressed, one name a word.

    `around` is what stands before and behind a text that goes along with it, which is a JSON string in between; null
    where none can. With an empty `reply` there is no answer without a text.
    """

    key: str
    label: str
    reply: str
    around: tuple[str, str] | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """What a blocked session waits for. `id` names this one time of asking: no other of the session ever has it.

    Without choices only a person at its terminal can answer.
    """

    id: str
    kind: DecisionKind
    text: str
    choices: tuple[Choice, ...] = ()
    way: Way = Way.KEYS

    def choice(self, word: str) -> Choice | None:
        """Find a choice by its key or, from 1 on, by its number; a permission also by `allow` and `deny`.

        Null where it is none of them.
        """
        by_key = next((choice for choice in self.choices if choice.key == word), None)
        if by_key is None and self.kind is DecisionKind.PERMISSION and word in _BEGINS:
            return self._said_in_other_words(word)
        if by_key is not None or not (word.isascii() and word.isdigit()):
            return by_key
        number = int(word[:3])
        return self.choices[number - 1] if 0 < number <= len(self.choices) else None

    def _said_in_other_words(self, word: str) -> Choice | None:
        """Find the first choice that says this, and no more than this once."""
        begins = _BEGINS[word]
        fitting = (choice for choice in self.choices if begins.match(choice.label))
        return next((choice for choice in fitting if not _BEYOND.search(choice.label)), None)


class GivenAnswer(Struct, frozen=True, kw_only=True):
    """An answer on its way: to which decision, by which of its choices, with which text, and who has given it."""

    decision: Decision
    choice: Choice
    text: str | None
    authority: Authority

    @property
    def id(self) -> str:
        """Name it, so that the same answer once more is known as the same."""
        return answer_id(self.decision.id, self.choice.key)


def answer_id(decision: str, choice: str) -> str:
    """Name the answer to a decision by one of its choices; no message has such a name."""
    return f"answer.{decision}.{choice}"
