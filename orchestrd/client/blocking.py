"""The blocking client: every verb as a method, typed, with a daemon or without one.

Reading asks the daemon, and where none answers the disk. Changing asks the daemon too, starts one where none answers,
and where that fails spools what may be spooled: spawn, stop and kill. Where a daemon goes away in the middle, what is
harmless to ask again is asked again: all but revive, which raises UnreachableError (`cut_off`).
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

from msgspec import Struct

from orchestrd import versions
from orchestrd.client import calls, systemd
from orchestrd.client.calls import Call
from orchestrd.client.connection import UNRESPONSIVE, Connection
from orchestrd.client.offline import OfflineHome
from orchestrd.client.requests import caller_authority, mint_message_id
from orchestrd.client.starting import start_daemon, start_unit
from orchestrd.client.waiting import Wait, Waited
from orchestrd.client.wire import CUT_OFF
from orchestrd.core.choice import head_of
from orchestrd.core.home import layout_from
from orchestrd.core.layout import Layout
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
from orchestrd.model.errors import NotFoundError, OrchestrdError, TimedOutError, UnreachableError
from orchestrd.model.issue import Issue
from orchestrd.model.limits import ANSWER_S, LOOK_ANSWER_S, REACHED_AGAIN_S
from orchestrd.model.notice_document import NoticeReply, NoticeRequest
from orchestrd.model.reaction_document import JudgedSession, KnownReactions

T = TypeVar("T")


class Taken(Struct, frozen=True, kw_only=True):
    """What became of a command: the session as it stands, and whether the command only lies in the inbox as yet."""

    document: Document
    is_spooled: bool


class Client:
    """The sessions of one home.

    `home` defaults to what the environment says. With `use_daemon=False` no daemon is asked or started: reading is from
    the disk, and commands are spooled. `notice` is told what a person should know on the way, and `waiting` is entered
    while something is waited for, with what that is.
    """

    def __init__(
        self,
        home: str | None = None,
        *,
        use_daemon: bool = True,
        notice: Callable[[str], None] = lambda _: None,
        waiting: Callable[[str], AbstractContextManager[None]] = lambda _: contextlib.nullcontext(),
    ) -> None:
        self.layout = Layout(_absolute(home)) if home else layout_from(os.environ)
        self._use_daemon = use_daemon
        self._notice = notice
        self._waiting = waiting
        self._has_compared = False
        self._left_alone_until = 0.0
        self._offline = OfflineHome(self.layout)

    # ---- reading -----------------------------------------------------------------------------------------------------

    def status(self, *, with_ended: bool = False, project: str | None = None, with_usage: bool = False) -> Status:
        """List the sessions; without a daemon `daemon` is null, and so is what they take of the machine."""
        return self._read(
            calls.status(with_ended=with_ended, project=project, with_usage=with_usage),
            lambda: self._offline.status(with_ended=with_ended, project=project),
        )

    def agents(self) -> KnownAgents:
        """Tell which agents a daemon can drive. Raises UnreachableError where there is none."""
        return self._commanded(calls.agents(), repeats_after=(UnreachableError.code, CUT_OFF))

    def show(self, ref: str) -> Document:
        """Give one session, by id, name or prefix. Raises NotFoundError (`archived`), or UsageError (`ambiguous`)."""
        return self._read(calls.show(ref), lambda: self._offline.show(ref))

    def explain(self, ref: str) -> Explanation:
        """Say why its row says what it says."""
        return self._read(calls.explain(ref), lambda: self._offline.explain(ref))

    def reactions(self) -> KnownReactions:
        """Tell which reactions the daemon goes by, or the next one would. Raises UsageError (`config`)."""
        return self._read(calls.reactions(), self._offline.reactions)

    def judge(self, ref: str) -> JudgedSession:
        """Say what each reaction comes to for one session; for one that is archived, as it was put away."""
        try:
            return self._read(calls.judge(ref), lambda: self._offline.judge(ref))
        except NotFoundError:  # a daemon judges no archived ones
            return self._offline.judge(ref)

    def screen(self, ref: str) -> Screen:
        """Give what its terminal shows now, or showed at its end; without a daemon only the latter is to be had.

        Raises RefusedError (`no_terminal`, `no_screen`), or UnreachableError where only a daemon could tell.
        """
        return self._read(calls.screen(ref), lambda: self._offline.screen(ref))

    def events(
        self,
        since: int | None = None,
        *,
        follow: bool = False,
        sessions: Iterable[str] = (),
        types: Iterable[str] = (),
        timeout_s: float | None = None,
    ) -> Iterator[bytes]:
        """Give journal lines after a cursor, oldest first.

        Without `follow` it ends with the newest; without a cursor it begins with the oldest. With `follow` it goes on
        for ever, over any number of daemons; without a cursor it begins now. Raises TimedOutError after `timeout_s`.
        """
        wanted = tuple(sessions), tuple(types)
        if follow:
            deadline = None if timeout_s is None else _clock() + timeout_s
            return self._followed(self.newest() if since is None else since, *wanted, deadline)
        return self._kept(since or 0, *wanted)

    def wait(
        self, refs: Iterable[str], *, goal: str | None = None, timeout_s: float | None = None
    ) -> tuple[Waited, ...]:
        """Wait until each session has reached `goal`, a state or an activity, or has ended; null means a good end.

        Raises TimedOutError after `timeout_s`.
        """
        deadline = None if timeout_s is None else _clock() + timeout_s
        wait, documents = Wait(goal), {}
        cursor = self.newest()
        for ref in refs:
            documents[ref] = self.show(ref)
            wait.begin(documents[ref])
        if wait.pending:
            with self._waiting(f"{', '.join(wait.pending)} to {f'be {goal}' if goal else 'end'}"):
                self._follow_up(wait, cursor, deadline)
        told = {shown.id: self.show(shown.id) for shown in documents.values()}
        return tuple(Waited(document=document, is_met=wait.met[id_]) for id_, document in told.items())

    # ---- changing ----------------------------------------------------------------------------------------------------

    def issue(self, project: str, text: str) -> Issue:
        """Read an issue of a forge: by its URL, or by its number in the repository that this directory is in.

        Raises UsageError, NotFoundError, RefusedError, and UnreachableError without a daemon: only that asks forges.
        """
        return self._commanded(calls.issue(project, text), repeats_after=(UnreachableError.code, CUT_OFF))

    def spawn(self, request: SpawnRequest) -> Taken:
        """Begin a session (see `spawn_request`). Repeating it with the same request is harmless."""
        return self._change(calls.spawn(request), lambda: self._offline.spool_spawn(request))

    def stop(self, ref: str, *, grace_s: float | None = None) -> Taken:
        """Ask a session to end; kill it when `grace_s` has passed. Raises RefusedError (`already_ended`)."""
        authority = caller_authority()
        return self._change(
            calls.stop(ref, authority, grace_s), lambda: self._offline.spool_stop(ref, authority, grace_s)
        )

    def kill(self, ref: str) -> Taken:
        """Force a session to end. Raises RefusedError (`already_ended`)."""
        authority = caller_authority()
        return self._change(calls.kill(ref, authority), lambda: self._offline.spool_kill(ref, authority))

    def revive(self, ref: str) -> Document:
        """Start a new run of an ended session.

        Raises UnreachableError without a daemon, for it cannot be spooled, and `cut_off` where it may have happened.
        """
        return self._commanded(calls.revive(ref, caller_authority()))

    def send(self, ref: str, text: str, *, message: str | None = None, is_command: bool = False) -> SendReply:
        """Type a text, or a command of its own, into the agent and give its receipt.

        Repeating it with the same `message`, its key, is harmless. Raises ConflictError where another had that key,
        UnreachableError without a daemon: it cannot be spooled.
        """
        known = message or mint_message_id()
        body = SendRequest(message=known, text=text, authority=caller_authority(), is_command=is_command)
        return self._commanded(calls.send(ref, body), repeats_after=(UnreachableError.code, CUT_OFF))

    def answer(self, ref: str, decision: str, choice: str, *, text: str | None = None) -> AnswerReply:
        """Answer the decision of this id, by the key or number of a choice, and give the receipt.

        It is refused where the session does not wait for this decision any more. Repeating it is harmless.
        Raises UnreachableError without a daemon: it cannot be spooled.
        """
        body = AnswerRequest(decision=decision, choice=choice, text=text, authority=caller_authority())
        return self._commanded(calls.answer(ref, body), repeats_after=(UnreachableError.code, CUT_OFF))

    def clean(self, *refs: str, dry_run: bool = False) -> CleanReport:
        """Remove the worktrees of ended sessions, or of these; what is new in them is preserved. Repeating is harmless.

        Raises UnreachableError without a daemon: only that knows what runs.
        """
        call = calls.clean(CleanRequest(dry_run=dry_run, sessions=refs))
        return self._commanded(call, repeats_after=(UnreachableError.code, CUT_OFF))

    def notify(self, request: NoticeRequest) -> NoticeReply:
        """Have people told something now, and give what each channel answered. Repeating it tells them again."""
        return self._commanded(calls.notify(request))

    def archive(self, ref: str) -> Archived:
        """Put an ended session away. Repeating is harmless. Raises RefusedError (`not_ended`, `unpreserved`).

        Raises UnreachableError without a daemon: only that knows what runs.
        """
        return self._commanded(calls.archive(ref), repeats_after=(UnreachableError.code, CUT_OFF))

    def ensure_daemon(self, *, interval_s: float | None = None, max_running: int | None = None) -> bool:
        """Make sure that a daemon answers; tell whether it had to be started. Raises UnreachableError."""
        if self.answers():
            return False
        if unit := systemd.unit_of(self.layout.home):
            self._notice(f"orch: starting {unit.service}")
            with self._waiting(f"{unit.service} to start"):
                start_unit(unit, self.answers, interval_s, max_running)
            return True
        if self.is_silent:
            raise UnreachableError(
                "a daemon is there and does not answer", code=UNRESPONSIVE, hint="orch daemon restart"
            )
        self._notice("orch: starting the daemon")
        with self._waiting("the daemon to start"):
            start_daemon(self.layout, self.answers, interval_s=interval_s, max_running=max_running)
        return True

    def answers(self) -> bool:
        """Tell whether a daemon answers."""
        try:
            self._ask(calls.health(), only_looks=True)
        except OrchestrdError:
            return False
        return True

    @property
    def is_silent(self) -> bool:
        """Tell whether a daemon is there that has just not answered: for a while, reading is from the disk at once."""
        return _clock() < self._left_alone_until

    def leave_alone(self) -> None:
        """Take the daemon for silent."""
        self._left_alone_until = _clock() + ANSWER_S

    # ---- how ---------------------------------------------------------------------------------------------------------

    def _ask(self, call: Call[T], *, only_looks: bool = False) -> T:
        answer_s = LOOK_ANSWER_S if only_looks else call.answer_s or ANSWER_S
        with self._waiting(call.waits_for), self._connected(answer_s) as connection:
            told = connection.ask(call)
        self._left_alone_until = 0.0
        return told

    @contextlib.contextmanager
    def _connected(self, answer_s: float) -> Iterator[Connection]:
        """Give a connection; what its daemon is like is remembered."""
        try:
            with Connection(self.layout.socket, answer_s) as connection:
                try:
                    yield connection
                finally:
                    self._compare(connection.version)
        except UnreachableError as error:
            if error.code == UNRESPONSIVE:
                self.leave_alone()
            raise

    def _read(self, call: Call[T], from_disk: Callable[[], T]) -> T:
        if self._use_daemon and not self.is_silent:
            try:
                return self._ask(call, only_looks=True)
            except UnreachableError as error:
                if error.code not in (UnreachableError.code, UNRESPONSIVE):
                    self._notice(f"orch: {error.message}; reading the disk")
        return from_disk()

    def _commanded(self, call: Call[T], *, repeats_after: tuple[str, ...] = (UnreachableError.code,)) -> T:
        """Ask for a change; start a daemon where none answers, and ask again after failures with these codes."""
        if not self._use_daemon:
            raise UnreachableError("this needs a daemon, and none is to be used", hint="orch daemon start")
        try:
            return self._ask(call)
        except UnreachableError as error:
            if error.code not in repeats_after:
                raise
        self.ensure_daemon()
        return self._ask(call)

    def _change(self, call: Call[Document], spool: Callable[[], Document]) -> Taken:
        if self._use_daemon:
            try:
                return Taken(document=self._commanded(call), is_spooled=False)
            except UnreachableError as error:
                self._notice(f"orch: {error.message}")
        told = spool()
        self._notice(f"orch: spooled for session {told.id}; the next daemon takes it in")
        return Taken(document=told, is_spooled=True)

    def _kept(self, since: int, sessions: tuple[str, ...], types: tuple[str, ...]) -> Iterator[bytes]:
        """Give what is kept. Where the daemon goes away in the middle, the rest comes from the disk."""
        if self._use_daemon and not self.is_silent:
            with contextlib.suppress(UnreachableError):
                for line in self._stream(since, sessions, types, follow=False, deadline=None):
                    yield line
                    since = head_of(line).cursor
                return
        yield from self._offline.events(since, sessions, types)

    def _follow_up(self, wait: Wait, cursor: int, deadline: float | None) -> None:
        """Take in what happens until nothing is waited for any more. Raises TimedOutError."""
        for line in self._followed(cursor, tuple(wait.pending), (), deadline):
            if wait.take(line):
                for id_ in tuple(wait.pending):
                    wait.begin(self.show(id_))
            if not wait.pending:
                return

    def _followed(
        self, since: int, sessions: tuple[str, ...], types: tuple[str, ...], deadline: float | None
    ) -> Iterator[bytes]:
        """Give what comes, from one daemon after the other; between them, what the disk has gained."""
        while True:
            try:
                for line in self._stream(since, sessions, types, deadline=deadline):
                    yield line
                    since = head_of(line).cursor
            except UnreachableError:
                pass  # killed, stopped or never there is the same to a reader that goes on
            if deadline is not None and _clock() > deadline:
                raise TimedOutError("the time given is over", hint="orch status")
            time.sleep(REACHED_AGAIN_S)

    def _stream(
        self,
        since: int,
        sessions: tuple[str, ...],
        types: tuple[str, ...],
        *,
        follow: bool = True,
        deadline: float | None,
    ) -> Iterator[bytes]:
        if not self._use_daemon:
            yield from self._offline.events(since, sessions, types)
            return
        with self._connected(_patience_s(deadline)) as connection:
            call = calls.events(since, follow=follow, sessions=sessions, types=types)
            yield from connection.lines(call, deadline)

    def newest(self) -> int:
        """Give the number of the newest event there is."""
        if self._use_daemon and not self.is_silent:
            with contextlib.suppress(UnreachableError):
                return self._ask(calls.health(), only_looks=True).sequence
        return self._offline.newest()

    def _compare(self, theirs: str | None) -> None:
        if not self._has_compared and (said := versions.notice(theirs)):
            self._notice(f"orch: {said}")
        self._has_compared = self._has_compared or theirs is not None


def _absolute(home: str) -> str:
    return home if home.startswith("/") else os.path.abspath(home)  # noqa: PTH100 - a layout holds strings


def _patience_s(deadline: float | None) -> float:
    """Wait for the beginning of a stream no longer than the caller waits for what is in it."""
    left_s = LOOK_ANSWER_S if deadline is None else deadline - _clock()
    return max(REACHED_AGAIN_S, min(left_s, LOOK_ANSWER_S))


def _clock() -> float:
    return time.monotonic()  # noqa: TID251 - a client has no loop and no injected clock
