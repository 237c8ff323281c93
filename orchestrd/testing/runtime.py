"""A runtime over a world of scripted runs: the port, in virtual time, without a process.

It keeps the same contract as the real ones (one suite of tests runs over all), and has nothing of its own that a daemon
could lose: what lives stands in the world.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

from orchestrd.model.errors import RefusedError, TransientError
from orchestrd.model.ids import SessionId, run_name
from orchestrd.model.instant import Instant
from orchestrd.model.observation import Cause, Exited, Observation, Sighted, Started, Vanished
from orchestrd.model.run import Look, Order, Run, Sweep
from orchestrd.model.words import Liveness, Receipt
from orchestrd.testing.world import End, RunKey, ScriptedRun, World

NOTHING_READS = "nothing reads the stdin of the run"
NO_TERMINAL = "there is no terminal to press keys in"


class ScriptedRuntime:
    """The world as one daemon sees it."""

    def __init__(self, world: World, name: str = "scripted", *, has_terminal: bool = False) -> None:
        self.name = name
        self.has_terminal = has_terminal
        self._world = world
        self._nudge: Callable[[SessionId], None] | None = None
        self._alarms: dict[RunKey, asyncio.TimerHandle] = {}

    async def launch(self, order: Order) -> str:
        """See the port."""
        await self._answer()
        try:
            self._world.launch(order)
        except ValueError as error:
            raise TransientError(str(error), code="launch_failed") from None
        self._expect_end((order.run.session, order.run.generation))
        return run_name(order.run.session, order.run.generation)

    async def probe(self, runs: Sequence[Run]) -> Sequence[Look]:
        """See the port."""
        await self._answer()
        if self._world.outage is not None:
            raise self._world.outage
        now = self._world.clock.now()
        return [self._look(run, now) for run in runs]

    async def terminate(self, run: Run) -> bool:
        """See the port."""
        await self._answer()
        if self._world.refuse(_key(run)):
            return True
        found = self._living(run)
        if found is not None and found.script.heeds_term_after_s is not None:
            found.ends_at(self._world.now_s() + found.script.heeds_term_after_s, None, "SIGTERM")
            self._expect_end(_key(run))
        return False

    async def kill(self, run: Run) -> Sweep:
        """See the port."""
        await self._answer()
        self._world.refuse(_key(run))
        living = self._living(run)
        if living is not None:
            living.kills += 1
            if living.kills <= living.script.kills_survived:
                return Sweep(survivors=(living.pid,))
            living.ends_at(self._world.now_s(), None, "SIGKILL")
            self._expect_end(_key(run))
        end = self._end(run)
        return Sweep(exit=self._exited(run, end) if end is not None and end.is_recorded else None)

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        """See the port."""
        await self._answer()
        found = self._living(run)
        if found is None:
            return Receipt.REFUSED, NOTHING_READS
        if found.script.receipt is not Receipt.REFUSED:
            found.typed.append(text)
        return found.script.receipt, None

    async def press_enter(self, run: Run) -> None:
        """See the port."""
        await self._answer()
        found = self._living(run)
        if found is None:
            raise RefusedError(NOTHING_READS, code="not_typed")
        found.typed.append("")

    async def press_keys(self, run: Run, keys: Sequence[str]) -> None:
        """See the port."""
        await self._answer()
        found = self._living(run)
        if found is None or not self.has_terminal:
            raise RefusedError(NOTHING_READS if self.has_terminal else NO_TERMINAL, code="not_typed")
        found.pressed += keys

    async def answer(self, run: Run, decision: str, reply: str) -> bool:
        """See the port."""
        await self._answer()
        found = self._living(run)
        if found is None or decision not in found.held:
            raise RefusedError("it is not asked any more: nobody waits for the answer", code="not_asked")
        found.held.remove(decision)
        found.answers.append((decision, reply))
        return True

    async def screen(self, run: Run, *, is_styled: bool = False) -> str | None:
        """See the port."""
        await self._answer()
        found = self._living(run)
        return found.screen(self._world.now_s()) if found is not None else None

    def on_change(self, nudge: Callable[[SessionId], None]) -> None:
        """See the port."""
        self._nudge = nudge
        self._world.watchers.append(self._expect_end)
        for key in self._world.running():
            self._expect_end(key)

    def forget(self, run: Run) -> None:
        """See the port."""
        alarm = self._alarms.pop(_key(run), None)
        if alarm is not None:
            alarm.cancel()

    async def close(self) -> None:
        """See the port."""
        if self._nudge is not None:
            self._world.watchers.remove(self._expect_end)
        for alarm in self._alarms.values():
            alarm.cancel()
        self._alarms.clear()

    async def _answer(self) -> None:
        await asyncio.sleep(self._world.latency_s)

    def _living(self, run: Run) -> ScriptedRun | None:
        return self._world.runs[_key(run)] if _key(run) in self._world.running() else None

    def _end(self, run: Run) -> End | None:
        found = self._world.runs.get(_key(run))
        return None if found is None else found.end(self._world.now_s())

    def _expect_end(self, key: RunKey) -> None:
        """Arm the alarm for the end of a run: what a readable pidfd is to a real one."""
        run, alarm = self._world.runs.get(key), self._alarms.pop(key, None)
        if alarm is not None:
            alarm.cancel()
        end = run.first_end() if run is not None else None
        if end is not None and self._nudge is not None:
            wait_s = max(0.0, end.at_s - self._world.now_s())
            self._alarms[key] = asyncio.get_running_loop().call_later(wait_s, self._nudge, key[0])

    def _look(self, run: Run, now: Instant) -> Look:
        found = self._world.runs.get(_key(run))
        if run.session in self._world.unseen:
            return self._nothing(run, "the script lets nobody look")
        if found is None:
            if _key(run) in self._world.refused:
                gone = Vanished(generation=run.generation, observer=self.name, cause=Cause.PROCESS_GONE)
                return Look(run=run, observations=(gone,), hooks_offset=run.hooks_offset)
            return self._nothing(run, "no launcher of it is known yet")
        fresh = found.hooks(now.up_s)[run.hooks_offset :]
        return Look(
            run=run,
            observations=tuple(self._facts(run, found, now)),
            hook_lines=tuple(fresh.split(b"\n")[:-1]),
            hooks_offset=run.hooks_offset + len(fresh),
        )

    def _facts(self, run: Run, found: ScriptedRun, now: Instant) -> list[Observation]:
        facts: list[Observation] = []
        started_s, end = found.started_s(), found.end(now.up_s)
        if not run.is_started and started_s is not None and started_s <= now.up_s:
            at = now.at - timedelta(seconds=now.up_s - started_s)
            facts.append(Started(generation=run.generation, observer=self.name, pid=found.pid, at=at))
        if end is not None and end.is_recorded:
            facts.append(self._exited(run, end))
        elif found.boot != now.boot:
            facts.append(Vanished(generation=run.generation, observer=self.name, cause=Cause.OTHER_BOOT))
        elif end is not None:
            facts.append(Vanished(generation=run.generation, observer=self.name, cause=Cause.PROCESS_GONE))
        else:
            facts.append(self._sample(run, Liveness.ALIVE, ""))
        return facts

    def _exited(self, run: Run, end: End) -> Exited:
        now = self._world.clock.now()
        return Exited(
            generation=run.generation,
            observer=self.name,
            exit_code=end.exit_code,
            exit_signal=end.exit_signal,
            at=now.at - timedelta(seconds=now.up_s - end.at_s),
            error=end.error,
        )

    def _nothing(self, run: Run, why: str) -> Look:
        return Look(run=run, observations=(self._sample(run, Liveness.UNKNOWN, why),), hooks_offset=run.hooks_offset)

    def _sample(self, run: Run, verdict: Liveness, excerpt: str) -> Sighted:
        return Sighted(generation=run.generation, observer=self.name, verdict=verdict, excerpt=excerpt)


def _key(run: Run) -> RunKey:
    return (run.session, run.generation)
