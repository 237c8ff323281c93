"""Who has a terminal, what is said where there is none to attach to or to look at, and who can answer what it asks.

The same sentences whether a daemon says it or a reader of the disk.
"""

from msgspec import Struct

from orchestrd.core.document import WITH_TERMINAL
from orchestrd.model.decision import Decision
from orchestrd.model.errors import RefusedError

DRAWING = frozenset({"aider", "gemini", "opencode"})  # agents
COMMAND = "shell"  # the agent that is any command at all


class Answering(Struct, frozen=True):
    """Who can answer what a blocked session asks, and the command for it."""

    who: str
    command: str

    def __str__(self) -> str:
        return f"{self.who}: {self.command}"


def answering(session: str, decision: Decision | None, *, is_attachable: bool) -> Answering:
    """Say who can answer, and offer only what leads anywhere: what a command just reports has no choices."""
    if decision is not None and decision.choices:
        return Answering("answer it", f"orch answer {session}")
    if is_attachable:
        return Answering("only a person at its terminal can answer it", f"orch attach {session}")
    who = "nobody can answer it from outside, for it has no terminal"
    return Answering(f"{who}; see what it says, or end it by orch stop {session}", f"orch logs {session}")


def has_terminal(runtime: str) -> bool:
    """Tell whether runs of this runtime have a terminal that a person can attach to."""
    return runtime in WITH_TERMINAL


def needs_terminal(agent: str) -> bool:
    """Tell whether an agent draws on a terminal, and so runs nowhere without one."""
    return agent in DRAWING


def is_hosted(agent: str, runtime: str) -> bool:
    """Tell whether a host stands between, which tells of each edge exactly: a command by itself tells what it likes."""
    return agent != COMMAND and not has_terminal(runtime)


def no_terminal(session: str, runtime: str) -> RefusedError:
    """Say that a session never has a terminal."""
    return RefusedError(
        f"session {session} has no terminal: it runs as a plain {runtime}",
        code="no_terminal",
        hint=f"orch logs -f {session}",
    )


def no_screen(session: str) -> RefusedError:
    """Say that a session has a terminal, and that it shows nothing any more or not yet."""
    return RefusedError(
        f"session {session} shows nothing: its terminal is not there yet, or gone without a last picture",
        code="no_screen",
        hint=f"orch explain {session}",
    )
