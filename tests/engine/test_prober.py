import asyncio
from collections.abc import Callable, Sequence

import pytest

from orchestrd.core.running import run_of
from orchestrd.model.command import Kill, Revive, Stop
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import CONTACT_LOST_S, NUDGED_LOOK_PAUSE_S_MAX, NUDGED_LOOK_PAUSE_S_MIN, PROBE_DEADLINE_S
from orchestrd.model.observation import Sighted
from orchestrd.model.run import Look, Run
from orchestrd.model.words import Activity, Liveness, Reason, State
from orchestrd.testing.runtime import ScriptedRuntime
from orchestrd.testing.world import Script
from tests.engine.rig import ID, OTHER, Rig, running, survivor

TICK_S = 5.0


class BenchRuntime(ScriptedRuntime):
    """Counts the looks at each run, and can be made to look late, or at something else."""

    def __init__(self, rig: Rig, name: str = "process") -> None:
        super().__init__(rig.world, name)
        self.takes_s = 0.0
        self.looks: list[list[SessionId]] = []
        self.seen: Callable[[Look], Look] = lambda look: look

    async def probe(self, runs: Sequence[Run]) -> Sequence[Look]:
        self.looks.append([run.session for run in runs])
        looks = await super().probe(runs)
        await asyncio.sleep(self.takes_s)
        return [self.seen(look) for look in looks]

    def count(self, session: str = ID) -> int:
        return sum(session in look for look in self.looks)


def bench(rig: Rig | None = None) -> tuple[Rig, BenchRuntime]:
    rig = rig or Rig()
    runtime = BenchRuntime(rig)
    rig.runtimes["process"] = runtime
    return rig, runtime


def dead(look: Look) -> Look:
    fact = Sighted(generation=look.run.generation, observer="process", verdict=Liveness.DEAD, excerpt="not there")
    return Look(run=look.run, observations=(fact,), hooks_offset=look.run.hooks_offset)


# ---- what is looked at


async def test_one_look_at_a_runtime_covers_all_its_runs() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run(ID)
        await rig.run(OTHER)
        runtime.looks.clear()

        await asyncio.sleep(TICK_S + 0.5)

    assert sorted(runtime.looks[0]) == [ID, OTHER]
    assert len(runtime.looks) == 1


async def test_an_ended_session_is_never_looked_at() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)
        runtime.looks.clear()

        rig.service.nudge(ID)
        await asyncio.sleep(10 * TICK_S)

    assert runtime.looks == []


async def test_a_session_that_waits_for_its_run_is_never_looked_at() -> None:
    rig, runtime = bench(Rig(max_running=1))
    async with running(rig):
        await rig.run(ID)
        await rig.spawn(OTHER)
        await rig.until(OTHER, State.SCHEDULED)

        rig.service.nudge(OTHER)
        await asyncio.sleep(4 * TICK_S)

    assert runtime.count(OTHER) == 0


# ---- a look that fails


async def test_a_look_that_comes_too_late_is_no_evidence_and_no_stuck_tick() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        runtime.takes_s = 1_000.0
        handle = rig.engine_part("lifecycle")._handle  # type: ignore[attr-defined]  # the lifecycle's own
        ticks = handle.ticks

        await asyncio.sleep(4 * TICK_S + PROBE_DEADLINE_S)

        assert handle.ticks >= ticks + 3
        assert rig.state() is State.RUNNING
        assert rig.record().liveness is Liveness.UNKNOWN
        assert rig.events(EventType.PROBE_FAILING)[0].error == "no answer in 4 s"


async def test_a_runtime_that_keeps_failing_is_two_events_however_long_it_takes() -> None:
    async with running() as rig:
        await rig.run()
        rig.world.outage = OSError("the socket is gone")
        await asyncio.sleep(8 * TICK_S)
        rig.world.outage = None
        await asyncio.sleep(4 * TICK_S)

        told = rig.events(EventType.PROBE_FAILING, EventType.PROBE_RECOVERED)

    assert [(event.type, event.source) for event in told] == [
        ("probe_failing", "process"),
        ("probe_recovered", "process"),
    ]
    assert told[0].error == "OSError: the socket is gone"


