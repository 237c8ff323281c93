"""The tmux runtime in this process, with real launchers in real panes, and what a sweep of it costs in processor."""

import asyncio
import contextlib
import os
import resource
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from benchmarks.homes import SLEEP, temporary_home
from benchmarks.measuring import MILLISECONDS, Act
from benchmarks.processes import end_runs, usage_of
from benchmarks.tmux import Tmux
from orchestrd.client.requests import mint_id
from orchestrd.clock import SystemClock
from orchestrd.core.layout import Layout
from orchestrd.model.run import Order, Run
from orchestrd.runtimes.tmux import TmuxRuntime

LOOK_S = 0.002
PATIENCE_S = 60.0


class Panes:
    """One home with its tmux server, and the runs in it."""

    def __init__(self, layout: Layout, runtime: TmuxRuntime) -> None:
        self.layout = layout
        self.runtime = runtime
        self.server = Tmux(layout.tmux_socket)
        self.runs: list[Run] = []

    async def launch(self, *argv: str) -> Run:
        """Launch one run."""
        session = mint_id()
        secret = self.layout.secret(session)
        Path(secret).write_text(f"PATH={os.environ['PATH']}")  # noqa: ASYNC240 - it keeps nobody waiting
        run = Run(session=session, generation=1, mark=f"{session}:1:{secrets.token_hex(8)}")
        order = Order(
            run=run,
            argv=argv,
            directory="/",
            environment=(),
            secrets_path=secret,
            log_path=self.layout.log(session),
        )
        launched = replace(run, handle=await self.runtime.launch(order))
        self.runs.append(launched)
        return launched

    async def begin(self, number: int) -> None:
        """Launch as many as are missing, and look until all are seen to be alive."""
        for _ in range(number - len(self.runs)):
            await self.launch(*SLEEP)
        await self.until_started()

    async def until_started(self) -> None:
        """Look until all are known by their records, and note that, as the daemon does."""

        async def all_known() -> bool:
            looks = await self.runtime.probe(self.runs)
            return all(look.agent_pid is not None for look in looks)

        await until(all_known)
        self.runs = [replace(run, is_started=True) for run in self.runs]

    def agent(self, run: Run) -> int:
        """Tell the pid of a run's agent."""
        record = Path(self.layout.run_directory(run.session, 1), "start.json").read_bytes()
        pid: int = msgspec.json.decode(record)["agent"]["pid"]
        return pid


@contextlib.asynccontextmanager
async def panes() -> AsyncIterator[Panes]:
    """Make a home with a runtime; all of it is gone afterwards."""
    with temporary_home() as layout:
        made = Panes(layout, TmuxRuntime(layout, SystemClock()))
        made.runtime.on_change(lambda _: None)
        try:
            yield made
        finally:
            await made.runtime.close()
            end_runs(layout)
            made.server.end()


@contextlib.contextmanager
def opened() -> Iterator[tuple[asyncio.Runner, Panes]]:
    """The same for a measurement that is not of a loop itself: with one that runs what it is given."""
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        try:
            yield runner, runner.run(stack.enter_async_context(panes()))
        finally:
            runner.run(stack.aclose())


async def until(condition: Callable[[], Coroutine[object, object, bool]]) -> None:
    """Look until it is so. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110 - what is looked at is of other processes
            await asyncio.sleep(LOOK_S)


class Metered:
    """An act that also notes the processor used by it: by this process, by those it starts, and by the server."""

    def __init__(self, act: Act, server: int) -> None:
        self._act = act
        self._server = server
        self.cpu_ms: list[float] = []

    def __call__(self) -> float:
        """Do it once."""
        before = self._used_s()
        took = self._act()
        self.cpu_ms.append((self._used_s() - before) * MILLISECONDS)
        return took

    def _used_s(self) -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime + usage_of(self._server).cpu_s


def in_loop(runner: asyncio.Runner, call: Callable[[], Coroutine[object, object, object]]) -> Act:
    """Make an act of something to be awaited."""

    def act() -> float:
        begun = time.perf_counter()
        runner.run(call())
        return (time.perf_counter() - begun) * MILLISECONDS

    return act


def forks(server: Tmux, commands: Sequence[Sequence[str]]) -> Callable[[], None]:
    """Make these commands one after the other, each in a process of its own."""

    def call() -> None:
        for words in commands:
            server.ask(*words)

    return call
