"""The tmux runtime: the launcher of a run stands in a pane of a tmux server of our own, so that people can attach.

tmux is a host of terminals here and nothing more. A run is found, looked at and ended by what stands in its directory
and by its processes, as everywhere; a server that is absent, frozen or new makes titles and screens go missing, and no
run die. What belongs to a run there is the pane whose process is the launcher that claimed it: sessions may be renamed,
panes moved, and others may have sessions of their own.

Three threads: one for processes and records, one for what is done in tmux, and one for lists of its panes, so that a
server that does not answer hides nobody, and nobody waits for a list behind the launches of others.
"""

import asyncio
import os
import threading
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from orchestrd.core.layout import Layout
from orchestrd.model.errors import OrchestrdError, RefusedError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import (
    ENTER_AFTER_S,
    KILL_LOOK_S_MAX,
    TERMINAL_LINE_BYTES_MAX,
    TMUX_ANSWER_S,
    TMUX_LIST_PAUSE_S,
    TMUX_SCREENS_AT_ONCE,
)
from orchestrd.model.run import Look, Order, Run, Sweep
from orchestrd.model.words import Receipt
from orchestrd.ports import Clock
from orchestrd.runtimes.canonical import longest_line, why_cut_off
from orchestrd.runtimes.context import RuntimeContext
from orchestrd.runtimes.control import ControlClient
from orchestrd.runtimes.control_process import ControlProcess
from orchestrd.runtimes.control_stream import Notice
from orchestrd.runtimes.launched import LaunchedRuntime
from orchestrd.runtimes.panes import CAPTURE, CAPTURE_STYLED, QUESTION, Pane, panes_of, screen_of
from orchestrd.runtimes.scopes import Scope, Scopes
from orchestrd.runtimes.starting import LauncherCommand

if TYPE_CHECKING:
    from orchestrd.runtimes.tmux_server import TmuxServer

T = TypeVar("T")

CLOSED = ("window-close", "unlinked-window-close")
NOTHING_READS = "nothing reads the terminal of the run: it is over"


def runtime(context: RuntimeContext) -> "TmuxRuntime":
    """Make the tmux runtime of one home."""
    return TmuxRuntime(context.layout, context.clock, context.scopes)