async def test_a_runtime_that_hangs_does_not_hold_up_another() -> None:
    rig, slow = bench()
    quick = BenchRuntime(rig, "tmux")
    rig.runtimes["tmux"] = quick
    async with running(rig):
        await rig.run(ID)
        await rig.run(OTHER, runtime="tmux")
        slow.takes_s = 1_000.0
        await asyncio.sleep(2 * TICK_S)

        rig.world.exit(OTHER, 3)
        ended = await rig.until(OTHER, State.FAILED)

    assert (ended.reason, ended.exit_code) == (Reason.EXIT_CODE, 3)
    assert quick.count(OTHER) > 1


async def test_a_blind_runtime_loses_contact_and_one_look_brings_it_back() -> None:
    async with running() as rig:
        await rig.run()
        rig.world.outage = OSError("the socket is gone")
        began = asyncio.get_running_loop().time()
        await rig.until(ID, State.LOST)
        assert asyncio.get_running_loop().time() - began >= CONTACT_LOST_S
        assert rig.record().reason is Reason.CONTACT_LOST

        rig.world.outage = None
        await rig.until(ID, State.RUNNING)

        assert rig.record().reason is Reason.RECOVERED


async def test_a_session_of_a_runtime_that_is_not_there_loses_contact() -> None:
    async with running() as rig:
        await rig.run()
        again = survivor(rig)
    again.runtimes = {}
    async with running(again):
        await again.until(ID, State.LOST)

        assert again.record().reason is Reason.CONTACT_LOST
        assert again.events(EventType.PROBE_FAILING)[0].source == "process"


async def test_what_a_runtime_makes_of_a_look_cannot_end_the_tick() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        runtime.seen = lambda look: 1 / 0  # type: ignore[return-value,assignment]  # a defect
        await asyncio.sleep(2 * TICK_S)
        runtime.seen = lambda look: look
        rig.world.exit(ID, 0)

        await rig.until(ID, State.COMPLETED)

    assert rig.events(EventType.PROBE_FAILING)[0].error == "ZeroDivisionError: division by zero"


async def test_a_look_at_a_session_that_nobody_knows_is_passed_over() -> None:
    rig, runtime = bench()
    stranger = Run(session=SessionId("zzzzzzzz"), generation=1, mark="m")
    async with running(rig):
        await rig.run()
        runtime.seen = lambda look: Look(run=stranger)
        await asyncio.sleep(2 * TICK_S)

        assert rig.events(EventType.PROBE_FAILING) == []
        assert rig.state() is State.RUNNING


async def test_a_late_look_at_an_earlier_generation_changes_nothing() -> None:
    rig, runtime = bench()
    rig.scripts[ID] = Script(exits_after_s=9.0, exit_code=5)
    async with running(rig):
        await rig.run()
        runtime.takes_s = 3.9
        await asyncio.sleep(2 * TICK_S)
        await rig.until(ID, State.FAILED)
        rig.scripts[ID] = Script()
        rig.service.nudge(ID)
        await rig.service.revive(Revive(session=ID))
        await asyncio.sleep(4 * TICK_S)

        assert (rig.state(), rig.record().generation) == (State.RUNNING, 2)


# ---- nudges


async def test_a_nudge_is_an_early_look() -> None:
    async with running(interval_s=3_600.0) as rig:
        await rig.spawn()
        await rig.until(ID, State.STARTING)
        await asyncio.sleep(1.0)
        began = asyncio.get_running_loop().time()

        rig.service.nudge(ID)
        await rig.until(ID, State.RUNNING)

    assert asyncio.get_running_loop().time() - began < 0.1


async def test_the_end_of_a_process_is_seen_at_once() -> None:
    async with running(interval_s=3_600.0) as rig:
        await rig.spawn()
        await rig.until(ID, State.STARTING)
        await asyncio.sleep(1.0)
        began = asyncio.get_running_loop().time()

        rig.world.exit(ID, 0)
        await rig.until(ID, State.COMPLETED)

    assert asyncio.get_running_loop().time() - began < 0.1


async def test_nobody_looks_at_a_session_without_a_run() -> None:
    rig, runtime = bench()
    async with running(rig):
        prober = rig.engine_part("prober")

        await prober.look_at(ID)  # type: ignore[attr-defined]  # the prober's own

    assert runtime.looks == []


