"""The lane: the one dispatch boundary between scheduled and starting. Nothing starts a run around it.

Level-triggered: it looks at where the sessions stand, after every commit and at every tick, and keeps no queue of its
own that could disagree with the disk. First come, first served (see `core.admission`); but nothing starts for an
account that has met its usage limit.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from orchestrd.core.admission import admissible, held_back
from orchestrd.core.parking import limited_accounts
from orchestrd.engine.actor import Actor
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError, Subject
from orchestrd.model.command import Admitted, HeldBack, Placed
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING, State
from orchestrd.ports import Clock

PlaceOf = Callable[[Session], Awaitable[Placed]]


class Lane(Actor):
    """The lane `default`, with its limit of sessions that hold a place at a time."""

    name = "lane default"

    def __init__(
        self,
        *,
        roster: Roster,
        mailboxes: Mailboxes,
        clock: Clock,
        place_of: PlaceOf,
        max_running: int,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._roster = roster
        self._mailboxes = mailboxes
        self._clock = clock
        self._place_of = place_of
        self._promised: set[SessionId] = set()  # admitted, and the commit is still to come
        self._placing: set[SessionId] = set()
        self._is_due = False
        self.max_running = max_running
        roster.on_commit(lambda _: self.wake())

    def wake(self) -> None:
        """Look again, soon; many wakes are one look."""
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._is_due = False
        if not self._is_open:
            return
        for session in self._roster.in_states([State.PENDING]):
            if session.id not in self._placing:
                self._placing.add(session.id)
                self._tasks.spawn(f"place {session.id}", self._place(session), Subject(session.id))
        standing = self._roster.in_states([State.SCHEDULED, *OCCUPYING])
        held = self._held_back(standing)
        for admitted in admissible(standing, self._promised, self.max_running, held):
            self._promised.add(admitted)
            self._tasks.spawn(f"admit {admitted}", self._admit(admitted), Subject(admitted))

    def _held_back(self, standing: Sequence[Session]) -> Mapping[SessionId, datetime]:
        """Find whose account is limited, by any session there is; each is told once, and again when that changes."""
        scheduled = [session for session in standing if session.state is State.SCHEDULED and session.account]
        if not scheduled:
            return {}
        held = held_back(scheduled, limited_accounts(self._roster, self._clock.now().at))
        for session in scheduled:
            until = held.get(session.id)
            if until is not None and until != session.held_until:
                self._mailboxes.post(session.id, HeldBack(until=until))
        return held

    async def _place(self, session: Session) -> None:
        try:
            placed = await self._placed(session)
            with contextlib.suppress(OrchestrdError):  # the next tick looks again
                await self._mailboxes.submit(session.id, placed)
        finally:
            self._placing.discard(session.id)

    async def _placed(self, session: Session) -> Placed:
        try:
            return await self._place_of(session)
        except Exception as error:  # noqa: BLE001 - the border of an agent: it is held back for nobody's sake then
            self._on_error(f"nobody knows whose account {session.id} uses", error)
            return Placed()

    async def _admit(self, session: SessionId) -> None:
        try:
            with contextlib.suppress(OrchestrdError):
                await self._mailboxes.submit(session, Admitted())
        finally:
            self._promised.discard(session)
