"""The prober: one bounded look at all runs of a runtime a tick, and early looks at single ones when nudged.

A look that fails or comes too late is `unknown` for every run it covered, never a stuck tick; so is one at a runtime
that this daemon does not have. A runtime that keeps failing is two events, `probe_failing` and `probe_recovered`,
however long it takes. Ended sessions are never looked at. Runtimes do not wait for each other.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from orchestrd.core.liveness import LIVENESS_AXIS
from orchestrd.core.running import run_of
from orchestrd.core.sifting import blind, settles_late, sift
from orchestrd.engine.actor import Actor
from orchestrd.engine.home_events import HomeEvents
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.engine.witnesses import Witnesses
from orchestrd.model.errors import NotFoundError
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import NUDGED_LOOK_PAUSE_S_MAX, NUDGED_LOOK_PAUSE_S_MIN, PROBE_DEADLINE_S, WITNESS_SETTLE_S
from orchestrd.model.run import Look, Run
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING, Liveness
from orchestrd.ports import Runtime

OnLook = Callable[[Sequence[SessionId]], None]


class Prober(Actor):
    """Looks, and posts what it saw into the mailboxes."""

    name = "prober"

    def __init__(
        self,
        *,
        roster: Roster,
        mailboxes: Mailboxes,
        home_events: HomeEvents,
        runtimes: Mapping[str, Runtime],
        witnesses: Witnesses,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._roster = roster
        self._mailboxes = mailboxes
        self._home_events = home_events
        self._runtimes = runtimes
        self._witnesses = witnesses
        self._nudged: dict[str, dict[SessionId, None]] = {}  # by runtime, while early looks at its runs are under way
        self._settling: set[tuple[SessionId, float]] = set()  # whose witnesses are looked at once more, and how soon
        self._failing: set[str] = set()
        self._set_aside: set[str] = set()
        self._on_look: list[OnLook] = []

    def on_look(self, callback: OnLook) -> None:
        """Call this, on the loop, with the sessions that were looked at, once all that was seen has been posted."""
        self._on_look.append(callback)

    async def started(self) -> None:
        """Be told by the runtimes when a run is worth a look."""
        for runtime in self._runtimes.values():
            runtime.on_change(self.nudge)
        self._roster.on_commit(self._forget_if_over)

    def nudge(self, session: SessionId) -> None:
        """Look at one session soon; a nudge carries no data, and many are one look."""
        standing = self._roster.get(session)
        if standing is None or standing.state not in OCCUPYING or not self._is_open:
            return
        runtime = standing.spec.runtime
        if runtime not in self._nudged:
            self._nudged[runtime] = {}
            self._tasks.spawn(f"nudged looks at {runtime}", self._look_at_nudged(runtime))
        self._nudged[runtime][session] = None

    async def probe_all(self) -> None:
        """Look once at every run there is; for the tick."""
        by_runtime: dict[str, list[Session]] = defaultdict(list)
        for session in self._roster.in_states(OCCUPYING):
            by_runtime[session.spec.runtime].append(session)
        async with asyncio.TaskGroup() as group:
            for name, sessions in by_runtime.items():
                group.create_task(self._probe(name, sessions, is_pass=True), name=f"probe {name}")

    async def look_at(self, session: SessionId) -> None:
        """Look at one session now."""
        standing = self._roster.get(session)
        if standing is not None and standing.state in OCCUPYING:
            await self._probe(standing.spec.runtime, [standing], is_pass=False)

    def _forget_if_over(self, session: Session) -> None:
        runtime = self._runtimes.get(session.spec.runtime)
        if session.is_terminal and runtime is not None:
            runtime.forget(run_of(session))
            self._witnesses.forget(session)

    async def _look_at_nudged(self, runtime: str) -> None:
        """One look at a time, with a pause behind it that grows: one end soon after another is seen at once.

        Whoever nudges without end costs no more than a look after each of the longest pauses.
        """
        nudged, pause_s = self._nudged[runtime], NUDGED_LOOK_PAUSE_S_MIN
        while nudged and not self._is_stopping:
            found = [session for name in nudged if (session := self._roster.get(name)) and session.state in OCCUPYING]
            nudged.clear()
            if found:
                await self._probe(runtime, found, is_pass=False)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, NUDGED_LOOK_PAUSE_S_MAX)
        del self._nudged[runtime]

    async def _probe(self, name: str, sessions: Sequence[Session], *, is_pass: bool) -> None:
        runs = [run_of(session, self._roster.evidence(session.id)) for session in sessions]
        try:
            async with asyncio.timeout(PROBE_DEADLINE_S):
                looks = await self._look(name, runs)
            is_set_aside = self._take_in(looks)
        except TimeoutError:
            await self._failed(name, runs, f"no answer in {PROBE_DEADLINE_S:g} s")
        except Exception as error:  # noqa: BLE001 - the border of a runtime: whatever it is, it is no evidence
            await self._failed(name, runs, f"{type(error).__name__}: {error}")
        else:
            await self._say_if_recovered(name)
            if is_pass:
                await self._say_if_set_aside(name, is_set_aside=is_set_aside)
            if await self._hear(self._runtimes[name], looks):
                for callback in self._on_look:
                    callback([look.run.session for look in looks])

    async def _look(self, name: str, runs: Sequence[Run]) -> Sequence[Look]:
        runtime = self._runtimes.get(name)
        if runtime is None:
            raise NotFoundError("this daemon has no such runtime")
        return await runtime.probe(runs)

    async def _failed(self, runtime: str, runs: Sequence[Run], why: str) -> None:
        for session, inputs in blind(runs, runtime, why).items():
            for input_ in inputs:
                self._mailboxes.post(session, input_)
        if runtime not in self._failing:
            self._failing.add(runtime)
            await self._home_events.tell(EventType.PROBE_FAILING, source=runtime, error=why)

    def _take_in(self, looks: Sequence[Look]) -> bool:
        """Post what was seen; true when the dead samples of this pass were set aside."""
        known = [look for look in looks if self._roster.get(look.run.session) is not None]
        sifted = sift(known, self._was_dead)
        for session, inputs in sifted.inputs.items():
            for input_ in inputs:
                self._mailboxes.post(session, input_)
        return sifted.is_set_aside

    async def _hear(self, runtime: Runtime, looks: Sequence[Look]) -> bool:
        """Pass on what the agents' witnesses say. That they cannot be heard, false, hides nothing of what was seen."""
        try:
            async with asyncio.timeout(PROBE_DEADLINE_S):
                heard = await self._witnesses.hear(runtime, looks)
        except Exception as error:  # noqa: BLE001 - the border of an agent: whatever it is, it is no evidence
            self._on_error(f"the witnesses of the runs on {runtime.name} could not be heard", error)
            return False
        for session, said in heard:
            self._mailboxes.post(session, said)
            if settles_late(said):
                self._look_again_soon(session)
        return True

    def _look_again_soon(self, session: SessionId) -> None:
        """Look once more when every witness of the same edge has spoken: they do so one after the other."""
        for pause_s in WITNESS_SETTLE_S:
            if (session, pause_s) not in self._settling:
                self._settling.add((session, pause_s))
                asyncio.get_running_loop().call_later(pause_s, self._look_again, session, pause_s)

    def _look_again(self, session: SessionId, pause_s: float) -> None:
        self._settling.discard((session, pause_s))
        self.nudge(session)

    async def _say_if_recovered(self, runtime: str) -> None:
        if runtime in self._failing:
            self._failing.discard(runtime)
            await self._home_events.tell(EventType.PROBE_RECOVERED, source=runtime)

    async def _say_if_set_aside(self, runtime: str, *, is_set_aside: bool) -> None:
        was_set_aside = runtime in self._set_aside
        (self._set_aside.add if is_set_aside else self._set_aside.discard)(runtime)
        if is_set_aside and not was_set_aside:
            text = "more than half of its runs turned dead in one pass: the pass was set aside"
            await self._home_events.tell(EventType.BREAKER_TRIPPED, source=runtime, text=text)

    def _was_dead(self, session: SessionId) -> bool:
        witnesses = self._roster.evidence(session).witnesses
        return any(witness.axis == LIVENESS_AXIS and witness.verdict == Liveness.DEAD for witness in witnesses)
