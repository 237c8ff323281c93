"""cli-agent-orchestrator: its server on loopback, its sessions in a tmux server of a temporary place.

The agent is the credential-free one that it has for tests: a program that prints a prompt and answers, which is as
little as an agent can be. Its own waits for a shell and for a prompt are left as they are.
"""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measuring import MILLISECONDS
from benchmarks.peers.places import end, environment, program, until
from benchmarks.processes import run_silent
from benchmarks.tmux import Tmux

NAME = "cli-agent-orchestrator"
HOME = "cao"
LOOPBACK = "127.0.0.1"
AGENT = """#!/bin/sh
printf '❯ '
while read -r line; do printf '> MOCK: %s\\n❯ ' "$line"; done
"""
LAUNCH = ("launch", "--agents", "developer", "--provider", "mock_cli", "--headless", "--auto-approve")


class Cao:
    """One server with its sessions. Everything that it has started ends with it."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._port = _free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self._tmux = Tmux(str(place / f"tmux-{os.getuid()}" / "default"))
        (place / "mock_cli").write_text(AGENT)
        (place / "mock_cli").chmod(0o700)
        (place / ".profile").write_text(f'PATH="{place}:$PATH"\n')  # a login shell has forgotten ours
        self._run("init")

    @property
    def pid(self) -> int:
        """The pid of the server."""
        assert self._server is not None
        return self._server.pid

    def start(self) -> float:
        """Start the server; gives the milliseconds until it takes connections."""
        begun = time.perf_counter()
        with (self._place / "output").open("ab") as output:
            self._server = subprocess.Popen(
                [_program("cao-server")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment(),
                cwd=self._place,
            )
        until(self._answers, f"{NAME} answers")
        return (time.perf_counter() - begun) * MILLISECONDS

    def version(self) -> float:
        """Ask its command for its version; gives milliseconds."""
        return self._run("--version")

    def list(self) -> float:
        """List its sessions; gives milliseconds."""
        return self._run("session", "list")

    def launch(self) -> float:
        """Begin a session; gives the milliseconds until its command says that it has begun."""
        return self._run(*LAUNCH, "--working-directory", str(self._place))

    def close(self) -> None:
        """End the server, and then its tmux server with all that runs there."""
        if self._server is not None:
            end(self._server.pid)
            self._server.wait()
        self._tmux.end()

    def _answers(self) -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex((LOOPBACK, self._port)) == 0

    def _run(self, *words: str) -> float:
        return run_silent((_program("cao"), *words), self._environment())

    def _environment(self) -> dict[str, str]:
        own = {"CAO_HOME_DIR": str(self._place / "home"), "CAO_API_HOST": LOOPBACK, "CAO_API_PORT": str(self._port)}
        return environment(self._place, SHELL="/bin/sh", **own)


@contextlib.contextmanager
def serving() -> Iterator[Cao | None]:
    """Make one in a temporary place, not started yet; null where it is not installed."""
    if not (program(HOME, "cao") and program(HOME, "cao-server")):
        yield None
        return
    with (
        tempfile.TemporaryDirectory(prefix="orch-peer-", ignore_cleanup_errors=True) as place,
        contextlib.closing(Cao(Path(place))) as made,
    ):
        yield made


def _program(name: str) -> str:
    return str(program(HOME, name))


def _free_port() -> int:
    with socket.socket() as finder:
        finder.bind((LOOPBACK, 0))
        port: int = finder.getsockname()[1]
    return port
