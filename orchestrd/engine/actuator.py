"""The actuator: performs what sessions intend, and brings the result back as an input.

It reads effects from the record, after the commit that decided on them, and performs those of one session one by one.
A repeatable effect found in a record at start is performed again. A once effect is committed as attempted before the
act. A result that cannot be committed (a full disk) is offered again until it can: the act is not repeated for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from orchestrd.core.running import run_of
from orchestrd.engine.actor import Actor, StoppedError
from orchestrd.engine.launching import Launching
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.model.command import Attempted, Delivered, Launched, LaunchFailed, Result, Swept, Terminated
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.errors import FaultError, OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import KILL_DEADLINE_S, RESULT_RETRY_S, START_DEADLINE_S
from orchestrd.model.session import Session
from orchestrd.model.words import Receipt
from orchestrd.ports import Runtime

ReadScreen = Callable[[SessionId], str | None]


class Actuator(Actor):
    """Performs effects, the sessions side by side."""

    name = "actuator"

    def __init__(
        self, roster: Roster, mailboxes: Mailboxes, launching: Launching, read_screen: ReadScreen, on_error: OnError
    ) -> None:
        super().__init__(on_error)
        self._roster = roster
        self._mailboxes = mailboxes
        self._launching = launching
        self._read_screen = read_screen
        self._queues: dict[SessionId, deque[Effect]] = {}
        self._taken: dict[SessionId, set[str]] = {}

    async def started(self) -> None:
        """Take up what the last daemon left, and everything that is committed from now on."""
        for session in self._roster:
            self._consider(session)
        self._roster.on_commit(self._consider)

    def _consider(self, session: Session) -> None:
        """Queue the effects of a record that are not being performed yet."""
        intended = {effect.id for effect in session.effects}
        taken = self._taken.setdefault(session.id, set())
        taken &= intended
        fresh = [effect for effect in session.effects if effect.id not in taken and not effect.attempted]
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

    async def _work(self, session: SessionId, queue: deque[Effect]) -> None:
        try:
            while queue:
                await self._perform(session, queue.popleft())
        finally:
            del self._queues[session]

    async def _perform(self, name: SessionId, effect: Effect) -> None:
        session = self._roster.require(name)
        if session.is_terminal or all(other.id != effect.id for other in session.effects):
            return  # the session ended meanwhile, and with it the intent
        runtime = self._launching.runtimes.get(session.spec.runtime)
        if effect.kind is EffectKind.LAUNCH:
            await self._launch(session, effect)
        elif runtime is None:
            await self._report(name, Swept(effect=effect.id, generation=effect.generation))  # it was never launched
        elif effect.kind is EffectKind.TERMINATE:
            await self._report(name, await self._terminate(runtime, session, effect))
        elif effect.kind is EffectKind.KILL:
            await self._report(name, await self._kill(runtime, session, effect))
        else:
            await self._deliver(runtime, session, effect)

    async def _launch(self, session: Session, effect: Effect) -> None:
        """Launch. Where it is in doubt whether anything runs, nothing is reported: the start deadline settles it."""
        try:
            async with asyncio.timeout(START_DEADLINE_S):
                handle = await self._launching.launch(session)
        except OrchestrdError as error:
            said = f"{error.message}; try: {error.hint}" if error.hint else error.message
            await self._report(
                session.id,
                LaunchFailed(
                    effect=effect.id,
                    generation=effect.generation,
                    error=said,
                    screen=self._read_screen(session.id),
                ),
            )
        except Exception as error:  # noqa: BLE001 - the border of a runtime
            self._on_error(f"launch of {session.id} is in doubt", error)
        else:
            await self._report(session.id, Launched(effect=effect.id, generation=effect.generation, handle=handle))

    async def _terminate(self, runtime: Runtime, session: Session, effect: Effect) -> Terminated:
        try:
            async with asyncio.timeout(KILL_DEADLINE_S):
                nothing_runs = await runtime.terminate(run_of(session))
        except Exception as error:  # noqa: BLE001 - the border of a runtime; the kill comes after the grace
            self._on_error(f"could not ask {session.id} to end", error)
            nothing_runs = False
        return Terminated(effect=effect.id, generation=effect.generation, nothing_runs=nothing_runs)

    async def _kill(self, runtime: Runtime, session: Session, effect: Effect) -> Swept:
        try:
            async with asyncio.timeout(KILL_DEADLINE_S):
                sweep = await runtime.kill(run_of(session))
        except Exception as error:  # noqa: BLE001 - the border of a runtime
            said = f"the sweep failed: {type(error).__name__}: {error}"
            return Swept(effect=effect.id, generation=effect.generation, error=said)
        return Swept(
            effect=effect.id,
            generation=effect.generation,
            survivors=sweep.survivors,
            exit=sweep.exit,
            error=sweep.error,
            screen=None if session.started_at else self._read_screen(session.id),
        )

    async def _deliver(self, runtime: Runtime, session: Session, effect: Effect) -> None:
        message = next((m for m in session.messages if m.id == effect.message), None)
        if message is None or not await self._report(session.id, Attempted(effect=effect.id)):
            return
        try:
            receipt, error = await runtime.deliver(run_of(session), message.text)
        except Exception as failure:  # noqa: BLE001 - the border of a runtime; nobody knows what was typed
            receipt, error = Receipt.UNKNOWN, f"{type(failure).__name__}: {failure}"
        await self._report(
            session.id,
            Delivered(effect=effect.id, generation=effect.generation, receipt=receipt, error=error),
        )

    async def _report(self, session: SessionId, result: Result) -> bool:
        """Bring a result back; false where the daemon stops first, and the next one finds the effect in the record."""
        while True:
            try:
                await self._mailboxes.submit(session, result)
            except (StoppedError, FaultError):
                return False
            except OrchestrdError as error:
                self._on_error(f"could not record what became of {session}; trying again", error)
                await asyncio.sleep(RESULT_RETRY_S)
            else:
                return True
