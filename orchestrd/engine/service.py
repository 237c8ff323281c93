"""The service: the engine as its faces see it. It finds sessions, submits commands, and words what comes back."""

import asyncio
from collections.abc import Callable, Mapping

from orchestrd.core.document import document
from orchestrd.core.explain import explanation
from orchestrd.core.layout import Layout
from orchestrd.core.resolve import candidates, refusal
from orchestrd.core.step import Refusal
from orchestrd.core.validate import problem_with_command, problem_with_request
from orchestrd.engine.bus import Bus
from orchestrd.engine.follower import JournalFollower
from orchestrd.engine.intake import Intake
from orchestrd.engine.ledger import Ledger
from orchestrd.engine.mailbox import Mailboxes, Reply
from orchestrd.engine.prober import Prober
from orchestrd.engine.roster import Roster
from orchestrd.model.command import Command, Kill, Revive, Send, Spawn, Stop
from orchestrd.model.document import DaemonFacts, Document, Explanation, SendReply, SpawnRequest
from orchestrd.model.errors import ConflictError, NotFoundError, RefusedError, UsageError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import DELIVERY_S
from orchestrd.model.session import Session, Settled
from orchestrd.model.words import Activity, Receipt, State
from orchestrd.ports import Attachments, Clock, Store


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
        intake: Intake,
        prober: Prober,
    ) -> None:
        self._layout = layout
        self._clock = clock
        self._store = store
        self._attachments = attachments
        self._ledger = ledger
        self._bus = bus
        self._roster = roster
        self._mailboxes = mailboxes
        self._read_only: Mapping[SessionId, Document] = intake.read_only
        self._receipts: dict[str, asyncio.Future[Settled]] = {}
        self.facts = facts
        self.nudge = prober.nudge
        roster.on_commit(self._hand_out_receipts)

    def documents(self) -> tuple[Document, ...]:
        """Give every session, as durable now."""
        return (*(document(session, self._layout) for session in self._roster), *self._read_only.values())

    def resolve(self, text: str) -> SessionId:
        """Find a session by id, exact name or beginning of an id. Raises NotFoundError, or UsageError (`ambiguous`)."""
        known = [(session.id, session.spec.name) for session in self._roster]
        found = candidates(text, [*known, *((told.id, told.name) for told in self._read_only.values())])
        if len(found) != 1:
            raise refusal(text, found)
        return found[0]

    def document(self, session: SessionId) -> Document:
        """Give one session. Raises NotFoundError."""
        return self._read_only.get(session) or document(self._roster.require(session), self._layout)

    def explain(self, session: SessionId) -> Explanation:
        """Say why its row says what it says. Raises NotFoundError, RefusedError for a record that is only shown."""
        self._require_writable(session)
        return explanation(
            self._roster.require(session), self._roster.evidence(session), self._clock.now(), self._layout
        )

    async def spawn(self, request: SpawnRequest) -> tuple[Document, bool]:
        """Accept a session; second, whether it is new. Raises UsageError, ConflictError, TransientError."""
        if problem := problem_with_request(request):
            raise UsageError(problem, code="invalid")
        self._require_writable(request.id)
        is_new = self._roster.get(request.id) is None
        if is_new:
            await asyncio.to_thread(self._attachments.write_secret, request.id, request.environment)
            if request.prompt is not None:
                await asyncio.to_thread(self._attachments.write_prompt, request.id, request.prompt)
        command = Spawn(session=request.id, spec=request.spec, authority=request.authority)
        _raise_if_refused(await self._mailboxes.submit(request.id, command))
        return self.document(request.id), is_new

    async def stop(self, command: Stop | Kill) -> Document:
        """Accept a stop or a kill; it is durable, not done. Raises RefusedError (`already_ended`)."""
        return await self._submit(command)

    async def revive(self, command: Revive) -> Document:
        """Accept a revive. Raises RefusedError (`not_ended`, `not_allowed`)."""
        return await self._submit(command)

    async def send(self, command: Send) -> SendReply:
        """Accept a message and wait, bounded, for its receipt; one that must wait for its turn is `queued` at once."""
        self._require_known(command)
        receipt = asyncio.get_running_loop().create_future()
        self._receipts[command.message] = receipt
        try:
            reply = await self._mailboxes.submit(command.session, command)
            if isinstance(reply, Refusal):
                return SendReply(session=command.session, receipt=Receipt.REFUSED, error=reply.message)
            if reply is not None and reply is not Receipt.QUEUED:
                return SendReply(session=command.session, receipt=reply)
            return await self._receipt_of(command, receipt)
        finally:
            del self._receipts[command.message]

    def follow(self, after: int | None) -> JournalFollower:
        """Follow the journal from a cursor; from now when it is null."""
        return JournalFollower(self._store, self._bus, self._ledger.tail if after is None else after)

    async def _submit(self, command: Stop | Kill | Revive) -> Document:
        self._require_known(command)
        _raise_if_refused(await self._mailboxes.submit(command.session, command))
        return self.document(command.session)

    async def _receipt_of(self, command: Send, receipt: "asyncio.Future[Settled]") -> SendReply:
        if not receipt.done() and not _is_deliverable(self._roster.require(command.session), command.message):
            return SendReply(session=command.session, receipt=Receipt.QUEUED)
        try:
            async with asyncio.timeout(DELIVERY_S):
                settled = await receipt
        except TimeoutError:
            return SendReply(session=command.session, receipt=Receipt.QUEUED)
        return SendReply(session=command.session, receipt=settled.receipt, error=settled.error)

    def _hand_out_receipts(self, session: Session) -> None:
        for settled in session.settled:
            waiting = self._receipts.get(settled.id)
            if waiting is not None and not waiting.done():
                waiting.set_result(settled)

    def _require_known(self, command: Command) -> None:
        if problem := problem_with_command(command):
            raise UsageError(problem, code="invalid")
        self._require_writable(command.session)
        self._roster.require(command.session)

    def _require_writable(self, session: SessionId) -> None:
        told = self._read_only.get(session)
        if told is not None:
            raise RefusedError(
                f"session {session} was written by a newer orchestrd and is only shown: {told.error}",
                code="read_only",
                hint="upgrade orchestrd, then: orch daemon restart",
            )


def _is_deliverable(session: Session, message: str) -> bool:
    """Tell whether a message will be typed without waiting for the agent's turn to end."""
    mine = next((m for m in session.messages if m.id == message), None)
    if mine is None or session.state is not State.RUNNING:
        return False
    return session.activity is Activity.WAITING or (session.activity is Activity.UNKNOWN and not mine.awaits_turn)


def _raise_if_refused(reply: Reply) -> None:
    if isinstance(reply, Refusal):
        kind = {"conflict": ConflictError, "not_found": NotFoundError}.get(reply.code, RefusedError)
        raise kind(reply.message, code=reply.code, hint=reply.hint)
