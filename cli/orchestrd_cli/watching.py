"""A picture that is kept up to date: on a terminal in its place, of which only the lines that changed are drawn anew.

Invariant: however it ends - a key, Ctrl-C, a signal, an error - the terminal is as it was before: screen, cursor, echo.
Where there is no terminal the pictures follow each other. It imports nothing that costs.
"""

import os
import select
import signal
import termios
import time

from orchestrd.model.limits import WATCH_S
from orchestrd_cli import exits, terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

STDIN, STDOUT = 0, 1
LEAVES = b"q\x04"  # Ctrl-d is the other one
KEYS_MAX = 64  # read at a time

# Another screen, no cursor, no wrapping; and all of it back. A frame is shown at once where the terminal knows how.
ENTER, LEAVE = b"\x1b[?1049h\x1b[?25l\x1b[?7l", b"\x1b[?7h\x1b[?25h\x1b[?1049l"
FRAME, SHOWN = b"\x1b[?2026h", b"\x1b[?2026l"
LINE, END_OF_LINE, REST = b"\x1b[%d;1H\x1b[K", b"\x1b[m", b"\x1b[%d;1H\x1b[J"


class Screen:
    """The terminal as long as it belongs to the picture."""

    def __init__(self) -> None:
        self._before: list[object] | None = None
        self._drawn: list[bytes] = []
        self._size = (0, 0)
        self._is_blank = True  # nothing was drawn since the terminal was taken
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def __enter__(self) -> "Screen":  # noqa: PYI034 - `Self` would have to be imported
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _end)
        signal.signal(signal.SIGWINCH, lambda *_: None)  # a handler of any kind, so that the byte below is written
        signal.signal(signal.SIGTSTP, self._step_aside)
        signal.set_wakeup_fd(self._wake)
        terminal.take_away_line = self._forget
        self._enter()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)
        terminal.take_away_line = None
        self._leave()

    def show(self, picture: bytes) -> None:
        """Draw what has changed since the last one; everything where the terminal has another size by now."""
        is_blank, self._is_blank = self._is_blank, False  # before drawing: somebody may step aside meanwhile
        size = terminal.size()
        lines = picture.rstrip(b"\n").split(b"\n")[: size[1]]
        drawn = dict(enumerate(self._drawn)) if size == self._size and not is_blank else {}
        pieces = [
            LINE % (number + 1) + line + END_OF_LINE for number, line in enumerate(lines) if drawn.get(number) != line
        ]
        if len(lines) < (len(drawn) or size[1]):
            pieces.append(REST % (len(lines) + 1))
        if pieces:
            terminal.write(b"".join((FRAME, *pieces, SHOWN)))
        self._drawn, self._size = lines, size

    def rests(self, seconds: float) -> bool:
        """Wait for the time of the next picture, or for another size of the terminal; false where a key ends it."""
        watched = [self._woken] if self._before is None else [self._woken, STDIN]
        ready, _, _ = select.select(watched, [], [], seconds)
        if self._woken in ready:
            os.read(self._woken, KEYS_MAX)
        if STDIN not in ready:
            return True
        keys = os.read(STDIN, KEYS_MAX)
        return bool(keys) and not set(LEAVES).intersection(keys)

    def _forget(self) -> None:
        """Draw everything the next time: whatever somebody else is about to write here spoils the picture."""
        self._size = (0, 0)

    def _enter(self) -> None:
        """Take the terminal, and its keys where they come from a terminal too."""
        self._is_blank = True
        if terminal.is_terminal(STDIN):
            self._before = termios.tcgetattr(STDIN)
            quiet = list(self._before)
            quiet[3] &= ~(termios.ECHO | termios.ICANON)  # type: ignore[operator]  # typeshed: a list of anything
            termios.tcsetattr(STDIN, termios.TCSANOW, quiet)  # type: ignore[arg-type]  # as above
        terminal.write(ENTER)

    def _leave(self) -> None:
        """Give it back; one that is gone takes nothing any more."""
        try:
            terminal.write(LEAVE)
            if self._before is not None:
                termios.tcsetattr(STDIN, termios.TCSANOW, self._before)  # type: ignore[arg-type]  # as above
        except (OSError, termios.error, terminal.Unwritable):
            return

    def _step_aside(self, *_: object) -> None:
        """Give the terminal back while somebody has us stopped, with Ctrl-z."""
        self._leave()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._step_aside)
        self._enter()


def watch(first: bytes, following: "Callable[[], bytes]", *, as_lines: bool) -> int:
    """Show a picture and those that follow it until somebody ends it; gives the exit code.

    `as_lines`: they are lines for a program, and follow each other on a terminal too.
    """
    if as_lines or not in_place():
        _print(first, following, b"" if as_lines else b"\n")
    with Screen() as screen:
        picture = first
        while True:
            screen.show(picture)
            if not screen.rests(WATCH_S):
                return exits.OK
            picture = following()


def in_place() -> bool:
    """Tell whether pictures are shown in the place of each other: on a terminal that can."""
    return terminal.is_terminal(STDOUT) and os.environ.get("TERM", "dumb") != "dumb"


def _print(picture: bytes, following: "Callable[[], bytes]", apart: bytes) -> "NoReturn":
    """Write pictures one below the other, each that differs from the one before; only a signal ends it."""
    terminal.write(picture)
    while True:
        time.sleep(WATCH_S)
        shown, picture = picture, following()
        if picture != shown:
            terminal.write(apart + picture)


def _end(number: int, _: object) -> "NoReturn":
    raise SystemExit(128 + number)  # as a shell tells of a signal