async def test_many_nudges_at_once_are_one_look() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run(ID)
        await rig.run(OTHER)
        runtime.looks.clear()

        for _ in range(100):
            rig.service.nudge(ID)
            rig.service.nudge(OTHER)
        await asyncio.sleep(0.1)

    assert runtime.looks == [[ID, OTHER]]


async def test_whoever_nudges_without_end_costs_a_bounded_number_of_looks() -> None:
    rig, runtime = bench()
    runtime.takes_s = 0.5
    async with running(rig):
        await rig.run()
        runtime.looks.clear()

        for _ in range(2_000):
            rig.service.nudge(ID)
            await asyncio.sleep(0.001)

        assert len(runtime.looks) <= 6
        assert len(rig.engine_part("prober")._tasks) <= 1


async def test_a_nudge_soon_after_a_look_is_a_look_soon() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        await asyncio.sleep(1.0)
        runtime.looks.clear()
        rig.service.nudge(ID)
        await asyncio.sleep(NUDGED_LOOK_PAUSE_S_MIN / 2)

        rig.service.nudge(ID)
        await asyncio.sleep(NUDGED_LOOK_PAUSE_S_MIN)

        assert len(runtime.looks) == 2


async def test_whoever_nudges_without_end_is_looked_at_less_and_less_often() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        await asyncio.sleep(1.0)
        runtime.looks.clear()

        for _ in range(10_000):
            rig.service.nudge(ID)
            await asyncio.sleep(NUDGED_LOOK_PAUSE_S_MIN / 10)

        assert len(runtime.looks) <= 1.0 / NUDGED_LOOK_PAUSE_S_MAX + 10  # in that one second


async def test_a_nudge_that_comes_during_a_look_is_another_look() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        runtime.takes_s = 1.0
        runtime.looks.clear()
        rig.service.nudge(ID)
        await asyncio.sleep(0.5)

        rig.service.nudge(ID)
        await asyncio.sleep(2.0)

    assert len(runtime.looks) == 2


async def test_a_nudge_for_nobody_is_nothing() -> None:
    rig, runtime = bench()
    async with running(rig):
        rig.service.nudge(SessionId("zzzzzzzz"))
        await asyncio.sleep(1.0)

    rig.service.nudge(ID)

    assert runtime.looks == []


async def test_one_that_ends_between_nudge_and_look_is_not_looked_at() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        runtime.takes_s = 1.0
        rig.service.nudge(ID)
        await asyncio.sleep(0.2)
        rig.service.nudge(ID)
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)
        runtime.looks.clear()

        await asyncio.sleep(3.0)

    assert runtime.looks == []


# ---- what is reported


async def test_lines_of_hooks_count_once_however_often_they_are_looked_at() -> None:
    async with running() as rig:
        await rig.run()
        for line in (b'{"report":"working"}', b"not a report", b'{"report":"waiting"}', b"nor this"):
            rig.world.report(ID, line)

        for _ in range(5):
            rig.service.nudge(ID)
            await asyncio.sleep(1.0)

        changes = rig.events(EventType.ACTIVITY_CHANGED, session=ID)

    assert [event.to for event in changes] == ["working", "waiting"]


async def test_two_looks_at_once_hear_a_line_once() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        runtime.takes_s = 2.0
        rig.world.report(ID, b'{"report":"working"}')
        rig.world.report(ID, b'{"report":"blocked"}')
        await asyncio.sleep(TICK_S - 1.0)
        rig.service.nudge(ID)
        await asyncio.sleep(2 * TICK_S)

        changes = rig.events(EventType.ACTIVITY_CHANGED, session=ID)

    assert [event.to for event in changes] == ["working", "blocked"]


async def test_lines_that_mean_nothing_are_read_once() -> None:
    rig, _ = bench()
    async with running(rig):
        await rig.run()
        for _ in range(3):
            rig.world.report(ID, b"noise")
            rig.service.nudge(ID)
            await asyncio.sleep(0.1)

        run = run_of(rig.record(), rig.mailboxes._roster.evidence(ID))

        assert run.hooks_offset == 3 * len(b"noise\n")


async def test_a_report_that_could_not_be_recorded_is_read_again() -> None:
    async with running() as rig:
        await rig.run()
        store_full = rig.full_for(ID)
        rig.world.report(ID, b'{"report":"waiting"}')
        await asyncio.sleep(2 * TICK_S)
        assert rig.record().activity is Activity.UNKNOWN

        store_full.close()
        await rig.when(lambda: rig.record().activity is Activity.WAITING)