class TmuxRuntime(LaunchedRuntime):
    """Runs in the panes of the tmux server of one home."""

    name = "tmux"
    has_terminal = True

    def __init__(self, layout: Layout, clock: Clock, scopes: Scopes | None = None) -> None:
        super().__init__(layout, clock, scopes)
        self._socket = layout.tmux_socket
        self._clock = clock
        self._command = LauncherCommand()
        self._tmux_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tmux")
        self._list_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tmux-list")
        self._listed: tuple[float, dict[int, Pane] | None] = (0.0, None)  # until when this list will do
        self._made: TmuxServer | None = None
        self._making = threading.Lock()
        self._control = ControlClient(self._open_control, self._on_tmux, self._hear, self._lose_control)
        self._windows: dict[str, SessionId] = {}  # of the runs looked at, so that one that closes names its session
        self._seen: dict[int, Pane] = {}  # in the last list of the control client
        self._screens = asyncio.Semaphore(TMUX_SCREENS_AT_ONCE)

    async def launch(self, order: Order) -> str:
        handle = await super().launch(order)
        self._control.connect(is_sure=self._made is not None and self._made.has_control)
        return handle

    async def probe(self, runs: Sequence[Run]) -> Sequence[Look]:
        panes = await self._panes() or {}
        return [self._with_title(look, panes) for look in await super().probe(runs)]

    async def kill(self, run: Run) -> Sweep:
        pid = await self._on_thread(self._runs.launcher_of, run)
        sweep = await super().kill(run)
        if pid is not None:
            await self._close_leftover(pid)
        return sweep

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        if why := untypable(text):
            return Receipt.REFUSED, why
        try:
            pane, pid, buffer = await self._load(run, text.rstrip("\n"))
            await self._on_tmux(lambda: self._server.paste(pane, pid, buffer))
        except RefusedError as refusal:
            return Receipt.REFUSED, refusal.message
        except OSError as error:
            return Receipt.UNKNOWN, f"not known to be typed: {error}"
        await asyncio.sleep(ENTER_AFTER_S)
        try:
            await self._on_tmux(lambda: self._server.press_enter(pane, pid))
        except (OSError, OrchestrdError) as error:
            return Receipt.UNKNOWN, f"the text was typed, but Enter perhaps not: {error}"
        return Receipt.TYPED, None

    async def press_enter(self, run: Run) -> None:
        try:
            pid = await self._require_launcher(run)
            await self._on_tmux(lambda: self._server.press_enter(self._server.require_pane(pid).id, pid))
        except OSError as error:
            raise TransientError(f"Enter is not known to be pressed: {error}", code="not_typed") from error

    async def press_keys(self, run: Run, keys: Sequence[str]) -> None:
        try:
            pid = await self._require_launcher(run)
            await self._on_tmux(lambda: self._server.press_keys(self._server.require_pane(pid).id, pid, keys))
        except OSError as error:
            raise TransientError(f"the keys are not known to be pressed: {error}", code="not_typed") from error

    async def screen(self, run: Run, *, is_styled: bool = False) -> str | None:
        look = CAPTURE_STYLED if is_styled else CAPTURE
        if (shown := await self._seen_screen(run, look)) is not None:
            return shown
        try:
            pid = await self._require_launcher(run)
            return await self._on_tmux(lambda: self._server.screen(self._server.require_pane(pid).id, look))
        except (OSError, OrchestrdError):
            return None

    def on_change(self, nudge: Callable[[SessionId], None]) -> None:
        super().on_change(nudge)
        self._control.connect()  # where an earlier daemon left a server, strays are removed

    def forget(self, run: Run) -> None:
        super().forget(run)
        for window in [window for window, session in self._windows.items() if session == run.session]:
            del self._windows[window]

    async def close(self) -> None:
        if self._is_closed:
            return
        await self._control.close()
        await self._try_to(self._close_hub)
        for thread in (self._tmux_thread, self._list_thread):
            thread.shutdown(wait=False, cancel_futures=True)
        await super().close()

    # ---- the parts of the above ----

    @property
    def _server(self) -> "TmuxServer":
        """Made on a thread that uses it, and only where there is use for it: libtmux takes long to import."""
        with self._making:
            if self._made is None:
                from orchestrd.runtimes.tmux_command import TmuxCommand  # noqa: PLC0415
                from orchestrd.runtimes.tmux_server import TmuxServer  # noqa: PLC0415

                self._made = TmuxServer(TmuxCommand(self._socket, self._clock, self._scopes))
            return self._made

    def _on_tmux(self, act: Callable[[], T], /) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._tmux_thread, act)

    async def _try_to(self, act: Callable[[], None]) -> None:
        try:
            await self._on_tmux(act)
        except (OSError, OrchestrdError):
            return

    async def _launch(self, order: Order, scope: Scope | None) -> str:
        return await self._on_tmux(lambda: self._runs.launch(order, partial(self._start, scope)))

    def _start(self, scope: Scope | None, run_directory: str, run: Run) -> int:
        environment = () if scope is None else scope.environment
        return self._server.open_session(run, self._command.terminal_argv(run_directory, scope), environment)

    async def _panes(self) -> dict[int, Pane] | None:
        """Ask the control client or, where none may be attached, a process of tmux; null without an answer."""
        lines = await self._control.ask(QUESTION)
        self._seen = panes_of(lines or ())
        if lines is not None or self._control.is_connected:
            return None if lines is None else self._seen
        loop = asyncio.get_running_loop()
        if loop.time() >= self._listed[0]:
            listed = await self._list()
            self._listed = (loop.time() + TMUX_LIST_PAUSE_S, listed)
        return self._listed[1]

    async def _seen_screen(self, run: Run, look: Sequence[str]) -> str | None:
        """Ask the control client, which costs no process, for the pane that the last list had; null: look for it."""
        pane = self._seen.get(self._runs.seen_launcher(run) or 0)
        if pane is None:
            return None
        async with self._screens:
            lines = await self._control.ask(f"{' '.join(look)} -t {pane.id}")
        return None if lines is None else screen_of(lines)

    async def _list(self) -> dict[int, Pane] | None:
        try:
            async with asyncio.timeout(TMUX_ANSWER_S):
                return await asyncio.get_running_loop().run_in_executor(self._list_thread, self._ask_for_panes)
        except (OSError, OrchestrdError):
            return None

    def _with_title(self, look: Look, panes: dict[int, Pane]) -> Look:
        """Add what the run's pane says to what its processes say."""
        pane = panes.get(self._runs.seen_launcher(look.run) or 0)
        if pane is None:
            return look
        self._windows[pane.window] = look.run.session
        return replace(look, title=pane.title)

    async def _require_launcher(self, run: Run) -> int:
        pid = await self._on_thread(self._runs.launcher_of, run)
        if pid is None:
            raise RefusedError(NOTHING_READS, code="not_typed")
        return pid

    async def _require_whole(self, run: Run, text: str) -> None:
        """See that the agent's terminal takes all of the text; nobody is asked about lines that every one takes."""
        if longest_line(text) <= TERMINAL_LINE_BYTES_MAX:
            return
        agent = await self._on_thread(self._runs.agent_of, run)
        if agent is not None and (why := await self._on_thread(why_cut_off, text, agent)):
            raise RefusedError(why, code="not_typed")

    async def _load(self, run: Run, text: str) -> tuple[str, int, str]:
        """Lay the text ready where the run's pane is; give pane, pid and buffer. Raises RefusedError: nothing typed."""
        try:
            pid = await self._require_launcher(run)
            await self._require_whole(run, text)
            async with asyncio.timeout(TMUX_ANSWER_S * 2):  # behind whatever else is asked of the server just now
                buffer, panes = await self._on_tmux(lambda: self._server.load(run.session, text))
        except OSError as error:
            why = str(error) or "the tmux server is busy"
            raise RefusedError(f"nothing was typed: {why}", code="not_typed") from error
        if (pane := panes.get(pid)) is None:
            await self._try_to(lambda: self._server.unload(buffer))
            raise RefusedError(NOTHING_READS, code="not_typed")
        return pane.id, pid, buffer

    async def _close_leftover(self, pid: int) -> None:
        """See a killed run's pane close, and close it where somebody has told it to stay."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + TMUX_ANSWER_S
        while (panes := await self._panes()) and (pane := panes.get(pid)) and loop.time() < until_s:
            if pane.is_dead:
                await self._try_to(lambda: self._server.close_dead(pane.id, pid))
            await asyncio.sleep(KILL_LOOK_S_MAX)

    def _ask_for_panes(self) -> dict[int, Pane]:
        """On the thread for lists. Raises OSError where there is no server."""
        os.lstat(self._socket)
        return self._server.panes()

    def _open_control(self) -> ControlProcess:
        """On tmux's thread. Raises OSError where there is no server."""
        os.lstat(self._socket)
        return self._server.open_control()

    def _close_hub(self) -> None:
        """The same."""
        if self._made is not None:
            self._made.end_control()
        os.lstat(self._socket)
        self._server.close_hub()

    def _hear(self, notice: Notice) -> None:
        session = self._windows.pop(notice.rest, None) if notice.word in CLOSED else None
        if session is not None and self._nudge is not None:
            self._nudge(session)

    def _lose_control(self) -> None:
        self._seen = {}  # another server gives the same names to other panes
        self._server.unready()


def untypable(text: str) -> str | None:
    """Say why a text cannot be pasted: a terminal takes control characters for keys, even inside a paste."""
    found = next((char for char in text if char not in "\t\n\r" and unicodedata.category(char) == "Cc"), None)
    if found is None:
        return None
    return f"the text holds the control character {found!r}, which a terminal takes for a key: leave it out"
