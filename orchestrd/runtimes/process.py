"""The process runtime: one launcher and one agent per run, as plain processes.

Whatever is known of a run stands in its directory, so a daemon that starts anew finds every run of its predecessors,
and nothing here ends one because the daemon ends. In steady state a look costs one `lstat` and one read of /proc per
run: its launcher's pidfd is held and has not ended, and its agent is still there. All blocking work is done on one
thread of its own; behind a look that does not come back others wait on the loop, where they can be given up, and not
on the thread.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import (
    KILL_LOOK_S_MAX,
    KILL_LOOK_S_MIN,
    KILL_SWEEP_S,
    LAUNCHER_RECORD_S,
    READ_CONFIRM_LOOK_S_MAX,
    READ_CONFIRM_LOOK_S_MIN,
    READ_CONFIRM_S,
)
from orchestrd.model.run import Look, Order, Run, Sweep
from orchestrd.model.words import Receipt
from orchestrd.ports import Clock
from orchestrd.runtimes.blocking import BlockingRuntime
from orchestrd.runtimes.processes import LinuxProcessTable, ProcessTable
from orchestrd.runtimes.stdin import unread_bytes
from orchestrd.runtimes.sweeping import Sweeper
from orchestrd.runtimes.watchlist import Watchlist

T = TypeVar("T")


class ProcessRuntime:
    """Runs as plain processes below one home."""

    name = "process"

    def __init__(self, layout: Layout, clock: Clock) -> None:
        self._table = table_of_this_system()
        self._watchlist = Watchlist()
        self._blocking = BlockingRuntime(layout, clock, self._table, self._watchlist)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="runtime-process")
        self._look: asyncio.Future[list[Look]] | None = None
        self._nudge: Callable[[SessionId], None] | None = None
        self._is_closed = False

    async def launch(self, order: Order) -> str:
        return await self._on_thread(self._blocking.launch, order)

    async def probe(self, runs: Sequence[Run]) -> Sequence[Look]:
        while self._look is not None and not self._look.done():
            await asyncio.wait([self._look])
        self._tell_of_ends()
        self._look = self._on_thread(self._blocking.look_at_all, tuple(runs))
        return await asyncio.shield(self._look)  # given up on, it is still under way

    async def terminate(self, run: Run) -> bool:
        return await self._on_thread(self._blocking.terminate, run)

    async def kill(self, run: Run) -> Sweep:
        try:
            await self._on_thread(self._blocking.take_claim, run)
            return await self._sweep(run)
        except OSError as error:
            return Sweep(error=f"the processes of the run cannot be looked for: {error}")

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        typing = self._thread.submit(self._blocking.type, run, text)
        try:
            fifo, is_whole = await asyncio.wrap_future(typing)
        except RefusedError as refusal:
            return Receipt.REFUSED, refusal.message
        except asyncio.CancelledError:
            typing.add_done_callback(_close_fifo)  # once begun it goes on, though nobody waits for it any more
            raise
        try:
            if not is_whole:
                return Receipt.UNKNOWN, "only a part of the text went into the stdin of the run"
            return (Receipt.SUBMITTED if await _is_read(fifo) else Receipt.TYPED), None
        finally:
            os.close(fifo)

    def on_change(self, nudge: Callable[[SessionId], None]) -> None:
        self._nudge = nudge
        if (watched := self._watchlist.fileno()) is not None:
            asyncio.get_running_loop().add_reader(watched, self._tell_of_ends)

    def forget(self, run: Run) -> None:
        self._watchlist.forget((run.session, run.generation))
        self._blocking.forget(run)

    async def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._nudge is not None and (watched := self._watchlist.fileno()) is not None:
            asyncio.get_running_loop().remove_reader(watched)
        self._watchlist.ended()  # what is over by now is still reaped
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._watchlist.close()

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
            kill_once = partial(self._blocking.kill_once, spare_launcher=elapsed_s < LAUNCHER_RECORD_S)
            found, error = await self._on_thread(kill_once, run, sweeper)
            if elapsed_s >= KILL_SWEEP_S or not (found or was_found):
                break
            was_found = bool(found)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, KILL_LOOK_S_MAX)
        recorded = await self._on_thread(self._blocking.exit_of, run)
        return Sweep(survivors=tuple(one.pid for one in found), exit=recorded, error=error if found else None)


def _close_fifo(typing: "Future[tuple[int, bool]]") -> None:
    """Close what was opened to type, if anything was."""
    if not typing.cancelled() and typing.exception() is None:
        fifo, _ = typing.result()
        os.close(fifo)


def table_of_this_system() -> ProcessTable:
    """Choose how processes are looked up here."""
    if os.uname().sysname == "Linux":
        return LinuxProcessTable()
    from orchestrd.runtimes.portable import PortableProcessTable  # noqa: PLC0415 - its price is paid where it is needed

    return PortableProcessTable()


async def _is_read(fifo: int) -> bool:
    """Wait, bounded, until the program has taken everything out of its FIFO, and tell whether it has."""
    pause_s = READ_CONFIRM_LOOK_S_MIN
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READ_CONFIRM_S):
            while unread_bytes(fifo):  # a pipe tells nobody that it was read
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, READ_CONFIRM_LOOK_S_MAX)
    return unread_bytes(fifo) == 0
