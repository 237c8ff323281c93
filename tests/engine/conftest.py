"""Engine tests live in virtual time too, and there every blocking call takes a while, as on a thread and a disk."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.sim.lagging import LaggingLoop

LAG_S = 0.001


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Virtual time with lags; the real one where real descriptors are read."""
    if "integration" in item.path.parts:
        return {"real": asyncio.new_event_loop}
    return {"lagging": lambda: LaggingLoop(lambda: LAG_S)}
