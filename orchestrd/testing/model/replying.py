"""What becomes of one request: what is sent, and what that makes of the agent. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from orchestrd.testing.model.moves import Answer, Cut, Delegate, Hang, Move, Refusal, ToolUse, Truth, truth_after
from orchestrd.testing.model.tools import CannotDo, arranged
from orchestrd.testing.model.writing import Asked, Call

WAIT_MS = 600_000  # longer than any subagent here takes


class Reply(Struct, frozen=True):
    """A move on its way: `content` is what it says or asks for, `truth` what is so from its last byte on."""

    number: int  # of the request
    move: Move
    content: str | Call
    truth: Truth
    note: str = ""

    @property
    def why(self) -> str:
        """What is told of it in the log of the truth."""
        return self.note or type(self.move).__name__.lower()


def reply_to(asked: Asked, number: int, move: Move) -> Reply:
    """Prepare a move; one that the agent has no means for is refused, which ends its turn."""
    match move:
        case Answer():
            return Reply(number, move, move.text, "waiting")
        case Cut():
            return Reply(number, move, "", "working" if asked.is_asked_again else "waiting")
        case Hang():
            return Reply(number, move, "", "working")
        case Refusal():
            return Reply(number, move, "", truth_after(move))
        case _:
            return _tool(asked, number, move)


def reply_of_subagent(number: int, part: Delegate) -> Reply:
    """Answer a subagent, whose end is not the end of its agent's turn."""
    answer = Answer(text=part.result, hold_s=part.lasts_s)
    return Reply(number, answer, part.result, "working", "answer of a subagent")


def reply_that_waits(number: int, subagents: Sequence[str]) -> Reply:
    """Have an agent wait for what it has started, where that is a call of its own."""
    call = Call("wait_agent", {"targets": list(subagents), "timeout_ms": WAIT_MS})
    return Reply(number, Answer(), call, "working", "wait for a subagent")


def _tool(asked: Asked, number: int, move: ToolUse) -> Reply:
    try:
        content = arranged(move, asked)
    except CannotDo as error:
        return Reply(number, Refusal(why="bad_request"), "", "waiting", f"refused: {error}")
    is_over = isinstance(content, str) and not move.asks  # a text is an answer, whatever is done with it
    return Reply(number, move, content, "waiting" if is_over else truth_after(move))
