"""The tmux server of one home, seen from outside: by /proc, and by asking it as a person would.

A server and its clients are known by the address on their command line, which no other home has.
"""

import collections
import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.processes import Identity, identity_of, is_alive

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")

HUB = "orchestrd"  # the session that only daemons need
ANSWER_S = 10.0
GONE = 0  # no process has this for its parent


class Tmux:
    """Whatever has to do with the tmux server behind one socket."""

    def __init__(self, socket: str) -> None:
        self._socket = socket

    def ask(self, *command: str) -> list[str]:
        """Ask the server; give the lines of its answer."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TMUX")}
        argv = ["tmux", "-u", "-N", "-f/dev/null", f"-S{self._socket}", *command]
        done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=ANSWER_S, env=environment)
        return done.stdout.splitlines()

    def sessions(self) -> list[str]:
        """Name the sessions of runs."""
        return sorted(name for name in self.ask("list-sessions", "-F", "#{session_name}") if name != HUB)

    def processes(self) -> Iterator[Identity]:
        """Find every process of tmux here: servers, clients, and whatever is on its way to become one."""
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (place / "cmdline").read_bytes().split(b"\0")
                is_ours = any(word.removeprefix(b"-S") == os.fsencode(self._socket) for word in words)
                if is_ours and (found := identity_of(int(place.name))):
                    yield found

    def servers(self) -> list[Identity]:
        """Find the servers, but for the child of one that is about to become the program of a pane, or has ended."""
        found = {process.pid: process for process in self.processes() if _named(process.pid) == "tmux: server"}
        return [process for process in found.values() if _parent(process.pid) not in {*found, GONE}]

    def server(self) -> Identity:
        (only,) = self.servers()
        return only

    def clients(self) -> list[int]:
        """Name the clients that are attached, as the server knows them."""
        return [int(pid) for pid in self.ask("list-clients", "-F", "#{client_pid}")]

    def attach(self, session: str, terminal: int) -> "subprocess.Popen[bytes]":
        """Attach somebody at a terminal to a session."""
        return subprocess.Popen(
            ["tmux", "-u", "-N", f"-S{self._socket}", "attach-session", "-t", f"={session}"],
            stdin=terminal,
            stdout=terminal,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "TERM": "xterm-256color"},
        )

    def descriptors(self) -> collections.Counter[str]:
        """Count what the server holds open, by what it is."""
        return descriptors_of(self.server().pid)

    def clear(self) -> bool:
        """Kill whatever is there; true when nothing was."""
        found = list(self.processes())
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                hold = os.pidfd_open(process.pid)
                try:
                    if is_alive(process):
                        signal.pidfd_send_signal(hold, signal.SIGKILL)
                finally:
                    os.close(hold)
        return not found


def descriptors_of(pid: int, place: str = "") -> collections.Counter[str]:
    """Count what a process holds open, by what it is; `place` stands for nothing in the names of files."""
    found: collections.Counter[str] = collections.Counter()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed just now
            opened = str(link.readlink())
            found[re.sub(r"\d+", "N", opened.replace(place, "") if place else opened)] += 1
    return found


def _named(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return GONE
