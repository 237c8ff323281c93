"""What all runtimes share whose runs stand under a launcher: finding them again, looking, ending, letting go.

Whatever is known of a run stands in its directory, so a daemon that starts anew finds every run of its predecessors,
and nothing here ends one because the daemon ends. In steady state a look costs one `lstat` per run: its launcher and
its agent are held by pidfds that have not ended. All blocking work is done on one thread of its own; behind a look that
does not come back others wait on the loop, where they can be given up, and not on the thread.

Where systemd gives scopes, a run is launched into one of its own; if that does not get as far as its claim, it is
launched without. To launch twice is harmless, for only one can have the claim.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from orchestrd.core.layout import Layout
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import (
    KILL_LOOK_S_MAX,
    KILL_LOOK_S_MIN,
    KILL_SWEEP_S,
    LAUNCHER_CLAIM_S,
    LAUNCHER_RECORD_S,
    SCOPE_LOOK_S_MAX,
    SCOPE_LOOK_S_MIN,
    SCOPE_S,
)
from orchestrd.model.run import Look, Order, Run, Sweep
from orchestrd.ports import Clock
from orchestrd.runtimes.blocking import BlockingRuns
from orchestrd.runtimes.held import give_line, is_read
from orchestrd.runtimes.processes import LinuxProcessTable, ProcessTable
from orchestrd.runtimes.scopes import Scope, Scopes
from orchestrd.runtimes.sweeping import Sweeper
from orchestrd.runtimes.watchlist import Watchlist

T = TypeVar("T")


class LaunchedRuntime:
    """The part of the port that does not depend on where a launcher runs: all but starting one, and typing."""

    name: str

    def __init__(self, layout: Layout, clock: Clock, scopes: Scopes | None) -> None:
        self._scopes = scopes
        self._table = table_of_this_system()
        self._watchlist = Watchlist()
        self._runs = BlockingRuns(layout, clock, self._table, self._watchlist)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"runtime-{self.name}")
        self._look: asyncio.Future[list[Look]] | None = None
        self._nudge: Callable[[SessionId], None] | None = None
        self._is_closed = False

    async def launch(self, order: Order) -> str:
        scope = None if self._scopes is None else await self._on_thread(self._scopes.of_run, order.run)
        handle = await self._launch(order, scope)
        if scope is None or await self._has_begun(order.run, handle, SCOPE_S):
            return handle
        return await self._launch_again(order, handle)

    async def probe(self, runs: Sequence[Run]) -> Sequence[Look]:
        while self._look is not None and not self._look.done():
            await asyncio.wait([self._look])
        self._tell_of_ends()
        self._look = self._on_thread(self._runs.look_at_all, tuple(runs))
        return await asyncio.shield(self._look)  # given up on, it is still under way

    async def terminate(self, run: Run) -> bool:
        return await self._on_thread(self._runs.terminate, run)

    async def kill(self, run: Run) -> Sweep:
        try:
            await self._on_thread(self._runs.take_claim, run)
            return await self._sweep(run)
        except OSError as error:
            return Sweep(error=f"the processes of the run cannot be looked for: {error}")

    async def answer(self, run: Run, decision: str, reply: str) -> bool:
        directory = self._runs.directory(run).path
        fifo = await self._on_thread(give_line, directory, decision, reply.encode("utf-8", "replace"))
        try:
            return await is_read(fifo)
        finally:
            os.close(fifo)

    def on_change(self, nudge: Callable[[SessionId], None]) -> None:
        self._nudge = nudge
        if (watched := self._watchlist.fileno()) is not None:
            asyncio.get_running_loop().add_reader(watched, self._tell_of_ends)

    def forget(self, run: Run) -> None:
        self._watchlist.forget((run.session, run.generation))
        self._runs.forget(run)

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._nudge is not None and (watched := self._watchlist.fileno()) is not None:
            asyncio.get_running_loop().remove_reader(watched)
        self._watchlist.ended()  # what is over by now is still reaped
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._watchlist.close()
        self._runs.close()

    async def _launch(self, order: Order, scope: Scope | None) -> str:
        """Have a launcher started, in this scope where there is one. Raises as the port's `launch`."""
        raise NotImplementedError

    async def _launch_again(self, order: Order, handle: str) -> str:
        """Launch without the scope in which nothing has begun, and end what may be left of that."""
        assert self._scopes is not None
        await self._on_thread(self._scopes.failed, "systemd-run has not started what it was told to")
        again = await self._launch(order, None)
        if await self._has_begun(order.run, again, LAUNCHER_CLAIM_S):
            look = partial(self._runs.end_unless_claimed_by, order.run, handle)
            await self._looked(lambda: look() or None, SCOPE_S)
        return again

    async def _has_begun(self, run: Run, handle: str, within_s: float) -> bool:
        """Wait, bounded, until the run is claimed; false when what was started is over, or too slow."""
        return bool(await self._looked(partial(self._runs.has_begun, run, handle), within_s))

    async def _looked(self, look: Callable[[], bool | None], within_s: float) -> bool | None:
        """Look until there is an answer, or the time is up; less and less often."""
        pause_s = SCOPE_LOOK_S_MIN
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while (found := await self._on_thread(look)) is None:
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s, SCOPE_LOOK_S_MAX)
                return found
        return None

    def _on_thread(self, act: Callable[..., T], *arguments: object) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._thread, act, *arguments)

    def _tell_of_ends(self) -> None:
        for session, _ in self._watchlist.ended():
            if self._nudge is not None:
                self._nudge(session)

    async def _sweep(self, run: Run) -> Sweep:
        """Look and kill until two looks in a row find nothing, or the time is up.

        Two, because in the middle of an exec a process shows no environment for an instant, and so no mark.
        """
        loop = asyncio.get_running_loop()
        begun, pause_s, sweeper = loop.time(), KILL_LOOK_S_MIN, Sweeper(self._table)
        was_found = True
        while True:
            elapsed_s = loop.time() - begun
            kill_once = partial(self._runs.kill_once, spare_launcher=elapsed_s < LAUNCHER_RECORD_S)
            found, error = await self._on_thread(kill_once, run, sweeper)
            if elapsed_s >= KILL_SWEEP_S or not (found or was_found):
                break
            was_found = bool(found)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, KILL_LOOK_S_MAX)
        recorded = await self._on_thread(self._runs.exit_of, run)
        return Sweep(survivors=tuple(one.pid for one in found), exit=recorded, error=error if found else None)


def table_of_this_system() -> ProcessTable:
    """Choose how processes are looked up here."""
    if os.uname().sysname == "Linux":
        return LinuxProcessTable()
    from orchestrd.runtimes.portable import PortableProcessTable  # noqa: PLC0415 - its price is paid where it is needed

    return PortableProcessTable()
