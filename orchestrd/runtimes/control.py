"""The one control client of the daemon: one question a tick in place of a process a session, and notices in between.

It never starts a server, never keeps anybody waiting for long, and says nothing about who lives: where it is not
connected, or nobody answers, there is no answer, and that is all. It connects when somebody asks, and pauses after a
failure, longer each time.

Invariant: answers belong to questions in their order; one that comes too late is still taken in, and dropped.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeVar

from orchestrd.model.errors import OrchestrdError
from orchestrd.model.limits import TMUX_ANSWER_S, TMUX_RETRY_S_MAX, TMUX_RETRY_S_MIN, TMUX_WAITING_MAX
from orchestrd.runtimes.control_process import ControlProcess
from orchestrd.runtimes.control_stream import Answered, ControlReader, Notice

T = TypeVar("T")


class OnThread(Protocol):
    """Makes a blocking call where it blocks nobody."""

    def __call__(self, act: Callable[[], T], /) -> "asyncio.Future[T]":
        """Make it soon."""
        ...


class ControlConnection(asyncio.Protocol):
    """One connection, from its first byte to its last."""

    def __init__(self, on_notice: Callable[[Notice], None]) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_notice = on_notice
        self._reader = ControlReader()
        self._waiting: deque[tuple[float, asyncio.Future[Answered | None]]] = deque()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand each answer to who waits for it, and each notice on."""
        try:
            for found in self._reader.feed(data):
                if isinstance(found, Notice):
                    self._on_notice(found)
                elif self._waiting:
                    _settle(self._waiting.popleft()[1], found)
        except ValueError:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave nobody waiting."""
        while self._waiting:
            _settle(self._waiting.popleft()[1], None)
        _settle(self.lost, None)

    async def ask(self, question: str) -> Answered | None:
        """Ask; null when no answer comes in time, or an earlier one is still owed."""
        loop = asyncio.get_running_loop()
        assert self._transport is not None
        if self._is_mute(loop.time()) or self.lost.done():
            return None
        answer: asyncio.Future[Answered | None] = loop.create_future()
        self._waiting.append((loop.time(), answer))
        self._transport.write(question.encode() + b"\n")
        await asyncio.wait([answer], timeout=TMUX_ANSWER_S)
        return answer.result() if answer.done() else None

    def abort(self) -> None:
        """Cut it."""
        if self._transport is not None:
            self._transport.abort()

    def _is_mute(self, now_s: float) -> bool:
        """Tell whether asking is of no use now; a connection that stays mute is cut."""
        late_s = now_s - self._waiting[0][0] if self._waiting else 0.0
        if late_s > TMUX_RETRY_S_MAX:
            self.abort()
        return late_s > TMUX_ANSWER_S or len(self._waiting) >= TMUX_WAITING_MAX


class ControlClient:
    """The connection of the moment, made when it is wanted. `open_process` blocks, and is made on a thread."""

    def __init__(
        self,
        open_process: Callable[[], ControlProcess],
        on_thread: OnThread,
        on_notice: Callable[[Notice], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._open_process = open_process
        self._on_thread = on_thread
        self._on_notice = on_notice
        self._on_lost = on_lost
        self._connection: ControlConnection | None = None
        self._life: asyncio.Task[None] | None = None  # of the connection, from before it is made until it is cleared up
        self._retry_s = TMUX_RETRY_S_MIN
        self._not_before_s = 0.0
        self._is_closed = False

    @property
    def is_connected(self) -> bool:
        """Tell whether there is somebody to ask."""
        return self._connection is not None

    async def ask(self, question: str) -> tuple[str, ...] | None:
        """Ask; null where nobody is there to answer, or nobody answers in time."""
        self.connect()
        found = await self._connection.ask(question) if self._connection is not None else None
        if found is None or found.is_error:
            return None
        self._retry_s = TMUX_RETRY_S_MIN
        return found.lines

    def connect(self, *, is_sure: bool = False) -> None:
        """Connect in the background, where that is not done, nor too soon; `is_sure` that there is a server now."""
        now_s = asyncio.get_running_loop().time()
        if is_sure:
            self._retry_s, self._not_before_s = TMUX_RETRY_S_MIN, now_s
        if self._life is not None or self._is_closed or now_s < self._not_before_s:
            return
        self._not_before_s = now_s + self._retry_s
        self._retry_s = min(2 * self._retry_s, TMUX_RETRY_S_MAX)
        self._life = asyncio.get_running_loop().create_task(self._live(), name="control client of tmux")

    async def close(self) -> None:
        """Let go for good; the server and its sessions stay."""
        self._is_closed = True
        if self._connection is not None:
            self._connection.abort()
        if self._life is not None:
            await asyncio.wait([self._life])

    async def _live(self) -> None:
        try:
            process = await self._on_thread(self._open_process)
            try:
                await self._serve(process)
            finally:
                await self._on_thread(process.end)
                self._on_lost()
        except (OSError, OrchestrdError):
            pass  # no server, or none that answers, or none that may be asked to take a client in
        finally:
            self._life = None

    async def _serve(self, process: ControlProcess) -> None:
        loop = asyncio.get_running_loop()
        made = await loop.create_connection(lambda: ControlConnection(self._on_notice), sock=process.channel)
        self._connection = made[1]
        try:
            if not self._is_closed:
                await self._connection.lost
        finally:
            self._connection.abort()
            self._connection = None


def _settle(future: "asyncio.Future[T]", value: T) -> None:
    if not future.done():
        future.set_result(value)
