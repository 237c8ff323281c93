"""What the stand-in model may do with one request: the words in which a test writes its script."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Truth = Literal["working", "waiting", "blocked", "limited"]

QUOTED = """The dialog would look like this:

    Do you want to proceed?
    ❯ 1. Yes
      2. Yes, and always allow access to shop/ from this project
      3. No

    Esc to cancel · Tab to amend

and after an error the screen says: API error · Retrying in 15s · attempt 6/10"""


class Answer(Struct, frozen=True, kw_only=True):
    """Say a text and end the turn. A held one says its first words, or nothing, and goes on when it is released."""

    text: str = "Done."
    is_held: bool = False
    is_silent: bool = False  # until it is released


class ToolUse(Struct, frozen=True, kw_only=True):
    """Ask for a tool. One that `asks` opens a dialog: the agent is blocked until a person has decided."""

    name: str
    input: Mapping[str, object]
    asks: bool = True


class Refusal(Struct, frozen=True, kw_only=True):
    """Answer with an error of the API, and know what it makes of the agent: it may try again, wait, or give up."""

    status: int
    kind: str
    message: str
    leaves: Truth
    retry_after_s: int | None = None


class CutStream(Struct, frozen=True, kw_only=True):
    """Begin to answer and drop the connection."""


Move = Answer | ToolUse | Refusal | CutStream


def bash(command: str, *, asks: bool = True) -> ToolUse:
    """Ask for a shell command; what only reads is run without a dialog."""
    return ToolUse(name="Bash", input={"command": command, "description": "A step of the work"}, asks=asks)


def write(path: str, text: str) -> ToolUse:
    """Ask to write a file."""
    return ToolUse(name="Write", input={"file_path": path, "content": text})


def usage_limit(retry_after_s: int = 3_600) -> Refusal:
    """Say that the account has used up what it may use; too long for an agent to wait for it."""
    return Refusal(
        status=429,
        kind="rate_limit_error",
        message="This request would exceed your account's rate limit.",
        leaves="limited",
        retry_after_s=retry_after_s,
    )


def rate_limit() -> Refusal:
    """Say "later": the agent tries again by itself."""
    return Refusal(status=429, kind="rate_limit_error", message="Too many requests.", leaves="limited")


def overloaded(*, is_last: bool = False) -> Refusal:
    """Say that the service is overloaded; the agent tries again, and gives up after some times."""
    leaves: Truth = "waiting" if is_last else "working"
    return Refusal(status=529, kind="overloaded_error", message="Overloaded", leaves=leaves)


def bad_request() -> Refusal:
    """Say that the request was wrong; no agent tries that again."""
    message = "The request was malformed."
    return Refusal(status=400, kind="invalid_request_error", message=message, leaves="waiting")


def truth_after(move: Move) -> Truth:
    """Tell what the agent is doing once this was sent."""
    match move:
        case Answer():
            return "waiting"
        case ToolUse():
            return "blocked" if move.asks else "working"
        case Refusal():
            return move.leaves
        case CutStream():
            return "working"
