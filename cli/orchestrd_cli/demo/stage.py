"""Where the demo plays: a throw-away home with everything in it, and no process of it outlives the demo.

Whatever was started here bears the home's path in its environment, or on its command line the address of our tmux
server or the directory of a run; that mark, looked at again once a pidfd is held, is what the last sweep goes by.
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
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from orchestrd.core.launch import STDIN
from orchestrd.core.layout import Layout
from orchestrd_cli.demo.forms import form_here

PATIENCE_S = 20.0  # for any one thing the demo waits for
LOOK_AGAIN_S = 0.05
SWEEPS_MAX = 20

NO_SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}  # of the user's: hooks, signatures
AUTHOR = ("-c", "user.name=orch demo", "-c", "user.email=demo@localhost")


class DemoFailed(Exception):
    """Something the demo relies on did not happen; the text says what."""


class Stage:
    """One throw-away home, and `orch` as a person would type it there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.project = directory / "shed"
        self.project.mkdir()
        self.home = str(directory / "home")
        self.layout = Layout(self.home)
        binaries = directory / "bin"
        binaries.mkdir()
        self.orch = binaries / "orch"
        self.orch.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m orchestrd_cli "$@"\n')
        self.orch.chmod(0o700)
        outer = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "GIT_"))}
        path = f"{binaries}:{outer.get('PATH', os.defpath)}"
        ours = {"ORCH_HOME": self.home, "PATH": path, "XDG_CONFIG_HOME": str(directory / "config")}
        self.environment = outer | NO_SETTINGS | ours  # no channel of the user's, and no reaction
        self.form = form_here(self.layout.tmux_socket, self.environment)

    def script(self, name: str, text: str) -> None:
        """Write a program for a session to run."""
        path = self.project / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o700)

    def commit(self) -> None:
        """Make the project a git repository that holds what is there, where there are worktrees."""
        if self.form.has_worktree:
            self.git("init", "--quiet", "--initial-branch=main")
            self.git("add", ".")
            self.git(*AUTHOR, "commit", "--quiet", "--message=Plan a shed")

    def git(self, *words: str) -> str:
        """Run git in the project, for what it prints."""
        return self._done(("git", *words), 0, stdout=subprocess.PIPE)

    def press(self, session: str, keys: str) -> None:
        """Type a line as a person does who is attached; without a terminal, into the program's standard input."""
        if self.form.has_terminal:
            target = ("-t", f"={session}-1:")
            self._done(("tmux", "-N", "-S", self.layout.tmux_socket, "send-keys", *target, keys, "Enter"), 0)
        else:
            Path(self.layout.run_directory(session, 1), STDIN).write_text(f"{keys}\n")

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
            cwd=self.project,
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

    def lines_in(self, name: str) -> list[str]:
        """Give the lines of a file of the demo."""
        path = self.directory / name
        return path.read_text().splitlines() if path.exists() else []

    def sweep(self) -> None:
        """End whatever still runs on this stage."""
        for _ in range(SWEEPS_MAX):
            left = list(self._marked())
            for descriptor in left:
                with suppress(ProcessLookupError):  # it ended with another one of them
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                os.close(descriptor)
            if not left:
                return
            time.sleep(LOOK_AGAIN_S)

    def _run(self, words: tuple[str, ...], expected: int, *, stdout: int | None) -> str:
        return self._done(("orch", *words), expected, stdout=stdout)

    def _done(self, argv: tuple[str, ...], expected: int, *, stdout: int | None = None) -> str:
        line = f"`{shlex.join(argv)}`"
        try:
            done = subprocess.run(
                argv,
                cwd=self.project,
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
        """Give a pidfd of each process that bears a mark of this stage."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or not self._bears_mark(entry):
                continue
            try:
                descriptor = os.pidfd_open(int(entry.name))
            except ProcessLookupError:
                continue
            if self._bears_mark(entry):
                yield descriptor
            else:  # another process has the number by now
                os.close(descriptor)

    def _bears_mark(self, process: Path) -> bool:
        ours = (os.fsencode(self.layout.tmux_socket), os.fsencode(self.layout.runs + "/"))
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return f"ORCH_HOME={self.home}".encode() in environment or any(
            word.removeprefix(b"-S").startswith(ours) for word in words
        )


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
