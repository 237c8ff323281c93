"""The intake: takes in what other hands have put on disk. Spooled commands, and records that were edited or dropped in.

An entry of the inbox is forgotten only after its command was committed or refused for good; a crash in between offers
it again, and the session's id makes that harmless. What cannot be read is in quarantine, and said.
"""

from orchestrd.core.step import Refusal
from orchestrd.core.validate import problem_with_command
from orchestrd.engine.actor import Actor
from orchestrd.engine.home_events import HomeEvents
from orchestrd.engine.ledger import Ledger
from orchestrd.engine.mailbox import Mailboxes, Reply
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.model.command import Command, Replaced, Spawn
from orchestrd.model.document import Document
from orchestrd.model.errors import TransientError
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.ports import Drift, Inbox, Rejected, Store


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
        home_events: HomeEvents,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._store = store
        self._inbox = inbox
        self._ledger = ledger
        self._roster = roster
        self._mailboxes = mailboxes
        self._home_events = home_events
        self.read_only: dict[SessionId, Document] = {}

    async def started(self) -> None:
        """Take in what waited while no daemon was there."""
        recovered = self._ledger.recovered
        if recovered is not None:
            self.read_only = {record.id: record.document for record in recovered.read_only}
            for drift in recovered.drifts:
                await self._take_drift(drift)
        while await self.drain():
            pass

    async def scan(self) -> None:
        """Look at the records again. Raises TransientError when they cannot be listed."""
        scan = await self._ledger.on_thread(self._store.scan)
        for record in scan.read_only:
            self.read_only[record.id] = record.document
        for gone in scan.read_only_gone:
            self.read_only.pop(gone, None)
        for drift in scan.drifts:
            await self._take_drift(drift)

    async def drain(self) -> int:
        """Take in the commands that wait now; how many there were."""
        entries = await self._ledger.on_thread(self._inbox.pending)
        for entry in entries:
            found = await self._ledger.on_thread(self._inbox.take, entry)
            if isinstance(found, Rejected):
                await self._home_events.tell(EventType.COMMAND_REJECTED, error=found.why, path=found.path)
            else:
                await self._obey(found)
            await self._ledger.on_thread(self._inbox.done, entry)
        return len(entries)

    async def _obey(self, command: Command) -> None:
        """Submit one spooled command. A commit that fails is raised: the entry stays where it is."""
        problem = problem_with_command(command)
        if problem is None and not isinstance(command, Spawn) and self._roster.get(command.session) is None:
            problem = f"there is no session {command.session}"
        if problem is None:
            problem = _problem_in(await self._mailboxes.submit(command.session, command))
        if problem is not None:
            await self._home_events.tell(EventType.COMMAND_REJECTED, command.session, error=problem)

    async def _take_drift(self, drift: Drift) -> None:
        if drift.replaced is not None:
            try:
                await self._mailboxes.submit(drift.replaced.id, Replaced(record=drift.replaced))
            except TransientError as error:
                self._on_error(f"could not adopt the record of {drift.replaced.id}", error)
        else:
            await self._home_events.tell(EventType.RECORD_REJECTED, drift.session, error=drift.error, path=drift.path)


def _problem_in(reply: Reply) -> str | None:
    """A refused command is said; but what has ended already needs no telling."""
    return reply.message if isinstance(reply, Refusal) and reply.code != "already_ended" else None
