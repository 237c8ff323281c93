"""For who waits longer than a second: one line on stderr that says for what, and how long. It goes away by itself.

Invariant: it is there on a terminal only, alone in its line, and never among other words: whatever is written meanwhile
takes it away first.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from orchestrd.model.limits import PROGRESS_AFTER_S
from orchestrd.render import short
from orchestrd_cli import terminal

STDERR = 2
ERASED = "\r\x1b[K"
ROOM = 1  # a column that stays free, so that the terminal does not wrap


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Say that this is waited for, as long as the block takes. Within another one it says nothing of its own."""
    if terminal.take_away_line is not None or not _is_shown():
        yield
        return
    line = _Line(what)
    terminal.take_away_line = line.take_away
    try:
        with line.drawn():
            yield
    finally:
        terminal.take_away_line = None


class _Line:
    """The line; a thread of its own draws it once a second."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._over = threading.Event()
        self._drawing = threading.Lock()
        self._is_there = False

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Draw it as long as the block takes."""
        drawing = threading.Thread(target=self._draw, name="progress", daemon=True)
        drawing.start()
        try:
            yield
        finally:
            self._over.set()
            drawing.join()
            self.take_away()

    def take_away(self) -> None:
        """Make room for other words; it is drawn again below them."""
        with self._drawing:
            if self._is_there:
                self._write(ERASED)
            self._is_there = False

    def _draw(self) -> None:
        waited_s = PROGRESS_AFTER_S
        while not self._over.wait(PROGRESS_AFTER_S):
            with self._drawing:
                text = f"orch: waiting for {self._what}, {short(waited_s)}"
                self._write(ERASED + text[: _columns() - ROOM])
                self._is_there = True
            waited_s += PROGRESS_AFTER_S

    def _write(self, text: str) -> None:
        with suppress(OSError):  # nobody looks any more
            os.write(STDERR, text.encode("utf-8", "replace"))


def _is_shown() -> bool:
    """Tell whether there is a terminal that can take a line back."""
    return sys.stderr is not None and terminal.is_terminal(STDERR) and os.environ.get("TERM", "dumb") != "dumb"


def _columns() -> int:
    try:
        return os.get_terminal_size(STDERR).columns or sys.maxsize
    except OSError:
        return sys.maxsize
