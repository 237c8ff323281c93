"""The lane: the one dispatch boundary between scheduled and starting. Nothing starts a run around it.

Level-triggered: it looks at where the sessions stand, after every commit and at every tick, and keeps no queue of its
own that could disagree with the disk. First come, first served (see `core.admission`).
"""

import asyncio
import contextlib

from orchestrd.core.admission import admissible
from orchestrd.engine.actor import Actor
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError, Subject
from orchestrd.model.command import Admitted, Placed
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.model.words import OCCUPYING, State


class Lane(Actor):
    """The lane `default`, with its limit of sessions that hold a place at a time."""

    name = "lane default"

    def __init__(self, roster: Roster, mailboxes: Mailboxes, max_running: int, on_error: OnError) -> None:
        super().__init__(on_error)
        self._roster = roster
        self._mailboxes = mailboxes
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
                self._tasks.spawn(f"place {session.id}", self._place(session.id), Subject(session.id))
        standing = self._roster.in_states([State.SCHEDULED, *OCCUPYING])
        for admitted in admissible(standing, self._promised, self.max_running):
            self._promised.add(admitted)
            self._tasks.spawn(f"admit {admitted}", self._admit(admitted), Subject(admitted))

    async def _place(self, session: SessionId) -> None:
        try:
            with contextlib.suppress(OrchestrdError):  # the next tick looks again
                await self._mailboxes.submit(session, Placed())
        finally:
            self._placing.discard(session)

    async def _admit(self, session: SessionId) -> None:
        try:
            with contextlib.suppress(OrchestrdError):
                await self._mailboxes.submit(session, Admitted())
        finally:
            self._promised.discard(session)
