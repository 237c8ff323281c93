"""The reactor: looks whether any reaction to a session is due, and if so has the session decide on it.

It only submits inputs: what is due is judged again in `step`, on the newest record, and counted there in the same
commit as what follows. So nothing here must be remembered: after a restart, and after an event that was lost, the next
look finds what is due. Level-triggered: a session is judged again after each of its commits, when the forge has told of
its change, when a judgement said that time matters, and at a look where one waits for just that. In between it costs
nothing, however many there are. A reaction that fails costs itself, and no other.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from orchestrd.core.reaction import Judgement, Kind, judge, left_over
from orchestrd.engine.actor import Actor, StoppedError
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError, Subject
from orchestrd.engine.troubles import Troubles
from orchestrd.model.command import React
from orchestrd.model.errors import FaultError, OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.limits import JUDGED_AGAIN_S, JUDGED_AT_ONCE_MAX
from orchestrd.model.reaction import Reaction, Seen
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING
from orchestrd.ports import Clock

ChangeSeenAt = Callable[[SessionId], datetime | None]
UNRECORDED = "what a reaction asks for could not be recorded"


class Outlook:
    """When one session is to be judged again, if nothing is committed before."""

    __slots__ = ("awaits_look", "due_up_s", "timer")

    def __init__(self) -> None:
        self.awaits_look = False
        self.due_up_s: float | None = None  # on the boot-time clock, which goes on while the machine sleeps
        self.timer: asyncio.TimerHandle | None = None

    def expect(self, judgement: Judgement, reaction: Reaction, now: Instant) -> None:
        """Take into account what a judgement waits for. What is recorded may fail to be: a look tries again."""
        is_for_time = judgement.again_in_s is not None and reaction.escalate_after_s is None
        if judgement.is_due or (judgement.kind is Kind.WAITING and not is_for_time):
            self.awaits_look = True
        if judgement.again_in_s is not None:
            due = now.up_s + judgement.again_in_s
            self.due_up_s = due if self.due_up_s is None else min(due, self.due_up_s)

    def is_due(self, now: Instant) -> bool:
        """Tell whether it is time, or a look was waited for."""
        return self.awaits_look or (self.due_up_s is not None and now.up_s >= self.due_up_s)

    def drop(self) -> None:
        """Wait for nothing any more."""
        if self.timer is not None:
            self.timer.cancel()


class Reactor(Actor):
    """Judges sessions by the reactions that hold now. `change_seen_at` tells when the forge last told of a change."""

    name = "reactor"

    def __init__(
        self,
        *,
        roster: Roster,
        mailboxes: Mailboxes,
        clock: Clock,
        reactions: Sequence[Reaction],
        change_seen_at: ChangeSeenAt,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._roster = roster
        self._mailboxes = mailboxes
        self._clock = clock
        self._change_seen_at = change_seen_at
        self._troubles = Troubles(on_error)
        self._outlooks: dict[SessionId, Outlook] = {}
        self._looked_at: dict[SessionId, datetime] = {}
        self._ticked_at: datetime | None = None
        self._wanted: dict[SessionId, None] = {}  # to be judged, soon and in this order
        self._is_due = False
        self._submitted: set[tuple[SessionId, str]] = set()
        self._broken: set[tuple[SessionId, str]] = set()  # defects: left alone until other reactions hold
        self._alive: set[SessionId] = set()
        self._last: SessionId | None = None  # whose end left none alive
        self.reactions = tuple(reactions)

    async def started(self) -> None:
        """Find out who is left, and be told of every commit."""
        self._alive = {session.id for session in self._roster if not session.is_terminal}
        if not self._alive:
            ended = sorted(self._roster, key=lambda session: session.state_since)
            self._last = ended[-1].id if ended else None
        self._roster.on_commit(self._committed)

    async def stopped(self) -> None:
        """Wait for nothing any more."""
        for outlook in self._outlooks.values():
            outlook.drop()

    def take(self, reactions: Sequence[Reaction]) -> None:
        """Go on with other reactions. What is new about them concerns no session that has ended already."""
        self.reactions = tuple(map(self._dated, reactions))
        self._broken.clear()
        self._want(session.id for session in self._roster)

    def _dated(self, reaction: Reaction) -> Reaction:
        """Say since when it reacts to this, and in this way."""
        for known in self.reactions:
            if known.is_on and _way_of(known) == _way_of(reaction):
                return replace(reaction, taken_at=known.taken_at)
        return replace(reaction, taken_at=self._clock.now().at)

    def seen(self, session: Session) -> Seen:
        """Say what a judgement about this session may rely on; one that does not run is looked at by the tick."""
        looked_at = self._looked_at.get(session.id)
        if session.state not in OCCUPYING and self._ticked_at is not None:
            looked_at = max(looked_at or self._ticked_at, self._ticked_at)
        return Seen(
            looked_at=looked_at,
            change_at=self._change_seen_at(session.id),
            is_last=session.id == self._last,
        )

    # ---- occasions

    async def tick(self) -> None:
        """Judge again what is due, and what waits for a look; for the tick, behind the prober."""
        now, is_first = self._clock.now(), self._ticked_at is None
        self._ticked_at = now.at
        present = {session.id for session in self._roster}
        self._want(
            session
            for session in present
            if is_first or (outlook := self._outlooks.get(session)) is None or outlook.is_due(now)
        )
        for gone in self._outlooks.keys() - present:
            self._outlooks.pop(gone).drop()
            self._looked_at.pop(gone, None)

    def looked(self, sessions: Collection[SessionId]) -> None:
        """The runs of these were looked at, and what was seen waits in their mailboxes."""
        at = self._clock.now().at
        first = [session for session in sessions if session not in self._looked_at]
        self._looked_at.update(dict.fromkeys(sessions, at))
        self._want(first)

    def change_told(self, session: SessionId) -> None:
        """A forge has told of the change of this one."""
        self._want([session])

    def _committed(self, session: Session) -> None:
        if not session.is_terminal:
            self._alive.add(session.id)
        elif session.id in self._alive:
            self._alive.remove(session.id)
            self._set_last(None if self._alive else session.id)
        if self._alive:
            self._set_last(None)
        self._want([session.id])

    def _set_last(self, session: SessionId | None) -> None:
        if session != self._last:
            self._want(one for one in (session, self._last) if one is not None)
            self._last = session

    # ---- judging

    def _want(self, sessions: Iterable[SessionId]) -> None:
        self._wanted.update(dict.fromkeys(sessions))
        if self._wanted and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._judge_some)

    def _judge_some(self) -> None:
        """Judge a few, and let others have their turn before the next few."""
        self._is_due = False
        if not self._is_open:
            return
        now = self._clock.now()
        some = list(self._wanted)[:JUDGED_AT_ONCE_MAX]
        for session in some:
            del self._wanted[session]
            self._judge(session, now)
        self._want(())

    def _judge(self, name: SessionId, now: Instant) -> None:
        if (before := self._outlooks.pop(name, None)) is not None:
            before.drop()
        session = self._roster.get(name)
        if session is None:
            return
        seen = self.seen(session)
        self._outlooks[name] = outlook = Outlook()
        for reaction in (*self.reactions, *left_over(self.reactions, session)):
            judgement = self._judged(reaction, session, seen, now)
            if judgement is None:
                continue
            outlook.expect(judgement, reaction, now)
            if judgement.is_due:
                self._submitted.add((name, reaction.name))
                self._tasks.spawn(f"{reaction.name} of {name}", self._submit(session, reaction, seen), Subject(name))
        if outlook.due_up_s is not None:
            wait_s = max(JUDGED_AGAIN_S, outlook.due_up_s - now.up_s)
            outlook.timer = asyncio.get_running_loop().call_later(wait_s, self._want, (name,))

    def _judged(self, reaction: Reaction, session: Session, seen: Seen, now: Instant) -> Judgement | None:
        """Judge; null where an input is under way already, or after a defect."""
        key = (session.id, reaction.name)
        if key in self._submitted or key in self._broken:
            return None
        try:
            return judge(reaction, session, seen, now)
        except Exception as error:  # noqa: BLE001 - a defect: it costs this reaction, and no other
            self._leave(key, error)
            return None

    async def _submit(self, session: Session, reaction: Reaction, seen: Seen) -> None:
        key = (session.id, reaction.name)
        try:
            await self._mailboxes.submit(session.id, React(reaction=reaction, seen=seen))
        except StoppedError:
            return
        except FaultError as error:
            self._leave(key, error)
        except OrchestrdError as error:  # the next tick tries again
            self._troubles.failed(UNRECORDED, error)
        else:
            self._troubles.works(UNRECORDED)
        finally:
            self._submitted.discard(key)
        newest = self._roster.get(session.id)
        if newest is not None and newest.revision != session.revision:
            self._want([session.id])

    def _leave(self, key: tuple[SessionId, str], error: Exception) -> None:
        self._broken.add(key)
        self._on_error(f"the reaction {key[1]} to {key[0]} failed", error)


def _way_of(reaction: Reaction) -> tuple[object, ...]:
    return reaction.name, reaction.when, reaction.act, reaction.method
