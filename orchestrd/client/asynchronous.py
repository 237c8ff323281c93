"""The client for an event loop: the same verbs, the same core. What needs the disk or a new daemon is done in a thread.

See `orchestrd.client.Client` for what each verb means and raises; here they are awaited.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Self, TypeVar

from orchestrd.client import calls
from orchestrd.client.blocking import Client, Taken
from orchestrd.client.calls import OK, Call, Lines
from orchestrd.client.connection import RECEIVE_BYTES, UNRESPONSIVE, check_size, unreachable
from orchestrd.client.offline import OfflineHome
from orchestrd.client.requests import caller_authority, mint_message_id
from orchestrd.client.waiting import Wait, Waited
from orchestrd.client.wire import CUT_OFF, Receiver
from orchestrd.core.choice import head_of
from orchestrd.endpoint import Address, supervisor_behind
from orchestrd.model.document import (
    AnswerReply,
    AnswerRequest,
    Archived,
    CleanReport,
    CleanRequest,
    Document,
    Explanation,
    KnownAgents,
    Screen,
    SendReply,
    SendRequest,
    SpawnRequest,
    Status,
)
from orchestrd.model.errors import NotFoundError, TimedOutError, UnreachableError
from orchestrd.model.issue import Issue
from orchestrd.model.limits import ANSWER_S, LOOK_ANSWER_S, REACHED_AGAIN_S
from orchestrd.model.notice_document import NoticeReply, NoticeRequest
from orchestrd.model.reaction_document import JudgedSession, KnownReactions

T = TypeVar("T")


class AsyncClient:
    """The sessions of one home."""

    def __init__(self, home: str | None = None, *, notice: Callable[[str], None] = lambda _: None) -> None:
        self._blocking = Client(home, notice=notice)
        self._offline = OfflineHome(self._blocking.layout)
        self._socket = self._blocking.layout.socket

    async def status(self, *, with_ended: bool = False, project: str | None = None, with_usage: bool = False) -> Status:
        """List the sessions; without a daemon `daemon` is null, and so is what they take of the machine."""
        return await self._read(
            calls.status(with_ended=with_ended, project=project, with_usage=with_usage),
            lambda: self._blocking.status(with_ended=with_ended, project=project),
        )

    async def agents(self) -> KnownAgents:
        """Tell which agents a daemon can drive."""
        repeats_after = (UnreachableError.code, CUT_OFF)
        return await self._commanded(calls.agents(), self._blocking.agents, repeats_after=repeats_after)

    async def show(self, ref: str) -> Document:
        """Give one session."""
        return await self._read(calls.show(ref), lambda: self._blocking.show(ref))

    async def explain(self, ref: str) -> Explanation:
        """Say why its row says what it says."""
        return await self._read(calls.explain(ref), lambda: self._blocking.explain(ref))

    async def reactions(self) -> KnownReactions:
        """Tell which reactions the daemon goes by, or the next one would."""
        return await self._read(calls.reactions(), self._blocking.reactions)

    async def judge(self, ref: str) -> JudgedSession:
        """Say what each reaction comes to for one session."""
        try:
            return await self._read(calls.judge(ref), lambda: self._blocking.judge(ref))
        except NotFoundError:  # a daemon judges no archived ones
            return await asyncio.to_thread(self._offline.judge, ref)

    async def screen(self, ref: str) -> Screen:
        """Give what its terminal shows now, or showed at its end."""
        return await self._read(calls.screen(ref), lambda: self._blocking.screen(ref))

    async def issue(self, project: str, text: str) -> Issue:
        """Read an issue of a forge: by its URL, or by its number in the repository that this directory is in."""
        repeats_after = (UnreachableError.code, CUT_OFF)
        call = calls.issue(project, text)
        return await self._commanded(call, lambda: self._blocking.issue(project, text), repeats_after=repeats_after)

    async def spawn(self, request: SpawnRequest) -> Taken:
        """Begin a session."""
        return await self._change(calls.spawn(request), lambda: self._blocking.spawn(request))

    async def stop(self, ref: str, *, grace_s: float | None = None) -> Taken:
        """Ask a session to end."""
        call = calls.stop(ref, caller_authority(), grace_s)
        return await self._change(call, lambda: self._blocking.stop(ref, grace_s=grace_s))

    async def kill(self, ref: str) -> Taken:
        """Force a session to end."""
        return await self._change(calls.kill(ref, caller_authority()), lambda: self._blocking.kill(ref))

    async def revive(self, ref: str) -> Document:
        """Start a new run of an ended session."""
        call = calls.revive(ref, caller_authority())
        return await self._commanded(call, lambda: self._blocking.revive(ref))

    async def send(self, ref: str, text: str, *, message: str | None = None, is_command: bool = False) -> SendReply:
        """Type a text, or a command of its own, into the agent and give its receipt."""
        known = message or mint_message_id()
        body = SendRequest(message=known, text=text, authority=caller_authority(), is_command=is_command)
        call = calls.send(ref, body)
        repeats_after = (UnreachableError.code, CUT_OFF)
        return await self._commanded(
            call,
            lambda: self._blocking.send(ref, text, message=known, is_command=is_command),
            repeats_after=repeats_after,
        )

    async def answer(self, ref: str, decision: str, choice: str, *, text: str | None = None) -> AnswerReply:
        """Answer the decision of this id, by the key or number of a choice, and give the receipt."""
        body = AnswerRequest(decision=decision, choice=choice, text=text, authority=caller_authority())
        return await self._commanded(
            calls.answer(ref, body),
            lambda: self._blocking.answer(ref, decision, choice, text=text),
            repeats_after=(UnreachableError.code, CUT_OFF),
        )

    async def notify(self, request: NoticeRequest) -> NoticeReply:
        """Have people told something now, and give what each channel answered. Repeating it tells them again."""
        return await self._commanded(
            calls.notify(request),
            lambda: self._blocking.notify(request),
            repeats_after=(UnreachableError.code,),
        )

    async def archive(self, ref: str) -> Archived:
        """Put an ended session away. Repeating is harmless."""
        repeats_after = (UnreachableError.code, CUT_OFF)
        return await self._commanded(
            calls.archive(ref), lambda: self._blocking.archive(ref), repeats_after=repeats_after
        )

    async def clean(self, *refs: str, dry_run: bool = False) -> CleanReport:
        """Remove the worktrees of ended sessions, or of these."""
        call = calls.clean(CleanRequest(dry_run=dry_run, sessions=refs))
        repeats_after = (UnreachableError.code, CUT_OFF)
        return await self._commanded(
            call, lambda: self._blocking.clean(*refs, dry_run=dry_run), repeats_after=repeats_after
        )

    async def events(
        self,
        since: int | None = None,
        *,
        follow: bool = False,
        sessions: Iterable[str] = (),
        types: Iterable[str] = (),
    ) -> AsyncGenerator[bytes, None]:
        """Give journal lines after a cursor; with `follow` for ever, over any number of daemons."""
        wanted = tuple(sessions), tuple(types)
        cursor = since if since is not None else await self._cursor_now() if follow else 0
        while True:
            try:
                async for line in self._stream(cursor, *wanted, follow=follow):
                    yield line
                    cursor = head_of(line).cursor
            except UnreachableError:
                if not follow:
                    for line in await self._kept_on_disk(cursor, *wanted):
                        yield line
            if not follow:
                return
            await asyncio.sleep(REACHED_AGAIN_S)

    async def wait(
        self, refs: Iterable[str], *, goal: str | None = None, timeout_s: float | None = None
    ) -> tuple[Waited, ...]:
        """Wait until each session has reached `goal` or has ended; null means a good end."""
        wait = Wait(goal)
        cursor = await self._cursor_now()
        documents = [await self.show(ref) for ref in refs]
        for told in documents:
            wait.begin(told)
        try:
            async with asyncio.timeout(timeout_s):
                await self._settled(wait, cursor)
        except TimeoutError as error:
            raise TimedOutError("the time given is over", hint="orch status") from error
        return tuple([Waited(document=await self.show(told.id), is_met=wait.met[told.id]) for told in documents])

    async def _settled(self, wait: Wait, cursor: int) -> None:
        if not wait.pending:
            return
        async with contextlib.aclosing(self.events(cursor, follow=True, sessions=tuple(wait.pending))) as lines:
            async for line in lines:
                if wait.take(line):
                    for id_ in tuple(wait.pending):
                        wait.begin(await self.show(id_))
                if not wait.pending:
                    return

    async def _read(self, call: Call[T], from_disk: Callable[[], T]) -> T:
        if not self._blocking.is_silent:
            with contextlib.suppress(UnreachableError):
                return await self._ask(call, only_looks=True)
        return await asyncio.to_thread(from_disk)

    async def _change(self, call: Call[Document], otherwise: Callable[[], Taken]) -> Taken:
        try:
            return Taken(document=await self._ask(call), is_spooled=False)
        except UnreachableError:
            return await asyncio.to_thread(otherwise)

    async def _commanded(
        self,
        call: Call[T],
        otherwise: Callable[[], T],
        *,
        repeats_after: tuple[str, ...] = (UnreachableError.code,),
    ) -> T:
        try:
            return await self._ask(call)
        except UnreachableError as error:
            if error.code not in repeats_after:
                raise
        return await asyncio.to_thread(otherwise)

    async def _cursor_now(self) -> int:
        return await asyncio.to_thread(self._blocking.newest)

    async def _kept_on_disk(self, since: int, sessions: tuple[str, ...], types: tuple[str, ...]) -> list[bytes]:
        return await asyncio.to_thread(lambda: list(self._offline.events(since, sessions, types)))

    async def _ask(self, call: Call[T], *, only_looks: bool = False) -> T:
        async with self._connected(LOOK_ANSWER_S if only_looks else call.answer_s or ANSWER_S) as connection:
            return await connection.ask(call)

    @contextlib.asynccontextmanager
    async def _connected(self, answer_s: float) -> "AsyncIterator[_Connection]":
        """Give a connection; that its daemon is silent is remembered."""
        try:
            async with _Connection(self._socket, answer_s) as connection:
                yield connection
        except UnreachableError as error:
            if error.code == UNRESPONSIVE:
                self._blocking.leave_alone()
            raise

    async def _stream(
        self, since: int, sessions: tuple[str, ...], types: tuple[str, ...], *, follow: bool
    ) -> AsyncGenerator[bytes, None]:
        if not follow and self._blocking.is_silent:
            raise UnreachableError("the daemon has just not answered", code=UNRESPONSIVE, hint="orch daemon restart")
        async with self._connected(LOOK_ANSWER_S) as connection:
            async for line in connection.lines(calls.events(since, follow=follow, sessions=sessions, types=types)):
                yield line


class _Connection:
    """One connection for one call. Raises UnreachableError when nobody answers."""

    def __init__(self, path: str, answer_s: float) -> None:
        self._path = path
        self._answer_s = answer_s

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._answer_s):
                with Address(self._path) as address:
                    self._reader, self._writer = await asyncio.open_unix_connection(address)
        except OSError as error:
            raise unreachable(self._path, error, self._answer_s) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def ask(self, call: Call[T]) -> T:
        """Make one call and read the whole answer."""
        self._writer.write(call.request())
        body, receiver = bytearray(), Receiver()
        while not receiver.is_complete:
            body += receiver.feed(await self._receive(self._answer_s))
            check_size(len(body))
        return call.read(receiver.status, bytes(body))

    async def lines(self, call: Call[bytes]) -> AsyncIterator[bytes]:
        """Make a call whose answer is lines and give them as they come, whole ones only."""
        self._writer.write(call.request())
        lines = Lines()
        while not lines.receiver.is_complete:
            for line in lines.feed(await self._receive(None if lines.receiver.status in OK else self._answer_s)):
                yield line

    async def _receive(self, timeout_s: float | None) -> bytes:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._reader.read(RECEIVE_BYTES)
        except TimeoutError as error:
            supervisor = await asyncio.to_thread(supervisor_behind, self._writer.get_extra_info("socket"))
            raise unreachable(self._path, error, self._answer_s, supervisor) from error
        except ConnectionError:
            return b""  # reset is one way to go away
