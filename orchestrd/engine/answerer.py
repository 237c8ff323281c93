"""The answerer: gives an answer to the decision it was meant for, once, and finds out what became of it.

Whoever holds the decision is given its line without a keystroke. Keys are pressed only where the screen, looked at
right before, shows this very decision. An answer counts as submitted only when the session is seen not to wait for that
decision any more; what nobody sees is `unknown`.
"""

import asyncio
from collections.abc import Awaitable, Callable

from orchestrd.core.deciding import reply_to
from orchestrd.core.running import run_of
from orchestrd.engine.launching import Launching
from orchestrd.engine.roster import Roster
from orchestrd.model.decision import GivenAnswer, Way
from orchestrd.model.errors import NotFoundError, RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import ANSWER_CONFIRM_S, CONFIRM_LOOK_S, TYPING_S
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, Receipt
from orchestrd.ports import Clock, Runtime

Look = Callable[[SessionId], Awaitable[None]]
Outcome = tuple[Receipt, str | None]

GOES_ON = frozenset({Activity.WORKING, Activity.WAITING, Activity.LIMITED})
UNSEEN = "it was given, and nobody has seen the agent go on; look before you answer again"


class Answerer:
    """Answers, once, and watches. `look` has one session looked at now."""

    def __init__(self, roster: Roster, launching: Launching, clock: Clock, look: Look) -> None:
        self._roster = roster
        self._launching = launching
        self._clock = clock
        self._look = look

    async def answer(self, session: Session, given: GivenAnswer) -> Outcome:
        """Give it; second, what went wrong. It is never given again, whatever becomes of this."""
        try:
            async with asyncio.timeout(TYPING_S):
                is_taken = await self._give(self._runtime(session), session, given)
        except (RefusedError, NotFoundError) as refusal:
            return Receipt.REFUSED, refusal.message
        except TimeoutError:
            return Receipt.UNKNOWN, f"not known to be given: the runtime said nothing within {TYPING_S:g} s"
        except Exception as error:  # noqa: BLE001 - the border of a runtime; nobody knows what was given
            return Receipt.UNKNOWN, f"{type(error).__name__}: {error}"
        if await self._is_seen_to_go_on(session.id, given, is_taken=is_taken):
            return Receipt.SUBMITTED, None
        return Receipt.UNKNOWN, UNSEEN

    def _runtime(self, session: Session) -> Runtime:
        runtime = self._launching.runtimes.get(session.spec.runtime)
        if runtime is None:
            raise NotFoundError(f"there is no runtime {session.spec.runtime}")
        return runtime

    async def _give(self, runtime: Runtime, session: Session, given: GivenAnswer) -> bool:
        """Give it, and tell whether it is known to be taken. Raises RefusedError with nothing given."""
        reply, decision = reply_to(given), given.decision
        if decision.way is Way.HELD:
            return await runtime.answer(run_of(session), decision.id, reply)
        screen = await runtime.screen(run_of(session))
        shown = None if screen is None else self._launching.shown_decision(session.spec, screen, self._clock.now().at)
        if shown is None or shown.id != decision.id:
            raise RefusedError("its screen does not ask this any more", code="not_asked")
        await runtime.press_keys(run_of(session), reply.split())
        return False

    async def _is_seen_to_go_on(self, session: SessionId, given: GivenAnswer, *, is_taken: bool) -> bool:
        """Look, bounded, until the agent waits for this decision no more, and tell whether that was seen."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + ANSWER_CONFIRM_S
        while not self._goes_on(session, given, is_taken=is_taken):
            if loop.time() >= until_s:
                return False
            await asyncio.sleep(CONFIRM_LOOK_S)
            await self._look(session)
        return True

    def _goes_on(self, session: SessionId, given: GivenAnswer, *, is_taken: bool) -> bool:
        """Tell whether it was seen at work or at rest, or waits for another decision, behind or beside this one."""
        record = self._roster.get(session)
        if record is None or record.is_terminal or record.activity in GOES_ON:
            return True
        others = [one for one in self._roster.evidence(session).asked if one.decision.id != given.decision.id]
        asked = record.decision
        is_another = asked is not None and asked.id != given.decision.id and asked.way is given.decision.way
        return is_another or (is_taken and bool(others))
