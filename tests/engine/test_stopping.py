"""A graceful stop: what waits is finished, nothing is begun, the agents run on."""

import asyncio

from orchestrd.model.event import EventType
from tests.engine.rig import running


async def test_an_idle_engine_stops_at_once() -> None:
    async with running() as rig:
        await rig.run()
        began = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - began < 0.1
    assert rig.errors == []


async def test_a_stop_leaves_agents_running_and_says_so_last() -> None:
    async with running() as rig:
        await rig.run()

    assert len(rig.world.running()) == 1
    assert rig.events()[-1].type is EventType.DAEMON_STOPPED
    assert rig.store.calls[-1] == "close"
