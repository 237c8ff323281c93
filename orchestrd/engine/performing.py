"""Performing: what all parts have in common that do what sessions intend, and bring the result back as an input.

A performer reads the effects of its kinds from the record, after the commit that decided on them, and what the last
daemon has left when it starts. Nothing is performed before it is on disk, nor once it is intended no more. A once
effect is committed as attempted before the act, and performed only if the decision still stands then. A result that
cannot be committed (a full disk) is offered again until it can: the act is not repeated for it. A defect in one act
costs no other.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from orchestrd.engine.actor import Actor, StoppedError
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError, Subject, working_for
from orchestrd.engine.troubles import Troubles
from orchestrd.model.command import Attempted, Result
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.errors import FaultError, OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import RESULT_RETRY_S
from orchestrd.model.session import Session


class Performer(Actor):
    """Base of all performers. A subclass says which kinds are its own, and how one effect is performed.

    `in_order`: those of one session are performed one after the other; else all side by side. `is_interruptible`: an
    act is given up where its effect is intended no more, or the daemon stops; its task is cancelled then.
    """

    kinds: frozenset[EffectKind] = frozenset()
    in_order = True
    is_interruptible = False

    def __init__(self, roster: Roster, mailboxes: Mailboxes, on_error: OnError) -> None:
        super().__init__(on_error)
        self._roster = roster
        self._mailboxes = mailboxes
        self._unrecorded = Troubles(on_error)
        self._queues: dict[SessionId, deque[Effect]] = {}
        self._taken: dict[SessionId, set[str]] = {}
        self._acts: dict[tuple[SessionId, str], asyncio.Timeout] = {}  # those under way that can be interrupted
        self._left: frozenset[tuple[SessionId, str]] = frozenset()  # effects that the last daemon may have performed

    async def perform(self, session: Session, effect: Effect) -> None:
        """Perform one effect, and `report` what became of it; whatever is raised is a defect."""
        raise NotImplementedError

    async def started(self) -> None:
        """Take up what the last daemon left, and everything that is committed from now on."""
        self._left = frozenset((session.id, effect.id) for session in self._roster for effect in session.effects)
        for session in self._roster:
            self._consider(session)
        self._roster.on_commit(self._consider)

    async def stop(self) -> None:
        """End: what may be interrupted is, and the next daemon finds it in the record."""
        self._is_stopping = True
        for key in tuple(self._acts):
            self._interrupt(key)
        await super().stop()

    # ---- for subclasses

    def take(self, session: SessionId, fresh: Sequence[Effect]) -> None:
        """See to effects that are new, each of them once."""
        if not self.in_order:
            for effect in fresh:
                self._tasks.spawn(f"{effect.kind} of {session}", self._work(session, deque([effect])))
        elif (queue := self._queues.get(session)) is not None:
            queue.extend(fresh)
        else:
            queue = self._queues[session] = deque(fresh)
            self._tasks.spawn(f"effects of {session}", self._work_off(session, queue))

    def withdrawn(self, session: SessionId, effects: frozenset[str]) -> None:
        """Effects that were taken are intended no more: they are over, or taken back."""
        for effect in effects:
            self._interrupt((session, effect))

    def standing(self, session: SessionId, effect: Effect) -> Effect | None:
        """Give the effect as it is intended now, or null where it is not any more."""
        known = self._roster.get(session)
        return next((other for other in known.effects if other.id == effect.id), None) if known else None

    def was_left(self, session: SessionId, effect: Effect) -> bool:
        """Tell whether the last daemon may have performed it."""
        return (session, effect.id) in self._left

    async def attempt(self, session: SessionId, effect: Effect) -> bool:
        """Commit that a once effect is about to be performed; true where it may be, now and never again."""
        if not await self.report(session, Attempted(effect=effect.id)):
            return False
        standing = self.standing(session, effect)
        return standing is not None and standing.attempted

    async def report(self, session: SessionId, result: Result) -> bool:
        """Bring a result back; false where the daemon stops first, and the next one finds the effect in the record."""
        act = self._acts.pop((session, result.effect), None)  # what is over is not interrupted by its own end
        try:
            return await self._reported(session, result)
        finally:
            if act is not None:
                self._acts[session, result.effect] = act
                if self._is_stopping:
                    self._interrupt((session, result.effect))

    async def _reported(self, session: SessionId, result: Result) -> bool:
        what = f"could not record what became of {session}; trying again"
        while True:
            try:
                await self._mailboxes.submit(session, result)
            except (StoppedError, FaultError):
                return False
            except OrchestrdError as error:
                self._unrecorded.failed(what, error)
                await asyncio.sleep(RESULT_RETRY_S)
            else:
                self._unrecorded.works(what)
                return True

    # ---- taking up

    def _consider(self, session: Session) -> None:
        """Take the effects of a record that are not being performed yet."""
        if self._is_stopping:
            return  # what is intended stands in the record: the next daemon performs it
        effects = [effect for effect in session.effects if effect.kind in self.kinds]
        taken = self._taken.get(session.id, set())
        if not effects and not taken:
            return
        fresh = [effect for effect in effects if effect.id not in taken and not effect.attempted]
        gone = taken - {effect.id for effect in effects}
        self._taken[session.id] = (taken - gone) | {effect.id for effect in fresh}
        if not self._taken[session.id]:
            del self._taken[session.id]
        if gone:
            self.withdrawn(session.id, frozenset(gone))
        if fresh:
            self.take(session.id, fresh)

    async def _work_off(self, session: SessionId, queue: deque[Effect]) -> None:
        await self._work(session, queue)
        del self._queues[session]  # no await since the queue was seen empty, so nothing is left behind

    async def _work(self, session: SessionId, queue: deque[Effect]) -> None:
        while queue and not self._is_stopping:
            effect = queue.popleft()
            with working_for(Subject(session, effect.generation)):
                try:
                    await self._act(session, effect)
                except Exception as error:  # noqa: BLE001 - a defect: it costs this effect, and no other
                    self._on_error(f"{effect.kind} of {session} failed", error)

    async def _act(self, name: SessionId, effect: Effect) -> None:
        session = self._roster.get(name)
        if session is None or self.standing(name, effect) is None:
            return  # the session ended meanwhile, or something else took the intent back
        if not self.is_interruptible:
            await self.perform(session, effect)
            return
        act = self._acts[name, effect.id] = asyncio.timeout(None)
        try:
            async with act:
                await self.perform(session, effect)
        except TimeoutError:
            if not act.expired():
                raise
        finally:
            self._acts.pop((name, effect.id), None)

    def _interrupt(self, key: tuple[SessionId, str]) -> None:
        if act := self._acts.pop(key, None):
            act.reschedule(asyncio.get_running_loop().time())
