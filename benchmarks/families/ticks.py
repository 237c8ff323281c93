"""A tick in which nothing happens, beside the least that a tick could do: list and stat as many files.

Ticks are let run one after the other, and timed where each begins, in the scan of the records: from there to the next
one is a whole tick, with all it has set going. The bare look is taken between two ticks, in the same thread.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping

from benchmarks.bare import stat_all
from benchmarks.daemons import daemon
from benchmarks.homes import temporary_home
from benchmarks.measuring import MILLISECONDS, Effort, figures
from benchmarks.rows import Row, at_most
from benchmarks.scripted import engine_over, living, populated, scripted
from orchestrd.clock import SystemClock
from orchestrd.config import effective, packaged, reactions_of
from orchestrd.core.layout import Layout
from orchestrd.model.reaction import Reaction
from orchestrd.ports import Runtime, Scan
from orchestrd.runtimes.process import ProcessRuntime
from orchestrd.store.files import FileStore

FAMILY = "ticks"
BARE = "scandir + stat"
SIZES = (10, 100, 500, 1_000, 5_000)
SIZES_QUICK = (10, 100, 1_000)
TARGETS_MS = {100: 3.0, 500: 12.0}
REACTING, REACTIONS_COST_MS = 1_000, 2.0
BACK_TO_BACK_S = 0.0
WARM_UP = 3
SERIES_S = 6.0
LOOK_S = 0.02


class StopwatchStore(FileStore):
    """A store that notes when it is asked to scan, and takes the bare look beside it."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self._directory = layout.sessions
        self._begun: float | None = None
        self.ticks_ms: list[float] = []
        self.bare_ms: list[float] = []

    def scan(self) -> Scan:
        """Note the end of one tick and the beginning of the next; between them lies the bare look."""
        ended = time.perf_counter()
        if self._begun is not None:
            self.ticks_ms.append((ended - self._begun) * MILLISECONDS)
        begun = time.perf_counter()
        stat_all(self._directory)
        self._begun = time.perf_counter()
        self.bare_ms.append((self._begun - begun) * MILLISECONDS)
        return super().scan()


def measure(effort: Effort) -> Iterator[Row]:
    """Measure scripted sessions in growing numbers, then real processes."""
    rounds = effort.of(40, 10)
    for size in SIZES_QUICK if effort.is_quick else SIZES:
        with temporary_home() as layout:
            world, _ = populated(layout, size)
            store = asyncio.run(_ticking(layout, scripted(world), rounds))
        yield _row(f"tick, {size:,} scripted sessions", size, store)
    yield _with_reactions(rounds)
    size = effort.of(100, 20)
    with daemon() as place:
        place.begin(size)
        place.stop()
        runtimes = {"process": ProcessRuntime(place.layout, SystemClock())}
        store = asyncio.run(_ticking(place.layout, runtimes, rounds))
    yield _row(f"tick, {size} real processes", size, store)


def _with_reactions(rounds: int) -> Row:
    """Measure the same sessions with the reactions of the package, and without any: what idle ones cost a tick."""
    ours = reactions_of(effective([packaged()], {}).configuration)
    ticks_ms: list[list[float]] = []
    for reactions in (ours, ()):
        with temporary_home() as layout:
            world, _ = populated(layout, REACTING)
            ticks_ms.append(asyncio.run(_ticking(layout, scripted(world), rounds, reactions)).ticks_ms[WARM_UP:])
    with_them, without = map(figures, ticks_ms)
    return Row(
        family=FAMILY,
        what=f"tick, {REACTING:,} scripted sessions, {len(ours)} reactions",
        unit="ms",
        ours=with_them,
        peer_name="without a reaction",
        peer=without,
        target=(at_most(REACTIONS_COST_MS, "surplus"),),
        reason="a session is judged again only when something of it has changed, or its time has come",
    )


async def _ticking(
    layout: Layout, runtimes: Mapping[str, Runtime], rounds: int, reactions: tuple[Reaction, ...] = ()
) -> StopwatchStore:
    store = StopwatchStore(layout)
    deadline = time.monotonic() + SERIES_S
    engine = engine_over(layout, runtimes, store, interval_s=BACK_TO_BACK_S, reactions=reactions)
    async with living(engine, runtimes):
        while len(store.ticks_ms) < rounds + WARM_UP and (  # noqa: ASYNC110 - a scan is of another thread
            time.monotonic() < deadline or len(store.ticks_ms) <= WARM_UP
        ):
            await asyncio.sleep(LOOK_S)
    return store


def _row(what: str, size: int, store: StopwatchStore) -> Row:
    limit_ms = TARGETS_MS.get(size)
    return Row(
        family=FAMILY,
        what=what,
        unit="ms",
        ours=figures(store.ticks_ms[WARM_UP:]),
        peer_name=BARE,
        peer=figures(store.bare_ms[WARM_UP:]),
        target=() if limit_ms is None else (at_most(limit_ms),),
        reason="each run is looked at and its evidence stepped, in Python; nearly all of that changes nothing",
    )
