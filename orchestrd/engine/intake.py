"""The intake: takes in what other hands have put on disk. Spooled commands, and records that were edited or dropped in.

An entry of the inbox is forgotten only after its command was committed or refused for good; a crash in between offers
it again, and the session's id makes that harmless. One that cannot be committed now waits for the next tick, and with
it those behind it for the same session, but no other, however many they are: each drain takes the page behind the last
one, and one after the end begins anew. A command for a session that is not there yet waits for the end, for its spawn
may be among what is still to come. What cannot be read is in quarantine, and said.
"""

from collections.abc import Awaitable, Callable

from orchestrd.core.step import Refusal
from orchestrd.core.validate import problem_with_command
from orchestrd.engine.actor import Actor
from orchestrd.engine.claims import Claims
from orchestrd.engine.home_events import HomeEvents
from orchestrd.engine.ledger import Ledger
from orchestrd.engine.mailbox import Mailboxes, Reply
from orchestrd.engine.roster import Roster
from orchestrd.engine.sending import Sending
from orchestrd.engine.tasks import OnError
from orchestrd.engine.troubles import Troubles
from orchestrd.model.command import Command, Kill, Replaced, Send, Spawn, Stop
from orchestrd.model.document import Document
from orchestrd.model.errors import ConflictError, RefusedError, TransientError
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import INBOX_FILES_MAX
from orchestrd.model.session import Session
from orchestrd.ports import Inbox, Rejected, Scan, Store

LookAt = Callable[[SessionId], Awaitable[None]]


class Intake(Actor):
    """Drains the inbox and scans the records: once before the socket answers, then at every tick."""

    name = "intake"

    def __init__(
        self,
        *,
        store: Store,
        inbox: Inbox,
        ledger: Ledger,
        roster: Roster,
        mailboxes: Mailboxes,
        sending: Sending,
        claims: Claims,
        home_events: HomeEvents,
        look_at: LookAt,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._look_at = look_at
        self._store = store
        self._inbox = inbox
        self._ledger = ledger
        self._roster = roster
        self._mailboxes = mailboxes
        self._sending = sending
        self._claims = claims
        self._home_events = home_events
        self._waiting = Troubles(on_error)
        self._unadopted: dict[SessionId, Session] = {}  # the store has taken them in, and we have not been able to yet
        self._after = ""  # the page of the inbox that was taken in last ends here
        self._held: set[SessionId] = set()  # whose commands wait for the next time around
        self._early: list[str] = []  # commands that came before their session
        self.read_only: dict[SessionId, Document] = {}

    async def started(self) -> None:
        """Take in what waited while no daemon was there."""
        recovered = self._ledger.recovered
        assert recovered is not None, "the ledger starts before the intake"
        await self._home_events.count()
        await self._take_in(Scan(drifts=recovered.drifts, read_only=recovered.read_only))
        try:
            while await self.drain():
                pass
        except TransientError as error:
            self._on_error("the inbox was not drained; the next tick tries again", error)

    async def scan(self) -> None:
        """Look at the records again. Raises TransientError when they cannot be listed."""
        scan, self._home_events.quarantined = await self._ledger.on_thread(self._look)
        await self._take_in(scan)

    async def drain(self) -> bool:
        """Take in one page of the commands that wait; true where there may be more. Raises TransientError from it."""
        page = await self._ledger.on_thread(self._inbox.pending, self._after)
        self._after = page[-1] if len(page) == INBOX_FILES_MAX else ""
        for entry in page:
            await self._deal(entry, may_be_early=len(self._early) < INBOX_FILES_MAX)
        if not self._after:
            await self._end_round()
        return bool(self._after)

    def _look(self) -> tuple[Scan, int]:
        """Look at the records, and count what lies in quarantine."""
        return self._store.scan(), self._store.quarantined()

    async def _end_round(self) -> None:
        """Every spawn is in: whose session is not there now has none."""
        early, self._early = self._early, []
        for entry in early:
            await self._deal(entry, may_be_early=False)
        self._held.clear()

    async def _deal(self, entry: str, *, may_be_early: bool) -> None:
        if await self._is_dealt_with(entry, may_be_early=may_be_early):
            await self._ledger.on_thread(self._inbox.done, entry)

    async def _is_dealt_with(self, entry: str, *, may_be_early: bool) -> bool:
        """Deal with one entry; false where it must wait, and its session's others behind it."""
        found = await self._ledger.on_thread(self._inbox.take, entry)
        if isinstance(found, Rejected):
            await self._home_events.tell(EventType.COMMAND_REJECTED, error=found.why, path=found.path)
            return True
        if found.session in self._held or found.session in self._unadopted:
            return False
        if may_be_early and not isinstance(found, Spawn) and self._roster.get(found.session) is None:
            self._early.append(entry)
            return False
        try:
            await self._obey(found)
        except (TransientError, ConflictError) as error:
            self._waiting.failed(f"a spooled command for {found.session} waits", error)
            self._held.add(found.session)
            return False
        except RefusedError as error:  # nothing that will change
            await self._home_events.tell(EventType.COMMAND_REJECTED, found.session, error=error.message)
        self._waiting.works(f"a spooled command for {found.session} waits")
        return True

    async def _obey(self, command: Command) -> None:
        """Submit one spooled command. A commit that fails is raised: the entry stays where it is."""
        problem = problem_with_command(command) or self._problem_with_session(command)
        if problem is None and isinstance(command, Stop | Kill):
            await self._look_at(command.session)  # it may have ended by itself while no daemon was there
        if problem is None:
            problem = _problem_in(await self._submit(command))
        if problem is not None:
            await self._home_events.tell(EventType.COMMAND_REJECTED, command.session, error=problem)

    async def _submit(self, command: Command) -> Reply:
        if isinstance(command, Send):
            return await self._sending.accept(command)
        if isinstance(command, Spawn):
            async with self._claims.of(command):
                return await self._mailboxes.submit(command.session, command)
        return await self._mailboxes.submit(command.session, command)

    def _problem_with_session(self, command: Command) -> str | None:
        if command.session in self.read_only:
            return f"session {command.session} was written by a newer orchestrd and is only shown"
        if self._roster.get(command.session) is None and not isinstance(command, Spawn):
            return f"there is no session {command.session}"
        return None

    async def _take_in(self, scan: Scan) -> None:
        for record in scan.read_only:
            self.read_only[record.id] = record.document
        for gone in scan.read_only_gone:
            self.read_only.pop(gone, None)
        for drift in scan.drifts:
            if drift.replaced is not None:
                self._unadopted[drift.replaced.id] = drift.replaced
            else:
                await self._home_events.tell(
                    EventType.RECORD_REJECTED, drift.session, error=drift.error, path=drift.path
                )
        for replaced in tuple(self._unadopted.values()):
            await self._adopt(replaced)

    async def _adopt(self, record: Session) -> None:
        """Commit what another hand has put on disk; while that may still work it is tried at every tick."""
        try:
            await self._mailboxes.submit(record.id, Replaced(record=record))
        except (TransientError, ConflictError) as error:
            self._waiting.failed(f"the record of {record.id} was replaced and could not be adopted yet", error)
            return
        except RefusedError as error:  # nothing that will change
            await self._home_events.tell(EventType.RECORD_REJECTED, record.id, error=error.message)
        self._waiting.works(f"the record of {record.id} was replaced and could not be adopted yet")
        del self._unadopted[record.id]


def _problem_in(reply: Reply) -> str | None:
    """A refused command is said; but what has ended already needs no telling."""
    return reply.message if isinstance(reply, Refusal) and reply.code != "already_ended" else None
