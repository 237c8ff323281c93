"""The actuator: performs what sessions intend, and brings the result back as an input.

It reads effects from the record, after the commit that decided on them, and performs those of one session one by one.
A repeatable effect found in a record at start is performed again. A once effect is committed as attempted before the
act, and performed only if the decision still stands then. A result that cannot be committed (a full disk) is offered
again until it can: the act is not repeated for it. Nothing waits for a runtime for ever.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from orchestrd.core.running import run_of
from orchestrd.engine.actor import Actor, StoppedError
from orchestrd.engine.answerer import Answerer
from orchestrd.engine.launching import LaunchedRun, Launching
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError, Subject, working_for
from orchestrd.engine.troubles import Troubles
from orchestrd.engine.typist import Typist
from orchestrd.model.command import Answered, Attempted, Delivered, Launched, LaunchFailed, Result, Swept, Terminated
from orchestrd.model.effect import OF_THE_RUN, Effect, EffectKind
from orchestrd.model.errors import FaultError, NotFoundError, OrchestrdError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import KILL_DEADLINE_S, RESULT_RETRY_S, START_DEADLINE_S, WORKSPACE_S
from orchestrd.model.session import Session
from orchestrd.ports import Runtime

ReadScreen = Callable[[SessionId], str | None]
ENDING = frozenset({EffectKind.TERMINATE, EffectKind.KILL})


class Actuator(Actor):
    """Performs effects, the sessions side by side."""

    name = "actuator"

    def __init__(
        self,
        *,
        roster: Roster,
        mailboxes: Mailboxes,
        launching: Launching,
        typist: Typist,
        answerer: Answerer,
        read_screen: ReadScreen,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._roster = roster
        self._mailboxes = mailboxes
        self._launching = launching
        self._typist = typist
        self._answerer = answerer
        self._read_screen = read_screen
        self._unrecorded = Troubles(on_error)
        self._queues: dict[SessionId, deque[Effect]] = {}
        self._taken: dict[SessionId, set[str]] = {}
        self._preparing: dict[SessionId, asyncio.Timeout] = {}  # launches that have started nothing yet
        self._left: frozenset[tuple[SessionId, str]] = frozenset()  # effects that the last daemon may have performed

    async def started(self) -> None:
        """Take up what the last daemon left, and everything that is committed from now on."""
        self._left = frozenset((session.id, effect.id) for session in self._roster for effect in session.effects)
        for session in self._roster:
            self._consider(session)
        self._roster.on_commit(self._consider)

    def _consider(self, session: Session) -> None:
        """Queue the effects of a record that are not being performed yet."""
        if self._is_stopping:
            return  # what is intended stands in the record: the next daemon performs it
        effects = [effect for effect in session.effects if effect.kind in OF_THE_RUN]
        intended = {effect.id for effect in effects}
        taken = self._taken.setdefault(session.id, set())
        taken &= intended
        fresh = [effect for effect in effects if effect.id not in taken and not effect.attempted]
        if not taken and not fresh:
            del self._taken[session.id]
            return
        taken.update(effect.id for effect in fresh)
        queue = self._queues.get(session.id)
        if queue is None and fresh:
            queue = self._queues[session.id] = deque()
            self._tasks.spawn(f"effects of {session.id}", self._work(session.id, queue))
        if queue is not None:
            queue.extend(fresh)
        if any(effect.kind in ENDING for effect in fresh):
            self._call_off(session.id)

    def _call_off(self, session: SessionId) -> None:
        """End a launch that still makes its workspace: the session is to end, and what ends it waits behind it."""
        if limit := self._preparing.get(session):
            limit.reschedule(asyncio.get_running_loop().time())

    async def _work(self, session: SessionId, queue: deque[Effect]) -> None:
        while queue and not self._is_stopping:
            effect = queue.popleft()
            with working_for(Subject(session, effect.generation)):
                try:
                    await self._perform(session, effect)
                except Exception as error:  # noqa: BLE001 - a defect: it costs this effect, and no other
                    self._on_error(f"{effect.kind} of {session} failed", error)
        del self._queues[session]

    async def _perform(self, name: SessionId, effect: Effect) -> None:
        session = self._roster.get(name)
        if session is None or self._standing(name, effect) is None:
            return  # the session ended meanwhile, or something else took the intent back
        match effect.kind:
            case EffectKind.LAUNCH:
                await self._launch(session, effect)
            case EffectKind.TERMINATE:
                await self._report(name, await self._terminate(session, effect))
            case EffectKind.KILL:
                await self._report(name, await self._kill(session, effect))
            case EffectKind.DELIVER | EffectKind.ANSWER:
                await self._act_once(session, effect)
            case _:
                raise AssertionError(f"{effect.kind} is not of the run")

    def _standing(self, session: SessionId, effect: Effect) -> Effect | None:
        """Give the effect as it is intended now, or null where it is not any more."""
        known = self._roster.get(session)
        return next((other for other in known.effects if other.id == effect.id), None) if known else None

    def _runtime(self, session: Session) -> Runtime:
        runtime = self._launching.runtimes.get(session.spec.runtime)
        if runtime is None:
            raise NotFoundError(f"this daemon has no runtime {session.spec.runtime}", hint=f"orch explain {session.id}")
        return runtime

    async def _launch(self, session: Session, effect: Effect) -> None:
        """Launch. Where it is in doubt whether anything runs, nothing is reported: the start deadline settles it.

        An error tells that this launch started nothing; not so of one that the last daemon may have performed.
        """
        try:
            launched = await self._prepare_and_launch(session)
        except Exception as error:  # noqa: BLE001 - the border of a runtime
            if not isinstance(error, OrchestrdError) or (session.id, effect.id) in self._left:
                self._on_error(f"the launch of {session.id} is in doubt", error)
                return
            said = f"{error.message}; try: {error.hint}" if error.hint else error.message
            screen = await self._screen(session)
            await self._report(
                session.id,
                LaunchFailed(effect=effect.id, generation=effect.generation, error=said, screen=screen),
            )
        else:
            await self._report(
                session.id,
                Launched(
                    effect=effect.id,
                    generation=effect.generation,
                    handle=launched.handle,
                    types_prompt=launched.types_prompt,
                ),
            )

    async def _prepare_and_launch(self, session: Session) -> LaunchedRun:
        """Raises OrchestrdError when nothing is started by this call; anything else leaves that in doubt."""
        try:
            async with asyncio.timeout(WORKSPACE_S) as limit:
                self._preparing[session.id] = limit
                await self._launching.prepare(session)
        except TimeoutError:
            raise TransientError("its workspace was not there in time", code="workspace_late") from None
        finally:
            del self._preparing[session.id]
        async with asyncio.timeout(START_DEADLINE_S):
            return await self._launching.launch(session)

    async def _terminate(self, session: Session, effect: Effect) -> Terminated:
        try:
            async with asyncio.timeout(KILL_DEADLINE_S):
                nothing_runs = await self._runtime(session).terminate(run_of(session))
        except Exception as error:  # noqa: BLE001 - the border of a runtime; the kill comes after the grace
            self._on_error(f"could not ask {session.id} to end", error)
            nothing_runs = False
        return Terminated(effect=effect.id, generation=effect.generation, nothing_runs=nothing_runs)

    async def _kill(self, session: Session, effect: Effect) -> Swept:
        try:
            async with asyncio.timeout(KILL_DEADLINE_S):
                sweep = await self._runtime(session).kill(run_of(session))
        except Exception as error:  # noqa: BLE001 - the border of a runtime
            said = f"the sweep failed: {type(error).__name__}: {error}"
            return Swept(effect=effect.id, generation=effect.generation, error=said)
        return Swept(
            effect=effect.id,
            generation=effect.generation,
            survivors=sweep.survivors,
            exit=sweep.exit,
            error=sweep.error,
            screen=None if session.started_at else await self._screen(session),
        )

    async def _act_once(self, session: Session, effect: Effect) -> None:
        """Type or answer, once: only after `attempted` is on disk, and only if that commit found the decision standing.

        That commit decides on what a look right before it has seen.
        """
        await self._typist.look(session.id)
        if not await self._report(session.id, Attempted(effect=effect.id)):
            return
        standing = self._standing(session.id, effect)
        if standing is None or not standing.attempted:
            return
        await self._report(session.id, await self._done(session, effect))

    async def _done(self, session: Session, effect: Effect) -> Delivered | Answered:
        if effect.answer is not None:
            receipt, error = await self._answerer.answer(session, effect.answer)
            return Answered(effect=effect.id, generation=effect.generation, receipt=receipt, error=error)
        receipt, error = await self._typist.type(session, effect.message)
        return Delivered(effect=effect.id, generation=effect.generation, receipt=receipt, error=error)

    async def _screen(self, session: Session) -> str | None:
        return await asyncio.to_thread(self._read_screen, session.id)

    async def _report(self, session: SessionId, result: Result) -> bool:
        """Bring a result back; false where the daemon stops first, and the next one finds the effect in the record."""
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
