"""The loop that the other tests trust."""

import asyncio
import sys
import time

import pytest

from tests.simloop import Deadlock, SimLoop


async def test_a_wait_moves_the_clock_and_costs_nothing() -> None:
    began = time.monotonic()

    async with asyncio.TaskGroup() as group:
        naps = [group.create_task(asyncio.sleep(hours * 3600, hours)) for hours in (3, 1, 2)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await asyncio.Event().wait()

    assert [nap.result() for nap in naps] == [3, 1, 2]
    assert asyncio.get_running_loop().time() == 3 * 3600 + 60
    assert time.monotonic() - began < 10


async def test_real_input_and_output_fail_at_the_call() -> None:
    with pytest.raises(NotImplementedError):
        await asyncio.create_subprocess_exec(sys.executable, "-V")
    with pytest.raises(NotImplementedError):
        await asyncio.open_connection("127.0.0.1", 9)
    with pytest.raises(NotImplementedError):
        asyncio.get_running_loop().add_reader(0, print)


def test_a_hang_is_a_deadlock_that_names_who_waits() -> None:
    async def hang() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait(), name="the one that hangs")

    with asyncio.Runner(loop_factory=SimLoop) as runner, pytest.raises(Deadlock, match="the one that hangs"):
        runner.run(hang())
