"""In which form the demo can play here: with terminals where there is a tmux that will do, with worktrees where git is.

What is missing is said, with what is played instead; nothing that is claimed depends on it.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from shutil import which

from msgspec import Struct

from orchestrd.model.limits import SOCKET_PATH_BYTES_MAX

TMUX_OLDEST = (3, 2)
VERSION_S = 5.0


class Form(Struct, frozen=True, kw_only=True):
    """Runtime and workspace of the demo's sessions, and a sentence for each thing that this machine lacks."""

    runtime: str
    workspace: str
    lacking: tuple[str, ...]

    @property
    def has_terminal(self) -> bool:
        """Tell whether a session has a screen."""
        return self.runtime == "tmux"

    @property
    def has_worktree(self) -> bool:
        """Tell whether a session has a branch of its own."""
        return self.workspace == "worktree"


def form_here(socket: str, environment: Mapping[str, str]) -> Form:
    """Look what there is; `socket` is where the tmux server would listen."""
    no_tmux = _why_no_tmux(socket, environment)
    no_git = None if which("git", path=environment.get("PATH")) else "there is no git"
    lacking = [f"{no_tmux}: the sessions have no screen here, and run as plain processes."] if no_tmux else []
    lacking += [f"{no_git}: the sessions share one directory here, and have no branches."] if no_git else []
    return Form(
        runtime="process" if no_tmux else "tmux", workspace="none" if no_git else "worktree", lacking=tuple(lacking)
    )


def _why_no_tmux(socket: str, environment: Mapping[str, str]) -> str | None:
    tmux = which("tmux", path=environment.get("PATH"))
    if tmux is None:
        return "There is no tmux"
    if len(os.fsencode(socket)) > SOCKET_PATH_BYTES_MAX:
        return f"The address of a tmux server would be too long below {os.path.dirname(socket)}"  # noqa: PTH120
    try:
        done = subprocess.run([tmux, "-V"], capture_output=True, text=True, timeout=VERSION_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return f"{tmux} does not work"
    number = re.search(r"(\d+)\.(\d+)", done.stdout)
    if number is not None and (int(number[1]), int(number[2])) < TMUX_OLDEST:
        return f"{tmux} is {done.stdout.strip()}, and 3.2 is the oldest that will do"
    return None
