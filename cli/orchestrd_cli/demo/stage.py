"""Where the demo plays: a throw-away home with everything in it, and no process of it outlives the demo.

Whatever was started here bears the home's path in its environment, launchers and agents too; that mark, looked at again
once a pidfd is held, is what the last sweep goes by.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE_S = 20.0  # for any one thing the demo waits for
LOOK_AGAIN_S = 0.05
SWEEPS_MAX = 20


class DemoFailed(Exception):
    """Something the demo relies on did not happen; the text says what."""


class Stage:
    """One throw-away home, and `orch` as a person would type it there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = str(directory / "home")
        binaries = directory / "bin"
        binaries.mkdir()
        self.orch = binaries / "orch"
        self.orch.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m orchestrd_cli "$@"\n')
        self.orch.chmod(0o700)
        outer = {name: value for name, value in os.environ.items() if not name.startswith("ORCH_")}
        path = f"{binaries}:{outer.get('PATH', os.defpath)}"
        self.environment = outer | {"ORCH_HOME": self.home, "PATH": path}

    def script(self, name: str, text: str) -> None:
        """Write a program for a session to run."""
        path = self.directory / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o700)

    def type(self, *words: str, expected: int = 0) -> None:
        """Run `orch` before the eyes of the person, its output straight to theirs."""
        print(f"\n$ orch {shlex.join(words)}", flush=True)
        self._run(words, expected, stdout=None)

    def ask(self, *words: str) -> str:
        """Run `orch` for what it prints."""
        return self._run(words, 0, stdout=subprocess.PIPE)

    def status(self) -> dict[str, Any]:
        """Give what `orch status --all --json` says."""
        found: dict[str, Any] = json.loads(self.ask("status", "--all", "--json"))
        return found

    def follow(self, *words: str) -> subprocess.Popen[str]:
        """Start an `orch` that goes on, for what it prints."""
        return subprocess.Popen(
            [self.orch, *words],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def number_in(self, name: str) -> int:
        """Wait for a file of the demo to hold a number, and give it."""
        path = self.directory / name
        wait_until(lambda: path.exists() and path.read_text().endswith("\n"), f"{name} appears")
        return int(path.read_text())

    def lines_in(self, name: str) -> int:
        """Count the lines of a file of the demo."""
        path = self.directory / name
        return len(path.read_text().splitlines()) if path.exists() else 0

    def sweep(self) -> None:
        """End whatever still runs on this stage."""
        for _ in range(SWEEPS_MAX):
            left = list(self._marked())
            for descriptor in left:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                os.close(descriptor)
            if not left:
                return
            time.sleep(LOOK_AGAIN_S)

    def _run(self, words: tuple[str, ...], expected: int, *, stdout: int | None) -> str:
        line = f"`orch {shlex.join(words)}`"
        try:
            done = subprocess.run(
                [self.orch, *words],
                cwd=self.directory,
                env=self.environment,
                timeout=PATIENCE_S,
                check=False,
                stdout=stdout,
                text=True,
            )
        except subprocess.TimeoutExpired as error:
            raise DemoFailed(f"{line} took longer than {PATIENCE_S:g} s") from error
        if done.returncode != expected:
            raise DemoFailed(f"{line} exited {done.returncode} and not {expected}")
        return done.stdout or ""

    def _marked(self) -> Iterator[int]:
        """Give a pidfd of each process that bears the home's mark."""
        mark = f"ORCH_HOME={self.home}".encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or not _bears(entry, mark):
                continue
            try:
                descriptor = os.pidfd_open(int(entry.name))
            except ProcessLookupError:
                continue
            if _bears(entry, mark):
                yield descriptor
            else:  # another process has the number by now
                os.close(descriptor)


@contextmanager
def set_up() -> Iterator[Stage]:
    """Give a stage, and leave nothing of it: no process, no file."""
    directory = Path(tempfile.mkdtemp(prefix="orch-demo-"))
    stage = Stage(directory)
    try:
        yield stage
    finally:
        stage.sweep()
        shutil.rmtree(directory, ignore_errors=True)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look until it is so; raises DemoFailed naming what did not happen."""
    patience_ends = time.monotonic() + PATIENCE_S  # noqa: TID251 - a person waits in real time
    while not condition():
        if time.monotonic() > patience_ends:  # noqa: TID251 - as above
            raise DemoFailed(f"waited {PATIENCE_S:g} s in vain until {what}")
        time.sleep(LOOK_AGAIN_S)


def lives(pid: int) -> bool:
    """Tell whether this process is there and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(") ")[2][:1] not in ("Z", "X")


def _bears(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
