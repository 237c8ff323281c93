"""Launchers started by hand, each in a run directory of its own, without a daemon.

They are started as plain scripts, so that coverage can follow; how the runtime starts them is for its own tests.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrd.runtimes import launcher
from tests.processes import bearers

MARK = f"benchaaa:1:nonce{os.getpid()}"  # what bears it is ended: never that of tests that run beside these
WAIT_S = 20.0


class LauncherBench:
    """One run directory, and whatever is started in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.directory = place / "run"
        self.directory.mkdir()
        self.log = place / "log"
        self.secrets = place / "secrets"
        self.secrets.write_bytes(f"PATH={os.defpath.strip(':')}".encode())
        self.launchers: list[subprocess.Popen[bytes]] = []

    def write_order(
        self, *argv: str, directory: str = "/", environment: Mapping[str, str] | None = None
    ) -> "LauncherBench":
        """Write what to run."""
        pairs = [f"{name}={value}" for name, value in (environment or {}).items()]
        fields = [MARK, directory, str(self.log), str(self.secrets), str(len(pairs)), *pairs, *argv]
        (self.directory / "order").write_bytes("\0".join(fields).encode("utf-8", "surrogateescape"))
        return self

    def start(self, *before: str) -> "subprocess.Popen[bytes]":
        """Start a launcher by what stands `before` it, and do not wait for it."""
        started = subprocess.Popen(
            [*before, sys.executable, launcher.__file__, str(self.directory)],
            env={**os.environ, "ORCH_RUN": MARK},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.launchers.append(started)
        return started

    def run(self, *argv: str, **settings: Any) -> dict[str, Any]:
        """Run a command to its end and give the exit record."""
        self.write_order(*argv, **settings).start().wait(WAIT_S)
        return self.exit()

    def record(self, name: str) -> dict[str, Any]:
        """Wait for a record, a whole line, and read it."""
        path = self.directory / name
        self.until(lambda: path.is_file() and path.read_bytes().endswith(b"\n"))
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found

    def agent(self) -> int:
        """Wait for the agent, and give its pid."""
        pid: int = self.record("start.json")["agent"]["pid"]
        return pid

    def exit(self) -> dict[str, Any]:
        """Wait for the exit record and give it."""
        return self.record("exit.json")

    def output(self) -> str:
        """Read the log."""
        return self.log.read_text() if self.log.exists() else ""

    def until_output(self, text: str) -> None:
        """Wait until the log holds this."""
        self.until(lambda: text in self.output())

    def until(self, is_so: Any) -> None:
        """Wait until it is so; fail when it takes too long."""
        deadline = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.005)

    def clear(self) -> None:
        """End what is left of all this."""
        for pid in bearers(MARK):
            os.kill(pid, 9)
        for started in self.launchers:
            started.wait(WAIT_S)
