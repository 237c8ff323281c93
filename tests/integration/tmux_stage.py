"""Real runs in a tmux server of their own, for tests; whatever a test leaves alive is killed."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from orchestrd.model.limits import TMUX_DEAF_S
from orchestrd.model.run import Run
from orchestrd.model.words import Receipt
from orchestrd.runtimes.tmux import TmuxRuntime
from tests.integration.process_stage import ProcessStage
from tests.processes import all_pids, is_alive, read

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")


class TmuxStage(ProcessStage):
    """One home with one tmux runtime at a time."""

    receipt_when_read = Receipt.TYPED
    kind = TmuxRuntime

    def tmux(self, *command: str) -> str:
        """Do something by hand on the server, as a person would; give what it prints."""
        argv = ["tmux", "-u", "-S", self.layout.tmux_socket, *command]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=10, env=environment).stdout

    def server(self) -> int:
        """Give the pid of the server."""
        return int(self.tmux("display-message", "-p", "#{pid}"))

    def tmux_pids(self) -> list[int]:
        """List every process of tmux that names our socket: the server, and whatever is attached."""
        mark = self.layout.tmux_socket.encode()
        return [pid for pid in all_pids() if mark in read(f"/proc/{pid}/cmdline") and is_alive(pid)]

    def clients(self) -> list[int]:
        """List the control clients of our socket."""
        return [pid for pid in self.tmux_pids() if b"\0-C\0" in read(f"/proc/{pid}/cmdline")]

    def pane(self, run: Run) -> str:
        """Give the id of the pane that the launcher of a run stands in."""
        panes = dict(
            line.split() for line in self.tmux("list-panes", "-a", "-F", "#{pane_pid} #{pane_id}").splitlines()
        )
        return panes[str(self.record_of(run).launcher.pid)]

    def sessions(self) -> list[str]:
        """Name the sessions but for that of the daemon."""
        names = self.tmux("list-sessions", "-F", "#{session_name}").split()
        return [name for name in names if name != "orchestrd"]

    async def pause_until_asked_again(self) -> None:
        """Wait until a server that gave no answer is asked again."""
        await asyncio.sleep(TMUX_DEAF_S)

    async def clear(self) -> None:
        """Kill whatever is left, the server included, and let go."""
        for pid in self.tmux_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        await self.restart()  # the test may have let the last one go
        await super().clear()
        for pid in self.tmux_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        Path(self.layout.tmux_socket).unlink(missing_ok=True)
