"""What a model may do with one request: the words in which a scenario, or a test, writes its script.

A move names what is meant, never a tool of one agent: `orchestrd/testing/model/tools.py` knows how each of them is
asked. Pure.
"""

import math
from typing import Literal

from msgspec import Struct

Truth = Literal["starting", "working", "waiting", "blocked", "limited", "ended"]

UNTIL_RELEASED = math.inf
USAGE_LIMIT_S = 3_600  # too long for an agent to wait for it by itself


class _Move(Struct, frozen=True, kw_only=True, tag_field="model", forbid_unknown_fields=True):
    """One that is held has said its first words, or nothing where it `is_silent`, and goes on after `hold_s` seconds.

    Infinity, in TOML `inf`, holds it until somebody releases it.
    """

    hold_s: float = 0.0
    is_silent: bool = False


class Answer(_Move, frozen=True, kw_only=True, tag="answer"):
    """Say a text and end the turn."""

    text: str = "Done."


class Run(_Move, frozen=True, kw_only=True, tag="run"):
    """Run a command of the shell. Where it `asks`, a dialog opens: the agent is blocked until a person has decided."""

    command: str
    asks: bool = True


class Read(_Move, frozen=True, kw_only=True, tag="read"):
    """Read a file, which no agent asks anyone for."""

    path: str
    asks: bool = False


class Write(_Move, frozen=True, kw_only=True, tag="write"):
    """Write a whole file."""

    path: str
    text: str
    asks: bool = True


class Edit(_Move, frozen=True, kw_only=True, tag="edit"):
    """Replace one text in a file by another."""

    path: str
    old: str
    new: str
    asks: bool = True


class Ask(_Move, frozen=True, kw_only=True, tag="ask"):
    """Ask the user a question, with answers to choose from."""

    question: str
    choices: tuple[str, ...]
    header: str = "Question"
    asks: bool = True


class Delegate(_Move, frozen=True, kw_only=True, tag="delegate"):
    """Have a subagent do a part. It answers `result` after `lasts_s` seconds, takes no move, and ends no turn."""

    prompt: str
    result: str = "Done."
    lasts_s: float = 0.0
    description: str = "A part of the work"
    asks: bool = False


class Refusal(_Move, frozen=True, kw_only=True, tag="refuse"):
    """Answer with an error of the API.

    What it makes of the agent follows from `why`, as far as agents agree; `leaves` says it where one of them differs:
    the last of several refusals is the one after which an agent gives up.
    """

    why: Literal["rate_limit", "usage_limit", "overloaded", "bad_request"]
    after_s: int | None = None  # when it may try again, or when the limit ends
    leaves: Truth | None = None

    @property
    def retry_after_s(self) -> int | None:
        """When it may try again; a usage limit says so even where nobody has said it here, and lasts."""
        return USAGE_LIMIT_S if self.after_s is None and self.why == "usage_limit" else self.after_s


class Cut(_Move, frozen=True, kw_only=True, tag="cut"):
    """Begin to answer and drop the connection. Most agents try again by themselves, and take the next move."""


class Hang(_Move, frozen=True, kw_only=True, tag="hang"):
    """Take the request and never answer: what ends it is the agent's patience, its user, or a release."""


ToolUse = Run | Read | Write | Edit | Ask | Delegate
Move = Answer | ToolUse | Refusal | Cut | Hang

_AFTER_REFUSAL: dict[str, Truth] = {
    "rate_limit": "working",  # it tries again
    "usage_limit": "limited",
    "overloaded": "working",  # it tries again
    "bad_request": "waiting",
}


def think(text: str = "Done.", *, for_s: float = UNTIL_RELEASED, is_silent: bool = False) -> Answer:
    """Think for some seconds, or until released, and then say a text."""
    return Answer(text=text, hold_s=for_s, is_silent=is_silent)


def truth_after(move: ToolUse | Refusal) -> Truth:
    """Tell what the agent is doing once this was sent."""
    if isinstance(move, Refusal):
        return move.leaves or _AFTER_REFUSAL[move.why]
    return "blocked" if move.asks else "working"
