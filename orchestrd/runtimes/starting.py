"""Starting launchers: with the real interpreter, from compiled code, detached, and with nothing in hand.

A launcher gets a session of its own, /dev/null for its three streams, and no environment but the mark of its run. So
the end of this process, its terminal, its signals and its secrets never reach it. One that has a terminal is started by
whatever hosts that; here is only what to run.

In a scope (`orchestrd.runtimes.scopes`) the words of that stand before the launcher's own: the process that is started
becomes the launcher, with the mark of its run from its first moment on.
"""

import os
import py_compile
import sys
from functools import cached_property

from orchestrd.runtimes import launcher, terminal
from orchestrd.runtimes.scopes import Scope


class LauncherCommand:
    """The command that starts a launcher, found when it is first needed."""

    @cached_property
    def _python(self) -> str:
        return os.path.realpath(sys.executable)

    @cached_property
    def _program(self) -> str:
        return _compiled(launcher.__file__)

    @cached_property
    def _terminal_program(self) -> str:
        _compiled(launcher.__file__)  # which it imports
        return _compiled(terminal.__file__)

    def terminal_argv(self, run_directory: str, scope: Scope | None = None) -> list[str]:
        """Give what to run as the main process of a terminal, for a run that is to have one.

        The terminal's host must set ORCH_RUN, the mark of the run, in its environment, and that of the scope, as
        `start` does.
        """
        before = () if scope is None else scope.words
        return [*before, self._python, "-IS", self._terminal_program, run_directory]

    def start(self, run_directory: str, mark: str, scope: Scope | None = None) -> int:
        """Start a launcher for this run directory and give its pid. Raises OSError."""
        nowhere = os.devnull
        argv = [*(() if scope is None else scope.words), self._python, "-IS", self._program, run_directory]
        return os.posix_spawn(
            argv[0],
            argv,
            {"ORCH_RUN": mark, **dict(() if scope is None else scope.environment)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, nowhere, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, nowhere, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, nowhere, os.O_WRONLY, 0),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=launcher.RESET,
        )


def _compiled(source: str) -> str:
    """Compile a launcher: read as source it costs each launch 4 ms. Where that cannot be kept, source it is."""
    try:
        return py_compile.compile(source, doraise=True) or source
    except OSError:
        return source
