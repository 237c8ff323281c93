"""The real daemon, as a process of its own over a temporary home, and what is asked of it from outside."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.homes import SLEEP, fill, temporary_home
from benchmarks.measuring import MILLISECONDS
from benchmarks.processes import end_runs, environment
from benchmarks.subscribers import Subscriber
from benchmarks.tmux import Tmux
from orchestrd.client import Client
from orchestrd.client.asynchronous import AsyncClient
from orchestrd.client.requests import WorkspaceWish, spawn_request
from orchestrd.core.layout import Layout
from orchestrd.model.document import SpawnRequest
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Session

READY_S = 15.0
LOOK_S = 0.001
STOP_S = 15.0
AT_A_TIME = 16  # requests of `begin` that are under way together
PROGRAM = ("-m", "orchestrd")
WITHOUT_PIDFDS = ("-c", "import os, sys; del os.pidfd_open; from orchestrd.__main__ import main; main(sys.argv[1:])")
ENOUGH_RUNNING = 10_000
NO_WORKSPACE = WorkspaceWish(kind="none")


class Daemon:
    """One home with one daemon at a time. Ends with everything it has started."""

    def __init__(
        self,
        layout: Layout,
        *,
        interval_s: float = 1.0,
        max_running: int = ENOUGH_RUNNING,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.layout = layout
        self.client = Client(layout.home)
        self._interval_s = interval_s
        self._max_running = max_running
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The pid of the daemon that runs."""
        assert self._process is not None
        return self._process.pid

    def start(self, *, interval_s: float | None = None) -> float:
        """Start it; gives the milliseconds until it answers. Raises RuntimeError when it does not."""
        self._interval_s = interval_s or self._interval_s
        options = ("--interval", f"{self._interval_s:g}", "--max-running", str(self._max_running))
        begun = time.perf_counter()
        with Path(self.layout.daemon_log).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", *self._program, "run", *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=self.layout.home,
                env=environment(self.layout),
                start_new_session=True,
            )
        while not (Path(self.layout.socket).exists() and self.client.answers()):
            if self._process.poll() is not None or time.perf_counter() - begun > READY_S:
                raise RuntimeError(f"no daemon: {Path(self.layout.daemon_log).read_text()[-2_000:]}")
            time.sleep(LOOK_S)
        return (time.perf_counter() - begun) * MILLISECONDS

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as a user does."""
        self._end(signal.SIGTERM)

    def begin(
        self,
        number: int,
        argv: Sequence[str] = SLEEP,
        *,
        runtime: str = "process",
        project: str = "/",
        workspace: WorkspaceWish = NO_WORKSPACE,
    ) -> list[SessionId]:
        """Spawn sessions and wait until all run; gives their ids."""
        environ = environment(self.layout)
        requests = [
            spawn_request(argv=argv, runtime=runtime, directory=project, workspace=workspace, environ=environ)
            for _ in range(number)
        ]
        ids = [request.id for request in requests]
        with Subscriber(self.layout.socket) as subscriber:
            asyncio.run(self._spawn(requests))
            subscriber.until_all(ids, "running")
        return ids

    def record(self, session: str, name: str) -> Any:
        """Read a record of a session's first run: `start.json`, `claim`."""
        return msgspec.json.decode(Path(self.layout.run_directory(session, 1), name).read_bytes())

    def agent(self, session: str) -> int:
        """Tell the pid of a session's agent."""
        pid: int = self.record(session, "start.json")["agent"]["pid"]
        return pid

    def close(self) -> None:
        """End the daemon first, so that it takes no part in the ending of its runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop()
        self.kill()
        end_runs(self.layout)
        Tmux(self.layout.tmux_socket).end()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            os.kill(self._process.pid, number)
        self._process.wait(STOP_S)
        self._process = None

    async def _spawn(self, requests: Sequence[SpawnRequest]) -> None:
        client, turn = AsyncClient(self.layout.home), asyncio.Semaphore(AT_A_TIME)

        async def spawn(request: SpawnRequest) -> None:
            async with turn:
                await client.spawn(request)

        async with asyncio.TaskGroup() as group:
            for request in requests:
                group.create_task(spawn(request), name=f"spawn {request.id}")


@contextlib.contextmanager
def daemon(
    sessions: Iterable[Session] = (),
    *,
    interval_s: float = 1.0,
    max_running: int = ENOUGH_RUNNING,
    program: Sequence[str] = PROGRAM,
) -> Iterator[Daemon]:
    """Run a daemon over a home that holds these sessions, and nothing else."""
    with temporary_home() as layout:
        fill(layout, sessions)
        made = Daemon(layout, interval_s=interval_s, max_running=max_running, program=program)
        with contextlib.closing(made):
            made.start()
            yield made
