"""A program in a terminal of its own, and a person in front of it who presses keys and waits for what is shown."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

PATIENCE_S = 20.0
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A terminal with a program in it. `raw` is everything that was written since keys were last pressed."""

    def __init__(self, argv: list[str], environment: dict[str, str], *, columns: int = 100, lines: int = 40) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, environment)
        self.resize(columns, lines)
        self.raw = ""

    @property
    def shown(self) -> str:
        """The words of it, without what only says how and where."""
        return STYLE.sub("", self.raw)

    def types(self, keys: str, shows: str) -> str:
        """Press keys and wait until these words are shown."""
        self.raw = ""
        os.write(self._terminal, keys.encode())
        self.sees(shows)
        return self.shown

    def sees(self, words: str) -> None:
        """Wait until these words are shown."""
        until = time.monotonic() + PATIENCE_S
        while words not in self.shown and words not in self.raw:
            assert time.monotonic() < until, f"{words!r} was never shown, but {self.raw!r}"
            if select.select([self._terminal], [], [], 0.1)[0]:
                self.raw += os.read(self._terminal, 65_536).decode("utf-8", "replace")

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))

    def echoes(self) -> bool:
        """Tell whether keys are shown as they are pressed."""
        return bool(termios.tcgetattr(self._terminal)[3] & termios.ECHO)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def ended(self) -> int:
        """Wait for the end of the program; gives its exit code. What it wrote last is in `raw`."""
        with contextlib.suppress(OSError):  # the other side is closed
            while select.select([self._terminal], [], [], PATIENCE_S)[0]:
                self.raw += os.read(self._terminal, 65_536).decode("utf-8", "replace")
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        os.close(self._terminal)
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
