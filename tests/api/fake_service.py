"""The daemon as its faces see it, in memory: sessions are documents, the journal is a list of lines."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from orchestrd import __version__
from orchestrd.core.document import accepted_document, is_over, known
from orchestrd.core.judging import known_reaction
from orchestrd.core.layout import Layout
from orchestrd.core.reaction import Kind
from orchestrd.core.resolve import archived, resolve
from orchestrd.core.validate import problem_with_command, problem_with_request
from orchestrd.model.agent import Capabilities
from orchestrd.model.change import Checks
from orchestrd.model.command import Answer, Kill, Revive, Send, Stop
from orchestrd.model.document import (
    AnswerReply,
    Archived,
    CleanReport,
    CleanRequest,
    DaemonFacts,
    Document,
    Explanation,
    KnownAgent,
    KnownAgents,
    SendReply,
    SpawnRequest,
    Usage,
)
from orchestrd.model.errors import ConflictError, NotFoundError, RefusedError, UsageError
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.issue import Issue
from orchestrd.model.notice_document import ChannelReply, NoticeReply, NoticeRequest
from orchestrd.model.reaction import Act, Condition, Reaction
from orchestrd.model.reaction_document import JudgedReaction, JudgedSession, KnownReactions
from orchestrd.model.words import Receipt

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class FakeClock:
    """Always noon."""

    def now(self) -> Instant:
        return Instant(at=NOON, boot="boot", up_s=0.0)


class FakeFollower:
    """Gives what the journal holds after its cursor, and waits for more."""

    def __init__(self, service: "FakeService", after: int) -> None:
        self._service = service
        self._cursor = after
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True
        self._service.grown.set()

    async def __aiter__(self) -> AsyncIterator[tuple[bytes, ...]]:
        kept_from = self._service.kept_from
        if self._cursor + 1 < kept_from:
            yield (b'{"type":"gap","from":%d,"to":%d}' % (self._cursor + 1, kept_from - 1),)
            self._cursor = kept_from - 1
        while not self.is_closed:
            if self._service.fault is not None:
                raise self._service.fault
            lines = tuple(self._service.journal[self._cursor :])
            self._cursor += len(lines)
            if lines:
                yield lines
            else:
                self._service.grown.clear()
                await self._service.grown.wait()


class FakeService:
    """Implements the Service port."""

    def __init__(self, home: str = "/home/me/.orch") -> None:
        self.layout = Layout(home)
        self.known_reactions: tuple[Reaction, ...] = (
            Reaction(name="ci-failed", when=Condition(checks=(Checks.FAILING,)), act=Act.SEND),
        )
        self.told: dict[SessionId, Document] = {}
        self.archived: set[str] = set()
        self.requests: dict[SessionId, SpawnRequest] = {}
        self.commands: list[Stop | Kill | Revive | Send | Answer] = []
        self.journal: list[bytes] = []
        self.kept_from = 1
        self.grown = asyncio.Event()
        self.followers: list[FakeFollower] = []
        self.asked: list[SessionId] = []
        self.followed = asyncio.Event()
        self.receipt = Receipt.SUBMITTED
        self.cleaned: list[CleanRequest] = []
        self.issues: dict[str, Issue] = {}
        self.noticed: list[NoticeRequest] = []
        self.notice_reply = NoticeReply(channels=(ChannelReply(channel="phone", kind="ntfy", is_told=True),))
        self.report = CleanReport(dry_run=False, worktrees=(), freed_bytes=0)
        self.fault: Exception | None = None

    def write(self, session: str | None = None, event_type: EventType = EventType.STATE_CHANGED, to: str = "x") -> None:
        """Append one event and wake the followers."""
        event = Event(
            sequence=len(self.journal) + 1,
            at=NOON,
            session=None if session is None else SessionId(session),
            generation=None if session is None else 1,
            type=event_type,
            from_=None,
            to=to,
            reason=None,
            authority=None,
            revision=None if session is None else 1,
        )
        self.journal.append(msgspec.json.encode(event))
        self.grown.set()

    async def notify(self, request: NoticeRequest) -> NoticeReply:
        self.noticed.append(request)
        return self.notice_reply

    def put(self, told: Document) -> None:
        self.told[told.id] = told

    def agents(self) -> KnownAgents:
        capabilities = Capabilities(hooks=True, tested="1.0")
        crumb = KnownAgent(name="crumb", needs_terminal=True, capabilities=capabilities, witnesses=("hook", "screen"))
        return KnownAgents(agents=(crumb,))

    def facts(self) -> DaemonFacts:
        return DaemonFacts(
            pid=4711,
            version=__version__,
            epoch=3,
            started_at=NOON,
            home=self.layout.home,
            interval_s=5.0,
            max_running=10,
            sequence=len(self.journal),
            rejected=0,
        )

    def documents(self) -> tuple[Document, ...]:
        if self.fault is not None:
            raise self.fault
        return tuple(self.told.values())

    def resolve(self, text: str) -> SessionId:
        return resolve(text, map(known, self.told.values()))

    async def resolve_past(self, text: str) -> SessionId:
        return SessionId(text) if text in self.archived else self.resolve(text)

    async def resolve_present(self, text: str) -> SessionId:
        if text in self.archived:
            raise archived(self._archived(text))
        return self.resolve(text)

    def document(self, session: SessionId) -> Document:
        return self.told[session]

    def reactions(self) -> KnownReactions:
        return KnownReactions(reactions=tuple(map(known_reaction, self.known_reactions)))

    def judge(self, session: SessionId) -> JudgedSession:
        told = self.document(session)
        judged = tuple(
            JudgedReaction(
                reaction=reaction, kind=Kind.WAITING, why="its checks are failing; it waits", again_in_s=60.0
            )
            for reaction in self.known_reactions
        )
        return JudgedSession(session=session, name=told.name, at=NOON, is_recorded=False, judged=judged)

    def explain(self, session: SessionId) -> Explanation:
        return Explanation(
            session=self.told[session],
            state_rule="because",
            liveness_rule="therefore",
            activity_rule="for all that",
            witnesses=(),
            pending=("in 3 s it is killed",),
        )

    async def spawn(self, request: SpawnRequest) -> tuple[Document, bool]:
        _refuse(problem_with_request(request))
        known = self.requests.get(request.id)
        if known is not None and known.spec != request.spec:
            raise ConflictError(f"session id {request.id} is taken", hint=f"orch show {request.id}")
        if known is None:
            self.requests[request.id] = request
            told = accepted_document(request.id, request.spec, NOON, self.layout)
            self.put(replace(told, state="pending", revision=1))
            self.write(request.id, to="pending")
        return self.told[request.id], known is None

    async def stop(self, command: Stop | Kill) -> Document:
        _refuse(problem_with_command(command))
        told = self.told[command.session]
        if is_over(told):
            raise RefusedError(f"session {told.id} has ended", code="already_ended", hint=f"orch show {told.id}")
        self.commands.append(command)
        self.put(replace(told, state="stopping", desired="stopped", revision=told.revision + 1))
        return self.told[command.session]

    async def revive(self, command: Revive) -> Document:
        self.commands.append(command)
        told = self.told[command.session]
        self.put(replace(told, state="pending", reason="revived", generation=told.generation + 1))
        return self.told[command.session]

    async def send(self, command: Send) -> SendReply:
        _refuse(problem_with_command(command))
        self.commands.append(command)
        return SendReply(session=command.session, receipt=self.receipt)

    async def answer(self, command: Answer) -> AnswerReply:
        _refuse(problem_with_command(command))
        self.commands.append(command)
        error, hint = ("it is not asked any more", "orch show") if self.receipt is Receipt.REFUSED else (None, "")
        return AnswerReply(
            session=command.session,
            decision=command.decision,
            choice=command.choice,
            receipt=self.receipt,
            error=error,
            hint=hint,
        )

    def asked_about(self) -> Collection[SessionId]:
        return self.asked

    async def usage(self, sessions: Collection[SessionId]) -> Mapping[SessionId, Usage]:
        return {session: Usage(processes=2, memory_bytes=1 << 20, cpu_percent=12.5) for session in sessions}

    async def screen(self, session: SessionId) -> str:
        return f"the screen of {session}\n"

    def follow(self, after: int | None) -> FakeFollower:
        follower = FakeFollower(self, len(self.journal) if after is None else after)
        self.followers.append(follower)
        self.followed.set()
        return follower

    def nudge(self, session: SessionId) -> None:
        raise NotImplementedError

    async def archive(self, session: SessionId) -> Archived:
        if session not in self.archived and not is_over(self.told[session]):
            raise RefusedError(f"session {session} runs", code="not_ended", hint=f"orch stop {session}")
        self.told.pop(session, None)
        self.archived.add(session)
        return self._archived(session)

    def _archived(self, session: str) -> Archived:
        return Archived(session=SessionId(session), path=self.layout.archived(session))

    async def issue(self, project: str, text: str) -> Issue:
        if text not in self.issues:
            raise NotFoundError(f"there is no issue {text}", hint="orch spawn --issue FILE")
        return self.issues[text]

    async def clean(self, request: CleanRequest) -> CleanReport:
        self.cleaned.append(request)
        return self.report


def _refuse(problem: str | None) -> None:
    if problem is not None:
        raise UsageError(problem, code="invalid")
