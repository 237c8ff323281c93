"""The actuator: performs what sessions intend with their runs, those of one session one by one.

A repeatable effect found in a record at start is performed again; a message is typed, and a decision answered, only
after a look right before. Nothing waits for a runtime for ever.
"""

import asyncio
from collections.abc import Callable, Sequence

from orchestrd.core.running import has_ended, run_of
from orchestrd.engine.answerer import Answerer
from orchestrd.engine.launching import LaunchedRun, Launching
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.performing import Performer
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.engine.typist import Typist
from orchestrd.model.command import Answered, Delivered, Launched, LaunchFailed, Swept, Terminated
from orchestrd.model.effect import OF_THE_RUN, Effect, EffectKind
from orchestrd.model.errors import NotFoundError, OrchestrdError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import KILL_DEADLINE_S, START_DEADLINE_S, WORKSPACE_S
from orchestrd.model.session import Session
from orchestrd.ports import Runtime

ReadScreen = Callable[[SessionId], str | None]
ENDING = frozenset({EffectKind.TERMINATE, EffectKind.KILL})


class Actuator(Performer):
    """Performs the effects of runs, the sessions side by side."""

    name = "actuator"
    kinds = OF_THE_RUN

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
        super().__init__(roster, mailboxes, on_error)
        self._launching = launching
        self._typist = typist
        self._answerer = answerer
        self._read_screen = read_screen
        self._preparing: dict[SessionId, asyncio.Timeout] = {}  # launches that have started nothing yet

    def take(self, session: SessionId, fresh: Sequence[Effect]) -> None:
        """See to effects that are new; an end calls off the launch that it would wait behind."""
        super().take(session, fresh)
        if any(effect.kind in ENDING for effect in fresh):
            self._call_off(session)

    def _call_off(self, session: SessionId) -> None:
        """End a launch that still makes its workspace: the session is to end, and what ends it waits behind it."""
        if limit := self._preparing.get(session):
            limit.reschedule(asyncio.get_running_loop().time())

    async def perform(self, session: Session, effect: Effect) -> None:
        """Perform one effect of a run."""
        match effect.kind:
            case EffectKind.LAUNCH:
                await self._launch(session, effect)
            case EffectKind.TERMINATE:
                await self.report(session.id, await self._terminate(session, effect))
            case EffectKind.KILL:
                await self.report(session.id, await self._kill(session, effect))
            case EffectKind.DELIVER | EffectKind.ANSWER:
                await self._act_once(session, effect)
            case _:
                raise AssertionError(f"{effect.kind} is not of the run")

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
            if not isinstance(error, OrchestrdError) or self.was_left(session.id, effect):
                self._on_error(f"the launch of {session.id} is in doubt", error)
                return
            said = f"{error.message}; try: {error.hint}" if error.hint else error.message
            screen = await self._screen(session)
            await self.report(
                session.id,
                LaunchFailed(effect=effect.id, generation=effect.generation, error=said, screen=screen),
            )
        else:
            await self.report(
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

        That commit decides on what a look right before it has seen. An end that was held back for what became of it is
        seen by the look behind it.
        """
        await self._typist.look(session.id)
        if not await self.attempt(session.id, effect):
            return
        await self.report(session.id, await self._done(session, effect))
        if has_ended(self._roster.get(session.id)):
            await self._typist.look(session.id)

    async def _done(self, session: Session, effect: Effect) -> Delivered | Answered:
        if effect.answer is not None:
            receipt, error = await self._answerer.answer(session, effect.answer)
            return Answered(effect=effect.id, generation=effect.generation, receipt=receipt, error=error)
        receipt, error = await self._typist.type(session, effect.message)
        return Delivered(effect=effect.id, generation=effect.generation, receipt=receipt, error=error)

    async def _screen(self, session: Session) -> str | None:
        return await asyncio.to_thread(self._read_screen, session.id)
