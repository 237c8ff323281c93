"""What a person at a terminal sees: tried on a pseudo-terminal of 40 columns and 6 lines."""

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrd_cli import following, terminal
from orchestrd_cli.logfile import LogFile

COLUMNS, LINES = 40, 6


def _all_from(controller: int, user: int) -> str:
    """Read what was written so far: up to a mark that is written behind it, for it comes in pieces."""
    os.write(user, b"\0")
    read = b""
    while not read.endswith(b"\0"):
        read += os.read(controller, 64 * 1024)
    return read[:-1].decode()


@contextmanager
def terminal_on_stdout() -> Iterator[Callable[[], str]]:
    """Put a terminal in the place of stdout; what it gives tells what was written since."""
    controller, user = pty.openpty()
    fcntl.ioctl(user, termios.TIOCSWINSZ, struct.pack("4H", LINES, COLUMNS, 0, 0))
    attributes = termios.tcgetattr(user)
    attributes[1] &= ~termios.OPOST  # newlines stay as they are written
    termios.tcsetattr(user, termios.TCSANOW, attributes)
    kept = os.dup(1)
    os.dup2(user, 1)
    try:
        yield lambda: _all_from(controller, user)
    finally:
        os.dup2(kept, 1)
        for descriptor in (kept, controller, user):
            os.close(descriptor)


@pytest.fixture(autouse=True)
def _colours_are_not_ruled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_terminal_has_a_size_and_takes_colours() -> None:
    with terminal_on_stdout():
        assert terminal.size() == (COLUMNS, LINES)
        assert terminal.wants_colour()


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_no_colours_gets_none(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with terminal_on_stdout():
        assert not terminal.wants_colour()


def test_a_pipe_has_no_size_and_takes_no_colours(capfd: pytest.CaptureFixture[str]) -> None:
    assert terminal.size() == (0, 0)
    assert not terminal.wants_colour()


def test_a_log_on_a_terminal_keeps_its_colours_and_commands_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\x1b[32mgreen\x1b]0;title\x07\n")

    with terminal_on_stdout() as screen:
        following.copy(following.Output(LogFile(str(path))), lambda: True)

        assert screen() == "\x1b[32mgreen^[]0;title^G\n\x1b[0m"
