"""tmux as one uses it without us: a server of our own behind a socket in a temporary home, and plain commands to it."""

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.homes import SLEEP
from benchmarks.measuring import MILLISECONDS
from orchestrd.core.layout import Layout

ANSWER_S = 30.0
HUB = "bare"
CLOSED = b"%unlinked-window-close"
FOREIGN = ("TMUX", "TMUX_PANE")


class Tmux:
    """The server behind one socket."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self._environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}

    def argv(self, *words: str) -> list[str]:
        """Give the command line of a command to it."""
        return ["tmux", "-u", "-f/dev/null", f"-S{self.socket}", *words]

    def ask(self, *words: str, stdin: bytes | None = None) -> str:
        """Run one command in a process of its own, for what it prints."""
        with subprocess.Popen(
            self.argv(*words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment,
        ) as process:
            told, complaint = process.communicate(stdin, ANSWER_S)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, words, told, complaint)
        return told.decode("utf-8", "replace")

    def begin(self, *command: str) -> tuple[str, int]:
        """Make a session that runs this; gives its pane, and the process in it."""
        made = self.ask("new-session", "-d", "-P", "-F", "#{pane_id} #{pane_pid}", "-x220", "-y50", "--", *command)
        pane, pid = made.split()
        return pane, int(pid)

    def pid(self) -> int:
        """Tell the pid of the server."""
        return int(self.ask("display-message", "-p", "#{pid}"))

    def end(self) -> None:
        """End it with all in it; nothing where there is none."""
        if Path(self.socket).exists():
            with contextlib.suppress(subprocess.CalledProcessError, subprocess.TimeoutExpired):
                self.ask("kill-server")


@contextlib.contextmanager
def bare_server(layout: Layout) -> Iterator[Tmux]:
    """Run a server beside that of the home, with one session so that it stays."""
    server = Tmux(layout.run + "/bare.sock")
    try:
        server.ask("new-session", "-d", "-s", HUB, "--", *SLEEP)
        yield server
    finally:
        server.end()


def closings(server: Tmux, number: int) -> Sequence[float]:
    """Kill the process of one pane after the other; milliseconds until a control client hears of it."""
    panes = [server.begin(*SLEEP)[1] for _ in range(number)]
    argv = server.argv("-C", "attach-session", "-f", "no-output,ignore-size", "-t", f"={HUB}")
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        try:
            assert client.stdout is not None
            descriptor = client.stdout.fileno()
            _hear(descriptor, b"%session-changed")
            return [_closing(descriptor, pid) for pid in panes]
        finally:
            client.kill()


def _closing(descriptor: int, pid: int) -> float:
    begun = time.perf_counter()
    os.kill(pid, 9)
    _hear(descriptor, CLOSED)
    return (time.perf_counter() - begun) * MILLISECONDS


def _hear(descriptor: int, word: bytes) -> None:
    """Read until a word has come. Raises TimeoutError."""
    heard = b""
    while word not in heard:
        if not select.select([descriptor], [], [], ANSWER_S)[0]:
            raise TimeoutError("tmux did not say what was waited for")
        heard += os.read(descriptor, 64 * 1024)
