"""Deadlines: wakes a session when one of its due times has passed.

The due times stand in the record, so a restart neither shortens nor restarts them. The timers here are only nudges: a
timer that comes too early is set again, and the tick looks at all of them, which covers a machine that slept. What was
to be *seen* by its deadline is looked for once more before it counts as missing: ticks may be rare, nudges get lost.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from orchestrd.core.restart import WATCHED
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError, Subject, TaskBag
from orchestrd.model.command import DuePassed
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import DueName
from orchestrd.model.session import Session
from orchestrd.ports import Clock

LookAt = Callable[[SessionId], Awaitable[None]]


class Deadlines:
    """One timer a session that has a due time. `look_at` takes a bounded look at one session."""

    def __init__(self, roster: Roster, mailboxes: Mailboxes, clock: Clock, look_at: LookAt, on_error: OnError) -> None:
        self._roster = roster
        self._mailboxes = mailboxes
        self._clock = clock
        self._look_at = look_at
        self._tasks = TaskBag(on_error)
        self._timers: dict[SessionId, asyncio.TimerHandle] = {}
        self._waking: set[SessionId] = set()

    def begin(self) -> None:
        """Take up every deadline there is and will be. Not before what a restart owes is committed.

        Until then one may be past that nobody could watch, and any commit would set it off.
        """
        for session in self._roster:
            self.watch(session)
        self._roster.on_commit(self.watch)

    def watch(self, session: Session) -> None:
        """Set the timer for the session's next due time, or take it away."""
        timer = self._timers.pop(session.id, None)
        if timer is not None:
            timer.cancel()
        if session.dues:
            now = self._clock.now()
            wait_s = min(due.wait_s(now) for due in session.dues)
            loop = asyncio.get_running_loop()
            self._timers[session.id] = loop.call_later(wait_s, self._check, session.id)

    def check_all(self) -> None:
        """Wake every session with a due time that has passed; for the tick."""
        for name in tuple(self._timers):
            self._check(name)

    async def close(self) -> None:
        """Set no timer off any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await self._tasks.close()

    def _check(self, name: SessionId) -> None:
        session, now = self._roster.get(name), self._clock.now()
        if session is None:
            self._timers.pop(name, None)  # it was archived
            return
        past = [due.name for due in session.dues if due.is_past(now)]
        if not past:
            self.watch(session)
        elif name not in self._waking:
            self._waking.add(name)
            self._tasks.spawn(f"deadline of {name}", self._wake(name, past), Subject(name))

    async def _wake(self, session: SessionId, past: Sequence[DueName]) -> None:
        try:
            if not WATCHED.isdisjoint(past):
                await self._look_at(session)
            for name in past:
                self._mailboxes.post(session, DuePassed(name=name))
        finally:
            self._waking.discard(session)