async def test_a_session_whose_agent_is_not_known_is_watched_and_its_lines_mean_nothing() -> None:
    async with running() as rig:
        await rig.run()
        again = survivor(rig)
    again.agents = {}
    async with running(again):
        again.world.report(ID, b'{"report":"waiting"}')
        await asyncio.sleep(2 * TICK_S)
        assert again.record().activity is Activity.UNKNOWN

        again.world.exit(ID, 0)
        await again.until(ID, State.COMPLETED)


# ---- samples


@pytest.mark.parametrize("dead_ones", [2, 3])
async def test_most_of_a_runtime_turning_dead_at_once_is_set_aside_and_said_once(dead_ones: int) -> None:
    names = [chr(97 + number) * 8 for number in range(5)]
    rig, runtime = bench()
    async with running(rig):
        for name in names:
            await rig.run(name)
        runtime.seen = lambda look: dead(look) if look.run.session in names[:dead_ones] else look

        await asyncio.sleep(8 * TICK_S)

        tripped = rig.events(EventType.BREAKER_TRIPPED)
        alive = len(rig.world.running())

    assert (len(tripped), alive) == ((0, 3) if dead_ones == 2 else (1, 5))


async def test_a_breaker_that_has_closed_can_trip_again() -> None:
    names = [chr(97 + number) * 8 for number in range(5)]
    rig, runtime = bench()
    async with running(rig):
        for name in names:
            await rig.run(name)
        for _ in range(2):
            runtime.seen = dead
            await asyncio.sleep(2 * TICK_S)
            runtime.seen = lambda look: look
            await asyncio.sleep(2 * TICK_S)

        tripped = rig.events(EventType.BREAKER_TRIPPED)

    assert len(tripped) == 2
    assert len(rig.world.running()) == 5


async def test_three_dead_looks_of_one_who_saw_it_alive_order_a_sweep() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        await asyncio.sleep(TICK_S)
        runtime.seen = dead
        began = asyncio.get_running_loop().time()

        ended = await rig.until(ID, State.FAILED)

    assert ended.reason in (Reason.SIGNAL, Reason.EXIT_UNKNOWN)
    assert 2 * TICK_S <= asyncio.get_running_loop().time() - began <= 4 * TICK_S


async def test_a_stop_during_a_look_is_not_overwritten_by_what_the_look_saw() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        runtime.takes_s = 2.0
        rig.service.nudge(ID)
        await asyncio.sleep(1.0)

        await rig.service.stop(Stop(session=ID))
        await rig.until(ID, State.CANCELLED)
        await asyncio.sleep(4 * TICK_S)

        ends = [event for event in rig.events(EventType.STATE_CHANGED, session=ID) if event.to == "cancelled"]

    assert len(ends) == 1
    assert rig.state() is State.CANCELLED


async def test_a_runtime_is_told_to_let_go_of_a_run_that_is_over() -> None:
    rig, runtime = bench()
    forgotten: list[Run] = []
    runtime.forget = forgotten.append  # type: ignore[method-assign,assignment]  # to see it called
    async with running(rig):
        await rig.run()
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)

    assert [(run.session, run.generation) for run in forgotten] == [(ID, 1)]


# ---- who is told of looks


async def test_who_asks_is_told_of_each_look_and_only_of_those_that_could_see() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        told: list[SessionId] = []
        rig.engine_part("prober").on_look(told.extend)  # type: ignore[attr-defined]  # it is one
        rig.service.nudge(ID)
        await rig.when(lambda: told)
        runtime.takes_s = 2 * PROBE_DEADLINE_S
        told.clear()

        await asyncio.sleep(3 * PROBE_DEADLINE_S)

    assert told == []


async def test_a_look_whose_witnesses_cannot_be_heard_has_not_seen_what_matters() -> None:
    rig, _ = bench()
    async with running(rig):
        await rig.run()
        told: list[SessionId] = []
        prober = rig.engine_part("prober")
        prober.on_look(told.extend)  # type: ignore[attr-defined]  # it is one
        prober._witnesses = None  # type: ignore[attr-defined]  # a defect

        await rig.when(lambda: rig.said("could not be heard"))
        await asyncio.sleep(3 * TICK_S)

    assert told == []
