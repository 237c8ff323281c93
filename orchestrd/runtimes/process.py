"""The process runtime: one launcher and one agent per run, as plain processes, typed into by a FIFO.

Where a host stands between them, a message of any size and shape is left for it as a file, and its name is typed.
"""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial

from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError
from orchestrd.model.run import Order, Run
from orchestrd.model.words import Receipt
from orchestrd.ports import Clock
from orchestrd.runtimes.context import RuntimeContext
from orchestrd.runtimes.held import is_read
from orchestrd.runtimes.launched import LaunchedRuntime
from orchestrd.runtimes.processes import take_hold
from orchestrd.runtimes.rundir import RunDirectory
from orchestrd.runtimes.scopes import Scope, Scopes
from orchestrd.runtimes.starting import LauncherCommand
from orchestrd.runtimes.stdin import open_to_type, type_line


def runtime(context: RuntimeContext) -> "ProcessRuntime":
    """Make the process runtime of one home."""
    return ProcessRuntime(context.layout, context.clock, context.scopes)


class ProcessRuntime(LaunchedRuntime):
    """Runs as plain processes below one home."""

    name = "process"
    has_terminal = False

    def __init__(self, layout: Layout, clock: Clock, scopes: Scopes | None = None) -> None:
        super().__init__(layout, clock, scopes)
        self._command = LauncherCommand()

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        typing = self._thread.submit(self._type, run, text)
        try:
            fifo, is_whole, is_hosted = await asyncio.wrap_future(typing)
        except RefusedError as refusal:
            return Receipt.REFUSED, refusal.message
        except asyncio.CancelledError:
            typing.add_done_callback(_close_fifo)  # once begun it goes on, though nobody waits for it any more
            raise
        try:
            if not is_whole:
                return Receipt.UNKNOWN, "only a part of the text went into the stdin of the run"
            if is_hosted:
                return Receipt.TYPED, None  # the host has it; when its agent takes it is for the host to tell
            return (Receipt.SUBMITTED if await is_read(fifo) else Receipt.TYPED), None
        finally:
            os.close(fifo)

    async def press_enter(self, run: Run) -> None:
        await self._on_thread(self._press_enter, run)

    async def press_keys(self, run: Run, keys: Sequence[str]) -> None:
        raise RefusedError("there is no terminal to press keys in", code="no_terminal")

    async def screen(self, run: Run, *, is_styled: bool = False) -> str | None:
        return None

    async def _launch(self, order: Order, scope: Scope | None) -> str:
        return await self._on_thread(self._runs.launch, order, partial(self._start, scope))

    def _start(self, scope: Scope | None, run_directory: str, run: Run) -> int:
        """Start a launcher as a child of this process, and watch it."""
        pid = self._command.start(run_directory, run.mark, scope)
        hold = take_hold(pid)
        pidfd = hold.release() if hold else None
        if pidfd is None:
            self._watchlist.add_child(pid)
        else:
            self._watchlist.add((run.session, run.generation), pidfd)
        return pid

    def _type(self, run: Run, text: str) -> tuple[int, bool, bool]:
        """Type a line, or leave a message and type its name.

        Gives the open FIFO, which is the caller's to close, whether all of it went in, and whether the run has a host.
        Raises RefusedError, with nothing typed.
        """
        directory, name = self._runs.directory(run), None
        fifo = open_to_type(directory.stdin)
        try:
            name = _left(directory, text)
            line = text if name is None else name
            return fifo, type_line(fifo, line.encode("utf-8", "replace") + b"\n"), name is not None
        except BaseException:
            os.close(fifo)
            if name is not None:
                directory.take_back_message(name)
            raise

    def _press_enter(self, run: Run) -> None:
        fifo, _, _ = self._type(run, "")
        os.close(fifo)


def _left(directory: RunDirectory, text: str) -> str | None:
    """Leave a message for the host of a run; null where there is none, or nothing to say. Raises RefusedError."""
    try:
        return directory.leave_message(text) if text else None
    except OSError as error:
        raise RefusedError(f"the message cannot be left for its host: {error.strerror}", code="not_typed") from None


def _close_fifo(typing: "Future[tuple[int, bool, bool]]") -> None:
    """Close what was opened to type, if anything was."""
    if not typing.cancelled() and typing.exception() is None:
        fifo, _, _ = typing.result()
        os.close(fifo)
