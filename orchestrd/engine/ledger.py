"""The ledger: the one writer. It gathers commits into batches, makes them durable, and only then tells anyone.

Persist, then publish, then act: when a commit's answer arrives its record is on disk, its events are in the journal
and on the bus in the order of their numbers. All calls of the store come from here, on one thread, in order. A commit
that failed changed nothing. A commit whose outcome cannot be known is the end of this daemon: `on_fault` is called
once, nothing is committed any more, and the next start recovers.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import Any, TypeVar

from msgspec.structs import replace

from orchestrd.engine.actor import Actor, Envelope, Message
from orchestrd.engine.bus import Bus, Notice
from orchestrd.engine.roster import NO_EVIDENCE, Roster
from orchestrd.engine.tasks import OnError
from orchestrd.engine.troubles import Troubles
from orchestrd.model.errors import FaultError, OrchestrdError, TransientError
from orchestrd.model.event import Event
from orchestrd.model.limits import JOURNAL_UNSYNCED_S
from orchestrd.model.observation import Evidence
from orchestrd.model.session import Home, Session
from orchestrd.ports import Clock, Recovered, Store, Stored

T = TypeVar("T")

_COMMITS = "commits"


class Commit(Message[Session]):
    """Make a session durable; answered with the record as it stands on disk, and in the roster with its evidence."""

    def __init__(self, draft: Session, evidence: Evidence) -> None:
        self.draft = draft
        self.evidence = evidence


class Announce(Message[None]):
    """Make events of the home durable: those that belong to no session."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = tuple(events)


class Ledger(Actor):
    """Owns the store."""

    name = "ledger"

    def __init__(
        self,
        *,
        store: Store,
        roster: Roster,
        bus: Bus,
        clock: Clock,
        troubles: Troubles,
        on_error: OnError,
        on_fault: Callable[[FaultError], None],
    ) -> None:
        super().__init__(on_error)
        self._store = store
        self._roster = roster
        self._bus = bus
        self._clock = clock
        self._troubles = troubles
        self._on_fault = on_fault
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._fault: FaultError | None = None
        self._home = Home(schema=0, epoch=0, revision=0)
        self._sync_timer: asyncio.TimerHandle | None = None
        self.tail = 0
        self.recovered: Recovered | None = None

    @property
    def epoch(self) -> int:
        """How many times this home has seen a daemon start."""
        return self._home.epoch

    async def started(self) -> None:
        """Take the home over, mend what a crash left, and know every session there is."""
        recovered = await self.on_thread(self._store.recover, self._clock.now())
        self._home, self.tail = recovered.home, recovered.tail
        for session in recovered.sessions:
            self._roster.put(session, NO_EVIDENCE)
        self.recovered = recovered

    async def on_thread(self, call: Callable[..., T], *args: Any) -> T:
        """Make a blocking call of the store, or of what must not run beside it, on the ledger's thread, in order."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)
        except FaultError as fault:
            self._give_up(fault)
            raise

    async def receive_batch(self, batch: Sequence[Envelope]) -> None:
        """Commit all that waits as one batch; the announcements of the home share one record, which comes last."""
        if self._fault is not None:
            raise self._fault
        commits = {e: e.message for e in batch if isinstance(e.message, Commit)}
        announcements = {e: e.message for e in batch if isinstance(e.message, Announce)}
        drafts: list[Session | Home] = [self._stamped(message.draft) for message in commits.values()]
        if announcements:
            drafts.append(self._announced(announcements.values()))
        answers = await self.on_thread(self._commit, drafts)
        self._note(answers)
        self._take_in(answers, [message.evidence for message in commits.values()])
        for envelope, answer in zip(commits, answers, strict=False):
            envelope.settle(answer.record if isinstance(answer, Stored) else answer)
        for envelope in announcements:
            envelope.settle(None if isinstance(answers[-1], Stored) else answers[-1])

    async def try_again(self) -> None:
        """Where nothing could be written, find out whether something can be by now."""
        if self._troubles.has(_COMMITS):
            with contextlib.suppress(TransientError):
                await self.ask(Announce(()))

    async def stopped(self) -> None:
        """Make the journal durable and let go of the home."""
        if self._sync_timer is not None:
            self._sync_timer.cancel()
        await self.on_thread(self._store.close)
        self._thread.shutdown(wait=False)

    def _stamped(self, draft: Session) -> Session:
        return replace(draft, revision=draft.revision + 1, epoch=self._home.epoch)

    def _announced(self, messages: Iterable[Announce]) -> Home:
        revision = self._home.revision + 1
        news = tuple(replace(event, revision=revision) for message in messages for event in message.events)
        return replace(self._home, revision=revision, events=(*self._home.events, *news))

    def _note(self, answers: Sequence[Stored | OrchestrdError]) -> None:
        failed = next((answer for answer in answers if isinstance(answer, TransientError)), None)
        if failed is not None:
            self._troubles.failed(_COMMITS, failed)
        elif any(isinstance(answer, Stored) for answer in answers):
            self._troubles.works(_COMMITS)

    def _take_in(self, answers: Sequence[Stored | OrchestrdError], evidences: Sequence[Evidence]) -> None:
        """What is durable is known first, then published, then acted on."""
        sessions: list[Session] = []
        for stored, evidence in zip_longest(answers, evidences, fillvalue=NO_EVIDENCE):
            if not isinstance(stored, Stored):
                continue
            if isinstance(stored.record, Home):
                self._home = stored.record
            else:
                self._roster.put(stored.record, evidence)
                sessions.append(stored.record)
        self._publish([answer for answer in answers if isinstance(answer, Stored)])
        for session in sessions:
            self._roster.tell(session)

    def _publish(self, stored: Sequence[Stored]) -> None:
        notices = [
            Notice(event.sequence, line)
            for answer in stored
            for event, line in zip(answer.events, answer.lines, strict=True)
        ]
        if notices:
            self.tail = notices[-1].sequence
            self._bus.publish(notices)
            self._sync_soon()

    def _sync_soon(self) -> None:
        """The journal is synced lazily: nothing is lost meanwhile, for the records still hold its newest events."""
        if self._sync_timer is None:
            loop = asyncio.get_running_loop()
            self._sync_timer = loop.call_later(
                JOURNAL_UNSYNCED_S, lambda: self._tasks.spawn("journal sync", self._sync())
            )

    async def _sync(self) -> None:
        self._sync_timer = None
        await self.on_thread(self._store.sync)

    def _commit(self, drafts: Sequence[Session | Home]) -> list[Stored | OrchestrdError]:
        """Commit; whatever goes wrong that the store did not foresee, nobody knows what is on disk then."""
        try:
            return self._store.commit(drafts)
        except FaultError:
            raise
        except Exception as error:
            raise FaultError(
                f"a commit failed in no way that is foreseen: {error!r}", hint="orch daemon start"
            ) from error

    def _give_up(self, fault: FaultError) -> None:
        if self._fault is None:
            self._fault = fault
            self._on_fault(fault)
