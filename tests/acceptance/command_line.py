"""A user at a shell: `orch` as a process, in a home and a directory of its own, of which nothing is left."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from orchestrd.client import Client, spawn_request
from orchestrd.core.layout import Layout
from orchestrd.model.document import Document
from orchestrd.model.limits import GRACE_S
from tests.acceptance.processes import bearing, end, until
from tests.acceptance.tmux import Tmux

PATIENCE_S = 60.0
ORCH = (sys.executable, "-P", "-m", "orchestrd_cli")


class Done(Struct, frozen=True, kw_only=True):
    """What came of one command line."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)

    @property
    def lines(self) -> list[Any]:
        return [msgspec.json.decode(line) for line in self.out.splitlines()]

    @property
    def error(self) -> Any:
        """The last line of stderr, as JSON."""
        return msgspec.json.decode(self.err.splitlines()[-1])


def plainly(words: tuple[str | bytes, ...]) -> tuple[str | bytes, ...]:
    """Let a spawn that says nothing of its runtime ask for a plain process: that is what most tests are about."""
    is_open = words[:1] == ("spawn",) and "--runtime" not in words
    return ("spawn", "--runtime", "process", *words[1:]) if is_open else words


class Shell:
    """Types `orch` for a user whose home directory is `place`; sessions are plain processes unless a test says more."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.layout = Layout(str(place / "home"))
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "NO_COLOR", "PYTHON"))
        }
        path = f"{Path(sys.executable).parent}:{inherited.get('PATH', os.defpath)}"
        self.environment = inherited | {"ORCH_HOME": self.layout.home, "HOME": str(place), "PATH": path}

    def orch(self, *words: str | bytes, stdin: str | bytes = b"", **environment: str) -> Done:
        """Type one command line and wait for its end."""
        done = subprocess.run(
            [*ORCH, *plainly(words)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            cwd=self.place,
            env=self.environment | environment,
            timeout=PATIENCE_S,
            check=False,
        )
        return Done(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())

    def must(self, *words: str | bytes, stdin: str | bytes = b"") -> Done:
        """Type one command line that has to work."""
        done = self.orch(*words, stdin=stdin)
        assert done.code == 0, done
        return done

    @contextmanager
    def going_on(self, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Type a command line that goes on; it is interrupted at the end, if it has not ended by then."""
        process = subprocess.Popen(
            [*ORCH, *plainly(words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.place,
            env=self.environment,
        )
        with process:
            try:
                yield process
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(PATIENCE_S)
                except subprocess.TimeoutExpired:
                    process.kill()

    # ---- what a test needs and does not try: by the client, which takes no time to start --------------------------

    @property
    def client(self) -> Client:
        return Client(self.layout.home)

    def start(self, interval_s: float = 0.2) -> None:
        """Have a daemon run here."""
        self.client.ensure_daemon(interval_s=interval_s)

    def spawn(self, script: str, *, name: str | None = None, grace_s: float = GRACE_S) -> str:
        """Begin a session that runs a script of sh, and give its id."""
        request = spawn_request(
            argv=("sh", "-c", script),
            runtime="process",
            directory=str(self.place),
            name=name,
            grace_s=grace_s,
            environ=self.environment,
        )
        return self.client.spawn(request).document.id

    def ended(self, script: str, *, name: str | None = None) -> str:
        """Begin a session, wait for its end, and give its id."""
        session = self.spawn(script, name=name)
        self.client.wait([session], timeout_s=PATIENCE_S)
        return session

    def until(self, session: str, goal: str) -> None:
        """Wait until a session has reached a state or an activity."""
        (waited,) = self.client.wait([session], goal=goal, timeout_s=PATIENCE_S)
        assert waited.is_met, waited.document

    def show(self, ref: str) -> Document:
        return self.client.show(ref)

    def events(self, *options: str) -> list[dict[str, Any]]:
        return self.must("events", "--json", *options).lines

    def daemon_pid(self) -> int:
        daemon = self.client.status().daemon
        assert daemon is not None
        return daemon.pid

    def kill_daemon(self) -> None:
        """End the daemon as a crash would."""
        hold = os.pidfd_open(self.daemon_pid())
        try:
            signal.pidfd_send_signal(hold, signal.SIGKILL)
            select.select([hold], [], [])
        finally:
            os.close(hold)

    def clear(self) -> None:
        """End everything that was started here."""
        until(self._is_empty, "everything that the test has started is gone")

    def _is_empty(self) -> bool:
        found = list(bearing(self._is_ours))
        for process in found:
            end(process, self._is_ours)
        return Tmux(self.layout.tmux_socket).clear() and not found

    def _is_ours(self, environment: dict[str, str]) -> bool:
        return environment.get("ORCH_HOME") == self.layout.home
