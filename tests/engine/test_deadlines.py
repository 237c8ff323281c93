import asyncio

import pytest

from orchestrd.model.command import Stop
from orchestrd.model.event import EventType
from orchestrd.model.limits import CONTACT_LOST_S, START_DEADLINE_S
from orchestrd.model.words import Liveness, Reason, State
from orchestrd.testing.world import Script
from tests.engine.rig import ID, OTHER, Rig, running, survivor

STUBBORN = Script(heeds_term_after_s=None)
NEVER_STARTS = Script(starts_after_s=None)


async def test_a_deadline_is_kept_between_two_ticks() -> None:
    async with running(interval_s=3_600.0) as rig:
        rig.scripts[ID] = STUBBORN
        await rig.spawn()
        await rig.until(ID, State.STARTING)
        rig.service.nudge(ID)
        await rig.until(ID, State.RUNNING)
        began = asyncio.get_running_loop().time()

        await rig.service.stop(Stop(session=ID, grace_s=7.0))
        await rig.until(ID, State.CANCELLED)

    assert asyncio.get_running_loop().time() - began == pytest.approx(7.0, abs=0.1)


async def test_a_jump_of_the_wall_clock_neither_shortens_nor_stretches_a_deadline() -> None:
    for jump_s in (86_400.0, -86_400.0):
        async with running() as rig:
            rig.scripts[ID] = STUBBORN
            await rig.run()
            began = asyncio.get_running_loop().time()

            await rig.service.stop(Stop(session=ID, grace_s=20.0))
            rig.clock.jump(jump_s)
            await rig.until(ID, State.CANCELLED)

        assert asyncio.get_running_loop().time() - began == pytest.approx(20.0, abs=0.1)


async def test_the_grace_goes_on_while_no_daemon_is_there() -> None:
    async with running() as rig:
        await rig.run(script=STUBBORN)
        await rig.service.stop(Stop(session=ID, grace_s=20.0))
        again = survivor(rig)
    await asyncio.sleep(60.0)
    began = asyncio.get_running_loop().time()
    async with running(again):
        await again.until(ID, State.CANCELLED)

    assert asyncio.get_running_loop().time() - began < 1.0


async def test_a_start_that_nobody_could_watch_was_not_late() -> None:
    async with running() as rig:
        rig.scripts[ID] = Script(starts_after_s=100.0)
        await rig.spawn()
        await rig.until(ID, State.STARTING)
        again = survivor(rig)
    await asyncio.sleep(90.0)
    async with running(again):
        await again.until(ID, State.RUNNING)

    assert len(rig.world.running()) == 1


async def test_a_start_that_nobody_could_watch_is_not_late_either_where_the_next_daemon_takes_long_to_start() -> None:
    async with running() as rig:
        rig.scripts[ID] = Script(starts_after_s=100.0)
        await rig.spawn()
        await rig.until(ID, State.STARTING)
        again = survivor(rig)
    await asyncio.sleep(90.0)
    for number in range(20):
        again.spool_spawn(OTHER, at_ns=number)
    async with running(again):
        await again.until(ID, State.RUNNING)

    assert len(again.world.running()) == 2


async def test_a_start_that_never_comes_ends_at_its_deadline() -> None:
    async with running() as rig:
        rig.scripts[ID] = NEVER_STARTS
        await rig.spawn()
        began = asyncio.get_running_loop().time()

        ended = await rig.until(ID, State.FAILED)

    assert ended.reason is Reason.START_TIMEOUT
    assert asyncio.get_running_loop().time() - began == pytest.approx(START_DEADLINE_S, abs=0.1)


async def test_a_start_that_nobody_was_told_of_is_looked_for_before_it_counts_as_missing() -> None:
    async with running(interval_s=3_600.0) as rig:
        await rig.spawn()

        await rig.until(ID, State.RUNNING)
        await asyncio.sleep(600.0)

        assert rig.state() is State.RUNNING


async def test_contact_is_looked_for_before_it_counts_as_lost() -> None:
    async with running(interval_s=3_600.0) as rig:
        await rig.run()
        rig.world.outage = OSError("blind")
        rig.service.nudge(ID)
        await rig.when(lambda: rig.record().liveness is Liveness.UNKNOWN)
        rig.world.outage = None

        await asyncio.sleep(2 * CONTACT_LOST_S)

        assert rig.state() is State.RUNNING
        assert [event.to for event in rig.events(EventType.STATE_CHANGED, session=ID)][-1] == "running"


async def test_a_deadline_that_cannot_be_acted_on_is_acted_on_by_a_later_tick() -> None:
    async with running() as rig:
        await rig.run(script=STUBBORN)
        await rig.service.stop(Stop(session=ID, grace_s=2.0))
        full = rig.full_for(ID)
        await asyncio.sleep(30.0)
        assert rig.state() is State.STOPPING

        full.close()

        await rig.until(ID, State.CANCELLED)


async def test_a_machine_that_slept_looks_at_its_deadlines_at_the_next_tick() -> None:
    async with running() as rig:
        await rig.run(script=STUBBORN)
        await rig.service.stop(Stop(session=ID, grace_s=600.0))
        began = asyncio.get_running_loop().time()

        rig.clock.sleep(3_600.0)
        await rig.until(ID, State.CANCELLED)

    assert asyncio.get_running_loop().time() - began < 2 * rig.settings.interval_s


async def test_the_deadline_of_a_session_that_is_gone_wakes_nobody() -> None:
    async with running() as rig:
        await rig.run(ID, script=STUBBORN)
        await rig.run(OTHER, script=STUBBORN)
        await rig.service.stop(Stop(session=ID, grace_s=8.0))
        await rig.service.stop(Stop(session=OTHER, grace_s=8.0))
        rig.service._roster.remove(ID)
        await asyncio.sleep(2.0)
        rig.service._roster.remove(OTHER)

        await asyncio.sleep(30.0)

    assert rig.errors == []


async def test_no_deadline_goes_off_in_a_stopped_daemon() -> None:
    async with running() as rig:
        await rig.run(script=STUBBORN)
        await rig.service.stop(Stop(session=ID, grace_s=2.0))
    calls = len(rig.store.calls)

    await asyncio.sleep(60.0)

    assert len(rig.store.calls) == calls
    assert rig.errors == []


async def test_two_deadlines_of_one_session_are_both_kept() -> None:
    async with running() as rig:
        rig.scripts[ID] = Script(heeds_term_after_s=None, kills_survived=1)
        await rig.run()
        await rig.service.stop(Stop(session=ID, grace_s=1.0))

        ended = await rig.until(ID, State.CANCELLED)

    assert ended.reason is Reason.STOPPED
    assert Rig is not None
