"""Terminals made by hand, each with a launcher as its main process; the test is whoever sits in front of it."""

import fcntl
import os
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrd.runtimes import terminal
from tests.runtimes.launcher_bench import MARK, LauncherBench

ROWS, COLUMNS = 31, 97
SETSID = shutil.which("setsid") or "setsid"  # found before a test changes the path


class TerminalBench(LauncherBench):
    """One run directory, and a terminal that shows what is started in it. Whoever waits here reads it, and so shows."""

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.shown = b""
        self.is_read = self.answers = True
        self.environment = {"TERM": "tmux-256color", "ORCH_RUN": MARK}
        self.master, self._slave = os.openpty()
        os.set_blocking(self.master, False)
        self.resize(ROWS, COLUMNS)

    def start(self, *before: str) -> "subprocess.Popen[bytes]":
        """Start a launcher that has the terminal for its own, by what stands `before` it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
        started = subprocess.Popen(
            [SETSID, "--ctty", *before, sys.executable, terminal.__file__, str(self.directory)],
            env={**inherited, **self.environment},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
        )
        self.launchers.append(started)
        return started

    def run(self, *argv: str, environment: Mapping[str, str] | None = None, **settings: Any) -> dict[str, Any]:
        """Run a command to its end and give the exit record."""
        self.write_order(*argv, environment=environment, **settings).start()
        return self.exit()

    def exit(self) -> dict[str, Any]:
        """Wait for the exit record, and for the launcher to leave, and give it."""
        record = super().exit()
        self.until(lambda: self.launchers[-1].poll() == 0)
        return record

    def resize(self, rows: int, columns: int) -> None:
        """Give the window another size."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: bytes) -> None:
        """Type this, as fast as it is taken."""
        rest = text

        def is_typed() -> bool:
            nonlocal rest
            try:
                rest = rest[os.write(self.master, rest) :]
            except BlockingIOError:
                return False
            return not rest

        self.until(is_typed)

    def read(self) -> None:
        """Read what the terminal has to show by now."""
        try:
            while more := os.read(self.master, 65536):
                self.shown += more
                if terminal.QUESTION in more and self.answers:
                    os.write(self.master, terminal.ANSWER)
        except OSError:  # nothing more now, or nobody has the terminal open any more
            return

    def until_shown(self, text: bytes) -> None:
        """Wait until the terminal has shown this."""
        self.until(lambda: text in self.shown)

    def until(self, is_so: Any) -> None:
        """Wait until it is so, and look at the terminal meanwhile, unless it is not to be read."""

        def is_so_by_now() -> bool:
            if self.is_read:
                self.read()
            return bool(is_so())

        super().until(is_so_by_now)

    def hang_up(self) -> None:
        """Close the terminal under whoever uses it."""
        self.is_read = False
        os.close(self.master)
        self.master = -1

    def clear(self) -> None:
        """End what is left of all this."""
        super().clear()
        if self.master >= 0:
            os.close(self.master)
        os.close(self._slave)
