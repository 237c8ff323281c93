"""The service: the engine as its faces see it. It finds sessions, submits commands, and words what comes back."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from weakref import WeakValueDictionary

from msgspec.structs import replace

from orchestrd.core.admission import turn_of
from orchestrd.core.deciding import decision_named
from orchestrd.core.document import document, known
from orchestrd.core.explain import explanation
from orchestrd.core.layout import Layout
from orchestrd.core.messages import BLOCKED
from orchestrd.core.resolve import Known, archived, resolve
from orchestrd.core.running import run_of
from orchestrd.core.step import Refusal
from orchestrd.core.terminal import no_screen, no_terminal
from orchestrd.core.validate import problem_with_command, problem_with_request
from orchestrd.engine.archiving import Archiving
from orchestrd.engine.bus import Bus
from orchestrd.engine.channels import Channels
from orchestrd.engine.claims import Claims
from orchestrd.engine.cleaning import Clean, Cleaning
from orchestrd.engine.follower import JournalFollower
from orchestrd.engine.forge_watch import ForgeWatch
from orchestrd.engine.intake import Intake
from orchestrd.engine.issues import Issues
from orchestrd.engine.judging import Judging
from orchestrd.engine.launching import Launching
from orchestrd.engine.ledger import Ledger
from orchestrd.engine.mailbox import Mailboxes, Reply
from orchestrd.engine.prober import Prober
from orchestrd.engine.receipts import Receipts
from orchestrd.engine.roster import Roster
from orchestrd.engine.sending import Sending
from orchestrd.engine.trying import try_channels
from orchestrd.model.command import Answer, Command, Kill, Revive, Send, Spawn, Stop
from orchestrd.model.decision import Choice, Decision, answer_id
from orchestrd.model.document import (
    AnswerReply,
    Archived,
    CleanReport,
    CleanRequest,
    DaemonFacts,
    Document,
    Explanation,
    SendReply,
    SpawnRequest,
    Usage,
)
from orchestrd.model.errors import ConflictError, NotFoundError, RefusedError, UsageError
from orchestrd.model.ids import SessionId, is_session_id
from orchestrd.model.limits import DELIVERY_S
from orchestrd.model.notice_document import NoticeReply, NoticeRequest
from orchestrd.model.reaction_document import JudgedSession, KnownReactions
from orchestrd.model.session import Session, Settled
from orchestrd.model.words import OCCUPYING, Receipt
from orchestrd.ports import Attachments, Clock, Meter, Store


class EngineService:
    """Implements `ports.Service` over the engine."""

    def __init__(
        self,
        *,
        layout: Layout,
        clock: Clock,
        facts: Callable[[], DaemonFacts],
        store: Store,
        attachments: Attachments,
        ledger: Ledger,
        bus: Bus,
        roster: Roster,
        mailboxes: Mailboxes,
        launching: Launching,
        intake: Intake,
        prober: Prober,
        sending: Sending,
        claims: Claims,
        issues: Issues,
        cleaning: Cleaning,
        archiving: Archiving,
        judging: Judging,
        forge_watch: ForgeWatch,
        meter: Meter,
        channels: Channels,
    ) -> None:
        self._layout = layout
        self._clock = clock
        self._store = store
        self._attachments = attachments
        self._ledger = ledger
        self._bus = bus
        self._roster = roster
        self._mailboxes = mailboxes
        self._launching = launching
        self._read_only: Mapping[SessionId, Document] = intake.read_only
        self._receipts = Receipts(roster)
        self._sending = sending
        self._claims = claims
        self.issue = issues.read
        self._cleaning = cleaning
        self._archiving = archiving
        self._judging = judging
        self._forge_watch = forge_watch
        self._meter = meter
        self._channels = channels
        self._spawning: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()
        self.facts = facts
        self.agents = launching.known_agents
        self.nudge = prober.nudge
        self._look_at = prober.look_at

    def documents(self) -> tuple[Document, ...]:
        """Give every session, as durable now."""
        return (*(document(session, self._layout) for session in self._roster), *self._read_only.values())

    def asked_about(self) -> Collection[SessionId]:
        """Name the sessions whose forge is asked about them."""
        return self._forge_watch.asked_about()

    def resolve(self, text: str) -> SessionId:
        """Find a session by id, exact name or beginning of an id. Raises NotFoundError, or UsageError (`ambiguous`)."""
        return resolve(text, (*map(_known, self._roster), *map(known, self._read_only.values())))

    async def resolve_past(self, text: str) -> SessionId:
        """The same for what needs no record: one that is archived is found too, where no other is meant."""
        try:
            return self.resolve(text)
        except NotFoundError:
            if found := await self._archiving.find(text):
                return found
            raise

    async def resolve_present(self, text: str) -> SessionId:
        """The same as `resolve`; of an archived session NotFoundError (`archived`) says where it lies."""
        session = await self.resolve_past(text)
        if session not in self._read_only and self._roster.get(session) is None:
            raise archived(self._archiving.told(session))
        return session

    def document(self, session: SessionId) -> Document:
        """Give one session. Raises NotFoundError."""
        return self._read_only.get(session) or document(self._roster.require(session), self._layout)

    def explain(self, session: SessionId) -> Explanation:
        """Say why its row says what it says. Raises NotFoundError, RefusedError for a record that is only shown."""
        self._require_writable(session)
        record, facts = self._roster.require(session), self.facts()
        turn = turn_of(record, self._roster, facts.max_running)
        explained = explanation(
            record,
            self._roster.evidence(session),
            self._clock.now(),
            self._layout,
            turn=turn,
            waiting=self._judging.waiting(record),
        )
        return replace(
            explained,
            trouble=facts.trouble,
            change_rule=self._forge_watch.rule_of(record),
            pending=(*explained.pending, *self._judging.to_come(record)),
        )

    def reactions(self) -> KnownReactions:
        """Tell which reactions it goes by."""
        return self._judging.known()

    def judge(self, session: SessionId) -> JudgedSession:
        """Say what each reaction comes to for it. Raises NotFoundError, RefusedError for a record only shown."""
        self._require_writable(session)
        return self._judging.judge(self._roster.require(session))

    async def spawn(self, request: SpawnRequest) -> tuple[Document, bool]:
        """Accept a session; second, whether it is new.

        Raises UsageError, ConflictError, RefusedError (`duplicate_issue`, `no_forge`), TransientError.
        """
        if problem := problem_with_request(request):
            raise UsageError(problem, code="invalid", hint="orch spawn --help")
        if error := self._launching.problem_with(request.spec):
            raise error
        self._require_writable(request.id)
        if self._roster.get(request.id) is None and (error := await self._forge_watch.problem_with(request.spec)):
            raise error
        command = Spawn(session=request.id, spec=request.spec, authority=request.authority, is_forced=request.is_forced)
        lock = self._spawning.setdefault(request.id, asyncio.Lock())
        # Of many that come with one id at once, the first writes what belongs to the session.
        async with lock, self._claims.of(command):
            is_new = self._roster.get(request.id) is None
            if is_new:
                await self._write_attachments(request)
            try:
                _raise_if_refused(await self._mailboxes.submit(request.id, command))
            except ConflictError:  # what has the id has its attachments too
                raise
            except RefusedError:
                await asyncio.to_thread(self._attachments.forget, request.id)
                raise
            return self.document(request.id), is_new

    async def stop(self, command: Stop | Kill) -> Document:
        """Accept a stop or a kill; it is durable, not done. Raises RefusedError (`already_ended`).

        What has ended by itself is seen first: or it would be told as ended by this.
        """
        await self._look_at(command.session)
        return await self._submit(command)

    async def revive(self, command: Revive) -> Document:
        """Accept a revive. Raises RefusedError (`not_ended`, `not_allowed`)."""
        return await self._submit(command)

    async def send(self, command: Send) -> SendReply:
        """Accept a message and wait, bounded, for its receipt; one that must wait for its turn is `queued` at once."""
        self._require_known(command)
        spec = self._roster.require(command.session).spec
        if self._launching.awaits_turn(spec):
            await self._look_at(command.session)  # so that a dialog that has just opened refuses it
        with self._receipts.of(command.session, command.message) as receipt:
            reply = await self._sending.accept(command)
            if reply is None:
                return await self._settled(command, receipt)
        if isinstance(reply, Refusal):
            if reply.code == "conflict":
                _raise_if_refused(reply)
            hint = "" if reply.code == BLOCKED else reply.hint  # who can decide it, its document tells
            return SendReply(session=command.session, receipt=Receipt.REFUSED, error=reply.message, hint=hint)
        return SendReply(session=command.session, receipt=reply, error=self._error_of(command.session, command.message))

    async def answer(self, command: Answer) -> AnswerReply:
        """Give an answer and wait, bounded, for its receipt. What is not asked (any more) is refused."""
        self._require_known(command)
        await self._look_at(command.session)  # so that what a person has just answered is not answered again
        asked = decision_named(self._roster.require(command.session), command.decision)
        choice = None if asked is None else asked.choice(command.choice)
        known = answer_id(command.decision, command.choice if choice is None else choice.key)
        replied = _answer_reply(command, asked, choice)
        with self._receipts.of(command.session, known) as receipt:
            reply = await self._mailboxes.submit(command.session, command)
            if isinstance(reply, Refusal):
                return replace(replied, receipt=Receipt.REFUSED, error=reply.message, hint=reply.hint)
            if reply is not None:
                return replace(replied, receipt=reply, error=self._error_of(command.session, known))
            told = await self._settled(command, receipt)
            return replace(replied, receipt=told.receipt, error=told.error)

    async def usage(self, sessions: Collection[SessionId]) -> Mapping[SessionId, Usage]:
        """Tell what those of these sessions take of the machine that run."""
        found = [run_of(session) for session in self._roster.in_states(OCCUPYING) if session.id in sessions]
        return await self._meter.measure(found)

    async def notify(self, request: NoticeRequest) -> NoticeReply:
        """Tell people something now, and give what each channel answered. Raises RefusedError, NotFoundError."""
        return await try_channels(self._channels, request, self._clock)

    async def screen(self, session: SessionId) -> str:
        """Give what the session's terminal shows now, or showed at its end. Raises RefusedError (`no_terminal`)."""
        self._require_writable(session)
        record = self._roster.require(session)
        runtime = self._launching.runtimes.get(record.spec.runtime)
        if runtime is None or not runtime.has_terminal:
            raise no_terminal(session, record.spec.runtime)
        shown = None if record.is_terminal else await runtime.screen(run_of(record))
        if shown is None:
            shown = await asyncio.to_thread(self._attachments.read_last_screen, session, record.generation)
        if shown is None:
            raise no_screen(session)
        return shown

    async def clean(self, request: CleanRequest) -> CleanReport:
        """Remove the worktrees of ended sessions; what is new in them is preserved. Raises as `resolve` does."""
        sessions = tuple([await self._resolve_cleanable(text) for text in request.sessions])
        return await self._cleaning.ask(Clean(replace(request, sessions=sessions)))

    async def archive(self, session: SessionId) -> Archived:
        """Put an ended session away; once more is harmless. Raises RefusedError (`not_ended`, `unpreserved`)."""
        self._require_writable(session)
        if self._roster.get(session) is None and await self._archiving.find(session) == session:
            return self._archiving.told(session)
        return await self._archiving.put_away_on_request(session)

    def follow(self, after: int | None) -> JournalFollower:
        """Follow the journal from a cursor; from now when it is null."""
        return JournalFollower(self._store, self._bus, self._ledger.tail if after is None else after)

    async def _resolve_cleanable(self, text: str) -> str:
        """A worktree may have outlived all that was known of its session: then only a whole id names it."""
        try:
            return await self.resolve_past(text)
        except NotFoundError:
            if is_session_id(text):
                return text
            raise

    async def _submit(self, command: Stop | Kill | Revive) -> Document:
        self._require_known(command)
        _raise_if_refused(await self._mailboxes.submit(command.session, command))
        return self.document(command.session)

    async def _write_attachments(self, request: SpawnRequest) -> None:
        await asyncio.to_thread(self._attachments.write_secret, request.id, request.environment)
        if request.prompt is not None:
            await asyncio.to_thread(self._attachments.write_prompt, request.id, request.prompt)

    async def _settled(self, command: Send | Answer, receipt: "asyncio.Future[Settled]") -> SendReply:
        try:
            async with asyncio.timeout(DELIVERY_S):
                settled = await receipt
        except TimeoutError:
            return SendReply(session=command.session, receipt=Receipt.QUEUED)
        return SendReply(session=command.session, receipt=settled.receipt, error=settled.error)

    def _error_of(self, session: SessionId, message: str) -> str | None:
        """Tell what went wrong with what was settled before it was sent once more."""
        settled = self._roster.require(session).settled
        return next((one.error for one in settled if one.id == message), None)

    def _require_known(self, command: Command) -> None:
        if problem := problem_with_command(command):
            raise UsageError(problem, code="invalid")
        self._require_writable(command.session)
        self._roster.require(command.session)

    def _require_writable(self, session: SessionId) -> None:
        told = self._read_only.get(session)
        if told is not None:
            raise RefusedError(
                f"session {session} was written by a newer orchestrd and is only shown: {told.notice}",
                code="read_only",
                hint="upgrade orchestrd, then: orch daemon restart",
            )


def _known(session: Session) -> Known:
    """The same as by way of its document, for every request asks it of all sessions."""
    return Known(
        id=session.id,
        name=session.spec.name,
        state=session.state,
        state_since=session.state_since,
        created_at=session.created_at,
    )


def _answer_reply(command: Answer, asked: Decision | None, choice: Choice | None) -> AnswerReply:
    """Say what is answered with what; nobody knows yet what becomes of it."""
    reply = AnswerReply(
        session=command.session, decision=command.decision, choice=command.choice, receipt=Receipt.UNKNOWN
    )
    if asked is None or choice is None:
        return reply
    return replace(reply, number=asked.choices.index(choice) + 1, label=choice.label, asked=asked.text)


def _raise_if_refused(reply: Reply) -> None:
    if isinstance(reply, Refusal):
        kind = {"conflict": ConflictError, "not_found": NotFoundError}.get(reply.code, RefusedError)
        raise kind(reply.message, code=reply.code, hint=reply.hint)
