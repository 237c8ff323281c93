"""The prober: one bounded look at all runs of a runtime a tick, and early looks at single ones when nudged.

A look that fails or comes too late is `unknown` for every run it covered, never a stuck tick. A runtime that keeps
failing is two events, `probe_failing` and `probe_recovered`, however long it takes. Ended sessions are never looked at.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from orchestrd.core.evidence import LIVENESS_AXIS
from orchestrd.core.running import run_of
from orchestrd.core.sifting import ReadHook, blind, sift
from orchestrd.engine.actor import Actor
from orchestrd.engine.home_events import HomeEvents
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import PROBE_DEADLINE_S
from orchestrd.model.run import Look, Run
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING, Liveness
from orchestrd.ports import Agent, Clock, Runtime

RunKey = tuple[SessionId, int]


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
        agents: Mapping[str, Agent],
        clock: Clock,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._roster = roster
        self._mailboxes = mailboxes
        self._home_events = home_events
        self._runtimes = runtimes
        self._agents = agents
        self._clock = clock
        self._nudged: set[SessionId] = set()
        self._failing: set[str] = set()
        self._set_aside: set[str] = set()
        self._skipped: dict[RunKey, int] = {}  # how far lines that mean nothing reach in hooks.jsonl

    async def started(self) -> None:
        """Be told by the runtimes when a run is worth a look."""
        for runtime in self._runtimes.values():
            runtime.on_change(self.nudge)
        self._roster.on_commit(self._forget_if_over)

    def nudge(self, session: SessionId) -> None:
        """Look at one session soon; a nudge carries no data, and many are one look."""
        if not self._nudged:
            asyncio.get_running_loop().call_soon(self._look_at_nudged)
        self._nudged.add(session)

    async def probe_all(self) -> None:
        """Look once at every run there is; for the tick."""
        await self._probe(self._roster.in_states(OCCUPYING), is_pass=True)

    def _forget_if_over(self, session: Session) -> None:
        runtime = self._runtimes.get(session.spec.runtime)
        if session.is_terminal and runtime is not None:
            runtime.forget(run_of(session))
            self._skipped.pop((session.id, session.generation), None)

    def _look_at_nudged(self) -> None:
        nudged, self._nudged = self._nudged, set()
        found = [session for name in nudged if (session := self._roster.get(name)) and session.state in OCCUPYING]
        if found and self._is_open:
            self._tasks.spawn("nudged look", self._probe(found, is_pass=False))

    async def _probe(self, sessions: Iterable[Session], *, is_pass: bool) -> None:
        by_runtime: dict[str, list[Session]] = defaultdict(list)
        for session in sessions:
            by_runtime[session.spec.runtime].append(session)
        async with asyncio.TaskGroup() as group:
            for name, standing in by_runtime.items():
                if name in self._runtimes:
                    group.create_task(
                        self._probe_runtime(self._runtimes[name], standing, is_pass=is_pass), name=f"probe {name}"
                    )

    async def _probe_runtime(self, runtime: Runtime, sessions: Sequence[Session], *, is_pass: bool) -> None:
        runs = [self._run_of(session) for session in sessions]
        try:
            async with asyncio.timeout(PROBE_DEADLINE_S):
                looks = await runtime.probe(runs)
        except TimeoutError:
            await self._failed(runtime, runs, f"no answer in {PROBE_DEADLINE_S:g} s")
            return
        except Exception as error:  # noqa: BLE001 - the border of a runtime: whatever it is, it is no evidence
            await self._failed(runtime, runs, f"{type(error).__name__}: {error}")
            return
        if runtime.name in self._failing:
            self._failing.discard(runtime.name)
            await self._home_events.tell(EventType.PROBE_RECOVERED, source=runtime.name)
        await self._post(runtime, looks, is_pass=is_pass)

    async def _failed(self, runtime: Runtime, runs: Sequence[Run], why: str) -> None:
        for session, inputs in blind(runs, runtime.name, why).items():
            for input_ in inputs:
                self._mailboxes.post(session, input_)
        if runtime.name not in self._failing:
            self._failing.add(runtime.name)
            await self._home_events.tell(EventType.PROBE_FAILING, source=runtime.name, error=why)

    async def _post(self, runtime: Runtime, looks: Sequence[Look], *, is_pass: bool) -> None:
        readers = {look.run.session: self._reader(look.run.session) for look in looks}
        sifted = sift(looks, readers, self._dead_before(looks), self._clock.now())
        for session, inputs in sifted.inputs.items():
            for input_ in inputs:
                self._mailboxes.post(session, input_)
        for look in looks:
            self._skip_lines(look)
        if is_pass:
            await self._say_if_set_aside(runtime, is_set_aside=sifted.is_set_aside)

    async def _say_if_set_aside(self, runtime: Runtime, *, is_set_aside: bool) -> None:
        if is_set_aside and runtime.name not in self._set_aside:
            text = "more than half of its runs turned dead in one pass: the pass was set aside"
            await self._home_events.tell(EventType.BREAKER_TRIPPED, source=runtime.name, text=text)
        (self._set_aside.add if is_set_aside else self._set_aside.discard)(runtime.name)

    def _run_of(self, session: Session) -> Run:
        skipped = self._skipped.get((session.id, session.generation), 0)
        return run_of(session, max(self._roster.evidence(session.id).hooks_offset, skipped))

    def _skip_lines(self, look: Look) -> None:
        """Lines that mean nothing leave no trace in the evidence; they are read once all the same."""
        if look.hooks_offset > look.run.hooks_offset:
            read_hook = self._reader(look.run.session)
            if not any(read_hook(line) for line in look.hook_lines):
                self._skipped[look.run.session, look.run.generation] = look.hooks_offset

    def _reader(self, session: SessionId) -> ReadHook:
        agent = self._agents.get(self._roster.require(session).spec.agent)
        return agent.read_hook if agent else lambda _: None

    def _dead_before(self, looks: Sequence[Look]) -> frozenset[SessionId]:
        return frozenset(
            look.run.session
            for look in looks
            for witness in self._roster.evidence(look.run.session).witnesses
            if witness.axis == LIVENESS_AXIS and witness.verdict == Liveness.DEAD
        )
