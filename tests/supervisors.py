"""Stand-ins for a supervisor such as systemd, as far as a process under it can see: real sockets, real processes."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from orchestrd.notify import NotifySocket

LISTENER = """
import pathlib, socket, sys
pathlib.Path("/proc/self/comm").write_text("systemd")
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(8)
print("listening", flush=True)
sys.stdin.read()
"""


class Told(NotifySocket):
    """Keeps what a supervisor would be told, without one: the words of the protocol, and each status."""

    def __init__(self) -> None:
        super().__init__(None, "at work")
        self.words: list[str] = []

    async def _tell(self, *lines: str) -> None:
        self.words += [line for line in lines if not line.startswith("MONOTONIC_USEC=")]

    @property
    def fed(self) -> int:
        """How often the watchdog was fed."""
        return self.words.count("WATCHDOG=1")

    @property
    def said(self) -> list[str]:
        """Each status, in order."""
        return [word.removeprefix("STATUS=") for word in self.words if word.startswith("STATUS=")]


class NotifyEnd:
    """The end of a notify socket at which a supervisor listens."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def messages(self) -> list[dict[str, str]]:
        """Give what was told since the last time."""
        told = []
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                told.append(_decoded(self._socket.recv(65_536)))
        return told

    def message(self, within_s: float) -> dict[str, str]:
        """Wait for the next message. Raises TimeoutError."""
        self._socket.settimeout(within_s)
        return _decoded(self._socket.recv(65_536))

    def close(self) -> None:
        self._socket.close()


def _decoded(message: bytes) -> dict[str, str]:
    return dict(line.split("=", 1) for line in message.decode().split("\n"))


@contextlib.contextmanager
def listening_as_systemd(path: Path) -> Iterator[int]:
    """Have a process that is called as systemd is listen at `path`, and accept nobody; give its pid."""
    listener = subprocess.Popen(
        [sys.executable, "-c", LISTENER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with listener:
        assert listener.stdout is not None
        assert listener.stdin is not None
        assert listener.stdout.readline() == b"listening\n"
        yield listener.pid
        listener.stdin.close()


def passed_on(path: Path) -> int:
    """Listen at `path`, as a supervisor does for whom it will start; give the descriptor that is passed on."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(8)
    os.set_inheritable(listener.fileno(), True)
    return listener.detach()
