"""What a scripted world can do beyond the contract: fail, lie low, lose power, and outlive its daemons."""

import asyncio

import pytest
from msgspec.structs import replace

from orchestrd.model.errors import TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Cause, Exited, Sighted, Started, Vanished
from orchestrd.model.run import Look, Order, Run
from orchestrd.model.words import Liveness, Receipt
from orchestrd.testing.clocks import LoopClock
from orchestrd.testing.runtime import ScriptedRuntime
from orchestrd.testing.world import Script, World
from tests.simloop import SimLoop

ONE = SessionId("onesssss")
ORDER = Order(
    run=Run(session=ONE, generation=1, mark="m"),
    argv=("x",),
    directory="/",
    environment=(),
    secrets_path="",
    log_path="",
)


def world_of(script: Script) -> tuple[World, ScriptedRuntime]:
    world = World(LoopClock(), lambda _: script)
    return world, ScriptedRuntime(world)


async def look(runtime: ScriptedRuntime, *, is_started: bool = False) -> Look:
    (found,) = await runtime.probe([replace(ORDER.run, is_started=is_started)])
    return found


async def test_a_launch_can_be_refused_for_good() -> None:
    world, runtime = world_of(Script(launch_error="no more processes"))

    with pytest.raises(TransientError, match="no more processes"):
        await runtime.launch(ORDER)

    assert (world.running(), world.launches) == ([], 0)


async def test_a_run_can_hang_before_it_starts() -> None:
    _, runtime = world_of(Script(starts_after_s=None))
    await runtime.launch(ORDER)

    await asyncio.sleep(1_000)

    assert [type(fact) for fact in (await look(runtime)).observations] == [Sighted]


async def test_a_run_can_vanish_without_a_record() -> None:
    _, runtime = world_of(Script(exits_after_s=1.0, is_recorded=False))
    await runtime.launch(ORDER)

    await asyncio.sleep(2)
    sweep = await runtime.kill(ORDER.run)

    gone = Vanished(generation=1, observer="scripted", cause=Cause.PROCESS_GONE)
    assert (await look(runtime, is_started=True)).observations == (gone,)
    assert (sweep.survivors, sweep.exit) == ((), None)


async def test_a_kill_can_fail_as_often_as_written() -> None:
    world, runtime = world_of(Script(kills_survived=2))
    await runtime.launch(ORDER)

    sweeps = [await runtime.kill(ORDER.run) for _ in range(3)]

    assert [len(sweep.survivors) for sweep in sweeps] == [1, 1, 0]
    assert world.running() == []


async def test_a_look_can_fail_come_late_or_see_nothing_of_one() -> None:
    world, runtime = world_of(Script())
    await runtime.launch(ORDER)

    world.outage = OSError("no answer")
    with pytest.raises(OSError, match="no answer"):
        await look(runtime)
    world.outage, world.latency_s = None, 9.0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(4):
            await look(runtime)
    world.latency_s = 0.0
    world.unseen.add(ONE)
    (blind,) = (await look(runtime)).observations

    assert isinstance(blind, Sighted)
    assert blind.verdict is Liveness.UNKNOWN


async def test_an_end_and_a_report_can_be_made_to_happen_and_nudge() -> None:
    world, runtime = world_of(Script())
    nudged: list[SessionId] = []
    runtime.on_change(nudged.append)
    await runtime.launch(ORDER)

    world.report(ONE, b'{"report":"waiting"}')
    said = (await look(runtime)).hook_lines
    world.exit(ONE, code=None, signal_name="SIGKILL")
    await asyncio.sleep(0)
    (_, end) = (await look(runtime)).observations

    assert said == (b'{"report":"waiting"}',)
    assert nudged == [ONE]
    assert isinstance(end, Exited)
    assert end.exit_signal == "SIGKILL"


async def test_forgetting_a_run_takes_its_alarm_back() -> None:
    _, runtime = world_of(Script(exits_after_s=5.0))
    nudged: list[SessionId] = []
    runtime.on_change(nudged.append)
    await runtime.launch(ORDER)

    runtime.forget(ORDER.run)
    runtime.forget(ORDER.run)
    await asyncio.sleep(10)

    assert nudged == []


async def test_the_next_daemon_is_told_of_ends_as_well() -> None:
    world, first = world_of(Script(exits_after_s=5.0))
    first.on_change(lambda _: None)
    await first.launch(ORDER)
    await first.close()
    nudged: list[SessionId] = []

    second = ScriptedRuntime(world)
    second.on_change(nudged.append)
    await asyncio.sleep(10)

    assert nudged == [ONE]
    await second.close()


async def test_what_is_refused_is_not_typed() -> None:
    world, runtime = world_of(Script(receipt=Receipt.REFUSED))
    await runtime.launch(ORDER)

    await runtime.deliver(ORDER.run, "hello")

    assert world.newest(ONE).typed == []


async def test_a_power_cut_ends_what_lived_and_keeps_what_was_recorded() -> None:
    clock = LoopClock()
    scripts = {"short": Script(exits_after_s=1.0, exit_code=3), "long": Script(reports=((1.0, b"a"), (9.0, b"b")))}
    world = World(clock, lambda order: scripts[order.argv[0]])
    runtime = ScriptedRuntime(world)
    runs = {}
    for name, session in (("short", ONE), ("long", SessionId("twooooooo"))):
        order = replace(ORDER, run=replace(ORDER.run, session=session), argv=(name,))
        await runtime.launch(order)
        runs[name] = order.run
    await asyncio.sleep(2)

    world.power_off()
    clock.reboot("boot-2")
    short, long = await runtime.probe(list(runs.values()))

    assert [type(fact) for fact in short.observations] == [Started, Exited]
    assert long.observations[-1] == Vanished(generation=1, observer="scripted", cause=Cause.OTHER_BOOT)
    assert isinstance(long.observations[0], Started)
    assert long.hook_lines == (b"a",)
    assert world.running() == []


def test_a_world_outlives_its_loop() -> None:
    world = World(LoopClock(), lambda _: Script(exits_after_s=10.0, exit_code=7))

    async def first() -> None:
        await ScriptedRuntime(world).launch(ORDER)
        await asyncio.sleep(4)
        world.clock = LoopClock(world.clock.now())

    async def second() -> Look:
        await asyncio.sleep(6)
        return await look(ScriptedRuntime(world))

    with asyncio.Runner(loop_factory=SimLoop) as runner:
        runner.run(first())
    with asyncio.Runner(loop_factory=SimLoop) as runner:
        found = runner.run(second())

    assert [fact.exit_code for fact in found.observations if isinstance(fact, Exited)] == [7]


def test_what_was_never_launched_has_no_newest_run() -> None:
    with pytest.raises(KeyError):
        World(LoopClock()).newest(ONE)
