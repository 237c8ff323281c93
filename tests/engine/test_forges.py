"""The forges in use: what was begun with one ends with it, and nobody waits for its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from orchestrd.engine.forges import Forges
from orchestrd.model.limits import FORGE_END_S
from orchestrd.ports import Forge
from orchestrd.testing.forge import ScriptedForge


class Closing(ScriptedForge):
    """A forge whose end takes its time, or fails."""

    def __init__(self, takes_s: float = 0.0, error: Exception | None = None) -> None:
        super().__init__()
        self.end_takes_s = takes_s
        self.error = error

    async def close(self) -> None:
        await asyncio.sleep(self.end_takes_s)
        await super().close()
        if self.error is not None:
            raise self.error


class Bench:
    """Forges with a hand on them."""

    def __init__(self, forge: ScriptedForge) -> None:
        self.errors: list[str] = []
        self.forges = Forges(of(forge), lambda what, error: self.errors.append(f"{what}: {error!r}"))


def of(*forges: ScriptedForge) -> dict[str, Forge]:
    return cast("dict[str, Any]", {forge.name: forge for forge in forges})


@asynccontextmanager
async def in_use(forge: ScriptedForge) -> AsyncIterator[Bench]:
    bench = Bench(forge)
    await bench.forges.start()
    try:
        yield bench
    finally:
        await bench.forges.stop()


async def test_one_that_is_replaced_is_closed_once_nobody_uses_it_any_more() -> None:
    old, new = ScriptedForge(), ScriptedForge()

    async with in_use(old) as bench:
        with bench.forges.lent(cast("Forge", old)), bench.forges.lent(cast("Forge", old)):
            bench.forges.take(of(new))
            await asyncio.sleep(100)
            meanwhile = (old.is_closed, bench.forges.current)
        await asyncio.sleep(0)
        after = (old.is_closed, new.is_closed)

    assert meanwhile == (False, of(new))
    assert after == (True, False)
    assert new.is_closed


async def test_nobody_waits_for_the_end_of_one() -> None:
    old = Closing(takes_s=1.0)

    async with in_use(old) as bench:
        bench.forges.take(of(ScriptedForge()))
        at_once = asyncio.get_running_loop().time()

    assert at_once == 0.0
    assert old.is_closed


async def test_one_that_hangs_or_fails_at_its_end_keeps_no_daemon_from_stopping() -> None:
    hanging, failing = Closing(takes_s=1_000.0), Closing(error=ValueError("no"))

    async with in_use(hanging) as bench:
        bench.forges.take(of(failing))
        await asyncio.sleep(2 * FORGE_END_S)
        bench.forges.take({})

    assert bench.errors == [
        "the forge scripted did not close cleanly: TimeoutError()",
        "the forge scripted did not close cleanly: ValueError('no')",
    ]


async def test_those_that_stay_are_not_closed() -> None:
    kept = ScriptedForge()

    async with in_use(kept) as bench:
        bench.forges.take(of(kept))
        await asyncio.sleep(1)
        is_closed = kept.is_closed

    assert not is_closed
