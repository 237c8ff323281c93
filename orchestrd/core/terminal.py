"""Who has a terminal, and what is said where there is none to attach to or to look at.

The same sentences whether a daemon says it or a reader of the disk.
"""

from orchestrd.core.document import WITH_TERMINAL
from orchestrd.model.errors import RefusedError

DRAWING = frozenset({"aider", "gemini", "opencode"})  # agents
COMMAND = "shell"  # the agent that is any command at all


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
