import asyncio
import gc
import weakref

import pytest

from orchestrd.engine.lifecycle import LifecycleHandle
from orchestrd.model.errors import TransientError
from orchestrd.model.limits import TICK_SIGN_S
from orchestrd.model.words import State
from tests.engine.rig import ID, Rig, running

INTERVAL_S = 5.0


def manager_of(rig: Rig):  # type: ignore[no-untyped-def]  # whatever the lifecycle has
    return rig.engine_part("lifecycle")._manager  # type: ignore[attr-defined]  # the lifecycle's own


async def test_ticks_come_at_their_interval() -> None:
    async with running() as rig:
        await asyncio.sleep(10 * INTERVAL_S + 0.5)

        assert manager_of(rig).ticks == 11


async def test_the_interval_is_the_users_to_choose() -> None:
    async with running(interval_s=0.25) as rig:
        await asyncio.sleep(10.0)

        assert manager_of(rig).ticks == pytest.approx(40, abs=1)
        assert rig.service.facts().interval_s == 0.25


async def test_dropping_the_handle_stops_nothing() -> None:
    rig = Rig()
    engine = rig.build()
    for part in engine.registry._actors[:-1]:
        await part.start()
    manager = manager_of(rig)
    handle = manager.start()
    dropped = weakref.ref(handle)

    del handle
    gc.collect()
    await asyncio.sleep(3 * INTERVAL_S + 0.5)

    assert dropped() is None
    assert manager.ticks == 4


async def test_once_a_stop_is_awaited_no_tick_starts_any_more() -> None:
    async with running() as rig:
        handle = LifecycleHandle(manager_of(rig))
        await asyncio.sleep(INTERVAL_S)

        await handle.stop()
        ticks = handle.ticks
        await asyncio.sleep(10 * INTERVAL_S)

        assert handle.ticks == ticks


async def test_stopping_twice_is_harmless_one_after_the_other_and_at_once() -> None:
    async with running() as rig:
        handle = LifecycleHandle(manager_of(rig))
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(handle.stop())

        await handle.stop()
        await asyncio.sleep(INTERVAL_S)

        assert handle.ticks <= 1


async def test_a_stop_waits_for_the_tick_that_runs() -> None:
    async with running() as rig:
        await rig.run()
        rig.world.latency_s = 2.0
        await asyncio.sleep(INTERVAL_S)
        manager, began = manager_of(rig), asyncio.get_running_loop().time()
        ticks = manager.ticks

        await LifecycleHandle(manager).stop()

        assert manager.ticks == ticks + 1
        assert asyncio.get_running_loop().time() - began > 1.0


async def test_ticks_never_overlap_and_missed_ones_collapse_into_one() -> None:
    async with running(interval_s=1.0) as rig:
        await rig.run()
        manager = manager_of(rig)
        rig.world.latency_s = 3.5
        before = manager.ticks
        await asyncio.sleep(35.0)
        slow = manager.ticks - before
        rig.world.latency_s = 0.0
        await asyncio.sleep(4.0)
        before = manager.ticks

        await asyncio.sleep(10.0)

    assert slow == pytest.approx(10, abs=1)
    assert manager.ticks - before == pytest.approx(10, abs=1)


async def test_a_listing_error_is_logged_and_the_loop_goes_on() -> None:
    async with running() as rig:
        rig.store.raises = {"scan": TransientError("cannot list sessions/: permission denied")}
        await asyncio.sleep(3 * INTERVAL_S)
        assert rig.said("cannot list sessions/")
        await rig.run(ID)

        rig.store.raises = {}
        rig.world.exit(ID, 0)
        await rig.until(ID, State.COMPLETED)


@pytest.mark.parametrize("part", ["_intake", "_deadlines", "_lane", "_prober", "_upkeep", "_ledger"])
async def test_a_part_of_a_tick_with_a_defect_costs_the_others_nothing(part: str) -> None:
    async with running() as rig:
        manager = manager_of(rig)
        setattr(manager, part, Broken(getattr(manager, part)))
        ticks = manager.ticks

        await asyncio.sleep(4 * INTERVAL_S)

        assert manager.ticks >= ticks + 3
        assert rig.said("a defect")


async def test_a_session_that_another_process_put_there_is_seen_at_the_next_tick() -> None:
    async with running() as rig:
        await rig.run(ID)
        stranger = rig.record(ID)
        rig.edit_as("cccccccc", stranger)

        await asyncio.sleep(INTERVAL_S + 0.5)

        assert rig.state("cccccccc") is not None


class Broken:
    """A part in which everything that a tick asks for fails."""

    def __init__(self, part: object) -> None:
        self._part = part

    def __getattr__(self, name: str) -> object:
        if name not in ("scan", "drain", "check_all", "wake", "probe_all", "trim_logs", "archive", "try_again"):
            return getattr(self._part, name)

        def fail() -> None:
            raise ZeroDivisionError("a defect")

        return fail


async def test_a_tick_that_works_gives_a_sign_before_the_next_one_is_due_however_rare_ticks_are() -> None:
    async with running(interval_s=600.0) as rig:
        loop, manager = asyncio.get_running_loop(), manager_of(rig)

        for _ in range(50):
            await asyncio.sleep(37.0)

            assert manager.sign_due_s >= loop.time()


async def test_a_tick_that_hangs_gives_no_sign_any_more() -> None:
    async with running() as rig:
        await asyncio.sleep(INTERVAL_S)
        rig.hang_the_ledger()

        await asyncio.sleep(INTERVAL_S + TICK_SIGN_S + 1)

        assert manager_of(rig).sign_due_s < asyncio.get_running_loop().time()
