"""Deadlines: wakes a session when one of its due times has passed.

The due times stand in the record, so a restart neither shortens nor restarts them. The timers here are only nudges: a
timer that comes too early is set again, and the tick looks at all of them, which covers a machine that slept.
"""

import asyncio

from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.roster import Roster
from orchestrd.model.command import DuePassed
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Session
from orchestrd.ports import Clock


class Deadlines:
    """One timer a session that has a due time."""

    def __init__(self, roster: Roster, mailboxes: Mailboxes, clock: Clock) -> None:
        self._roster = roster
        self._mailboxes = mailboxes
        self._clock = clock
        self._timers: dict[SessionId, asyncio.TimerHandle] = {}
        roster.on_commit(self.watch)

    def watch(self, session: Session) -> None:
        """Set the timer for the session's next due time, or take it away."""
        timer = self._timers.pop(session.id, None)
        if timer is not None:
            timer.cancel()
        if session.dues:
            now = self._clock.now()
            wait_s = min(due.wait_s(now) for due in session.dues)
            loop = asyncio.get_running_loop()
            self._timers[session.id] = loop.call_later(wait_s, self._look, session.id)

    def look_at_all(self) -> None:
        """Wake every session with a due time that has passed; for the tick."""
        for name in tuple(self._timers):
            self._look(name)

    def close(self) -> None:
        """Set no timer off any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _look(self, name: SessionId) -> None:
        session = self._roster.get(name)
        if session is None:
            self._timers.pop(name, None)  # it was archived
        elif not self._wake(session):
            self.watch(session)

    def _wake(self, session: Session) -> bool:
        now = self._clock.now()
        past = [due.name for due in session.dues if due.is_past(now)]
        for name in past:
            self._mailboxes.post(session.id, DuePassed(name=name))
        return bool(past)
