import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrd.model.command import Kill, Stop
from orchestrd.model.errors import OrchestrdError, TransientError
from orchestrd.model.event import EventType
from orchestrd.model.session import Home, Session
from orchestrd.model.words import OCCUPYING, State
from orchestrd.testing.world import Script
from tests.engine.rig import Rig, running
from tests.sim.lagging import LaggingLoop

FULL = TransientError("the disk is full")


def names(count: int) -> list[str]:
    return [chr(97 + number) * 8 for number in range(count)]


def started(rig: Rig) -> list[str]:
    return [str(event.session) for event in rig.events(EventType.STATE_CHANGED) if event.to == State.STARTING]


async def test_no_more_run_than_the_limit_and_the_others_wait_in_the_open() -> None:
    async with running(max_running=2) as rig:
        for name in names(4):
            await rig.spawn(name)
        await asyncio.sleep(30.0)

        states = [rig.state(name) for name in names(4)]

    assert states == [State.RUNNING, State.RUNNING, State.SCHEDULED, State.SCHEDULED]


async def test_they_start_in_the_order_in_which_they_came() -> None:
    async with running(max_running=1) as rig:
        for name in names(4):
            rig.scripts[name] = Script(exits_after_s=10.0)  # type: ignore[index]  # names are ids
            await rig.spawn(name)
        await rig.until(names(4)[-1], State.COMPLETED)

        assert started(rig) == names(4)


async def test_a_place_is_filled_as_soon_as_it_is_free() -> None:
    async with running(max_running=1) as rig:
        first, second = names(2)
        await rig.run(first)
        await rig.spawn(second)
        await rig.until(second, State.SCHEDULED)

        await rig.service.stop(Kill(session=rig.record(first).id))
        await rig.until(first, State.CANCELLED)
        await asyncio.sleep(0.1)

        assert rig.state(second) is State.STARTING


async def test_one_that_is_cancelled_while_it_waits_gives_its_turn_to_the_next() -> None:
    async with running(max_running=1) as rig:
        first, second, third = names(3)
        await rig.run(first)
        for name in (second, third):
            await rig.spawn(name)
            await rig.until(name, State.SCHEDULED)
        await rig.service.stop(Stop(session=rig.record(second).id))

        await rig.service.stop(Stop(session=rig.record(first).id))
        await rig.until(third, State.RUNNING)

        assert second not in started(rig)


async def test_a_lane_that_was_stopped_starts_nothing() -> None:
    async with running() as rig:
        await rig.run()
    began = len(started(rig))

    rig.engine_part("lane default").wake()  # type: ignore[attr-defined]  # the lane's own
    await asyncio.sleep(1.0)

    assert (len(started(rig)), rig.errors) == (began, [])


@pytest.mark.parametrize("state", [State.PENDING, State.SCHEDULED])
async def test_one_whose_commit_fails_is_tried_again(state: State) -> None:
    async with running() as rig:
        failing = True
        rig.store.rejects = lambda record: (
            FULL if failing and isinstance(record, Session) and record.state not in (State.PENDING, state) else None
        )
        await rig.spawn()
        await asyncio.sleep(12.0)
        assert rig.state() is state

        failing = False
        await rig.until(rig.record().id, State.RUNNING)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), limit=st.integers(1, 4), count=st.integers(1, 8), failing=st.sampled_from([0, 0.2]))
def test_never_over_the_limit_in_order_and_no_place_stays_empty(
    seed: int, limit: int, count: int, failing: float
) -> None:
    chance = random.Random(seed)
    most = 0

    def watch(rig: Rig, record: Session | Home) -> OrchestrdError | None:
        nonlocal most
        known = rig.store._records.known.values()
        most = max(most, sum(one.session.state in OCCUPYING for one in known))
        return FULL if isinstance(record, Session) and chance.random() < failing else None

    async def live() -> list[str]:
        rig = Rig(max_running=limit)
        rig.look_s = 1.0
        async with running(rig):
            for name in names(count):
                rig.scripts[name] = Script(exits_after_s=chance.uniform(0, 30))  # type: ignore[index]  # as above
                await rig.spawn(name)
                await asyncio.sleep(chance.choice((0.0, 1.0)))
            rig.store.rejects = lambda record: watch(rig, record)
            for name in names(count):
                await rig.until(name, State.COMPLETED)
            return started(rig)

    with asyncio.Runner(loop_factory=lambda: LaggingLoop(lambda: 0.001)) as runner:
        order = runner.run(live())

    assert most <= limit
    if not failing:
        assert order == names(count)


async def test_while_a_session_waits_no_place_is_empty() -> None:
    async with running(max_running=3) as rig:
        for name in names(9):
            rig.scripts[name] = Script(exits_after_s=7.0)  # type: ignore[index]  # as above
            await rig.spawn(name)
        await asyncio.sleep(1.0)
        for _ in range(300):
            await asyncio.sleep(0.1)
            states = [rig.state(name) for name in names(9)]
            taken = sum(state in OCCUPYING for state in states)
            just_freed = await _settles(rig)
            assert taken == 3 or State.SCHEDULED not in states or just_freed


async def _settles(rig: Rig) -> bool:
    """Give the lane the time of two commits, and tell whether it has used it."""
    await asyncio.sleep(0.02)
    states = [rig.state(name) for name in names(9)]
    return State.SCHEDULED not in states or sum(state in OCCUPYING for state in states) == 3
