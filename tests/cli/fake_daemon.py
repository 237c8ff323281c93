"""A daemon that says what a test tells it to say, on a real socket; and `orch` as a process of its own."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread


class FakeDaemon:
    """Answers each request, by the path it asks for, with the bytes it was given; remembers what was asked."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "run" / "daemon.sock"
        self.requests: list[str] = []
        self.bodies: list[bytes] = []
        self._answers: dict[str, list[bytes]] = {}
        self._socket: socket.socket | None = None

    def answers(self, path: str, *answers: bytes) -> None:
        """Set what is said to requests for `path`, one after the other; the last one stays."""
        self._answers[path] = list(answers)

    def start(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.path))
        self._socket.listen()
        Thread(target=self._serve, args=(self._socket,), daemon=True).start()

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):  # a client may hang up whenever it likes
                self._respond(connection)

    def _respond(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        head, _, body = head.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        while length and len(body) < int(length[1]):
            body += connection.recv(4096)
        self.requests.append(head.decode() + "\r\n\r\n")
        self.bodies.append(body)
        queue = self._answers[head.split()[1].decode().partition("?")[0]]
        connection.sendall(queue.pop(0) if len(queue) > 1 else queue[0])


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Write an answer of known length."""
    head = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def chunked(*chunks: bytes, headers: tuple[str, ...] = (), ends: bool = True) -> bytes:
    """Write an answer in chunks; one that does not end was cut off."""
    head = "\r\n".join(["HTTP/1.1 200 OK", "transfer-encoding: chunked", *headers]).encode() + b"\r\n\r\n"
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head + body + (b"0\r\n\r\n" if ends else b"")


class Result:
    """What came of one command line."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err


def spawn_orch(home: Path, *words: str, stdout: int) -> subprocess.Popen[bytes]:
    """Start `orch` as a process of its own."""
    environment = os.environ | {"ORCH_HOME": str(home)}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "orchestrd_cli", *words], env=environment, stderr=subprocess.PIPE, stdout=stdout
    )


@contextmanager
def never_answering(home: Path) -> Iterator[Callable[[], int]]:
    """Let connections be made to a home's socket, and nothing come of them; gives how to count those made so far."""
    path = home / "run" / "daemon.sock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        silent.setblocking(False)
        taken = 0

        def made() -> int:
            nonlocal taken
            with suppress(BlockingIOError):
                while True:
                    silent.accept()[0].close()
                    taken += 1
            return taken

        yield made


HOLD = """
import fcntl, signal, sys, time
lock = open(sys.argv[1], "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
if sys.argv[2:]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(flush=True)
time.sleep(60)
"""


@contextmanager
def holding(lock: str, *, ignores_term: bool = False) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process that holds a home as a daemon does, and answers nobody."""
    Path(lock).parent.mkdir(parents=True, exist_ok=True)
    Path(lock).touch()
    words = [sys.executable, "-IS", "-c", HOLD, lock, *(["ignore"] if ignores_term else [])]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        Path(lock).write_text(f"{process.pid}\n")
        yield process
        process.kill()
