"""What the processes of runs take of the machine, looked at only when somebody asks.

A run's processes are those that descend from its launcher or from its agent, and those in the agent's session: what
left both behind on purpose is not counted. Memory is PSS: of a page that several processes share each counts its part,
so that the sum over a tree is true. It costs a fifth of a millisecond a process and more for a large one, and so it is
looked at for a bounded time; whoever was not reached is not known. CPU is of one core, between two looks.
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from orchestrd.core.launch import ProcessIdentity
from orchestrd.core.layout import Layout
from orchestrd.model.document import Usage
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import MEASURE_MEMORY_S, MEASURE_SPAN_S, MEASURED_BEFORE_S
from orchestrd.model.run import Run
from orchestrd.runtimes import launcher
from orchestrd.runtimes.rundir import RunDirectory

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Taking(Struct, frozen=True, kw_only=True):
    """What one process has taken so far; `started_ticks` tells it from another one with its pid."""

    parent: int
    session: int
    started_ticks: int
    cpu_ticks: int
    resident_bytes: int


Takings = Mapping[int, Taking]


class ProcessMeter:
    """Implements `ports.Meter` by /proc. One measurement at a time, off the loop."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._one_at_a_time = asyncio.Lock()
        self._before: tuple[float, Takings] | None = None

    async def measure(self, runs: Sequence[Run]) -> Mapping[SessionId, Usage]:
        loop = asyncio.get_running_loop()
        async with self._one_at_a_time:
            if self._before is None or loop.time() - self._before[0] > MEASURED_BEFORE_S:
                self._before = loop.time(), await asyncio.to_thread(takings)
            since, before = self._before
            await asyncio.sleep(since + MEASURE_SPAN_S - loop.time())
            now = await asyncio.to_thread(takings)
            self._before = loop.time(), now
            span_s = self._before[0] - since
            return await asyncio.to_thread(self._usages, runs, before, now, span_s)

    def _usages(self, runs: Sequence[Run], before: Takings, now: Takings, span_s: float) -> dict[SessionId, Usage]:
        until = time.monotonic() + MEASURE_MEMORY_S  # noqa: TID251 - of a thread, which has no loop
        trees = {run.session: tree(self._roots(run), now) for run in runs}
        return {
            session: Usage(
                processes=len(pids),
                memory_bytes=memory_bytes(pids, now, until),
                cpu_percent=round(100 * cpu_s(pids, before, now) / span_s, 1),
            )
            for session, pids in trees.items()
        }

    def _roots(self, run: Run) -> tuple[ProcessIdentity, ...]:
        start = RunDirectory(self._layout.run_directory(run.session, run.generation)).start()
        return () if start is None or start.boot != launcher.boot_id() else (start.launcher, start.agent)


def takings() -> dict[int, Taking]:
    """Look once at every process of the machine."""
    found = ((pid, launcher.read_stat(pid)) for pid in launcher.all_pids())
    return {
        pid: Taking(
            parent=int(fields[1]),
            session=int(fields[3]),
            cpu_ticks=int(fields[11]) + int(fields[12]),
            started_ticks=int(fields[19]),
            resident_bytes=int(fields[21]) * PAGE_BYTES,
        )
        for pid, fields in found
        if fields is not None
    }


def tree(roots: Iterable[ProcessIdentity], now: Takings) -> list[int]:
    """Find the processes of a run, by its launcher and its agent, if these are still who they were."""
    pids = {root.pid for root in roots if root.pid in now and root.started_ticks in (0, now[root.pid].started_ticks)}
    pids |= {pid for pid, taking in now.items() if taking.session in pids}
    children = defaultdict(list)
    for pid, taking in now.items():
        children[taking.parent].append(pid)
    left = list(pids)
    while left:
        born = [pid for pid in children[left.pop()] if pid not in pids]
        pids.update(born)
        left += born
    return sorted(pids)


def cpu_s(pids: Iterable[int], before: Takings, now: Takings) -> float:
    """Add up the seconds on a core that they have had since; one that is new has had all of its own since."""
    ticks = 0
    for pid in pids:
        earlier = before.get(pid)
        is_same = earlier is not None and earlier.started_ticks == now[pid].started_ticks
        ticks += now[pid].cpu_ticks - (earlier.cpu_ticks if earlier is not None and is_same else 0)
    return max(0, ticks) * TICK_S


def memory_bytes(pids: Iterable[int], now: Takings, until: float) -> int | None:
    """Add up their memory; null once time is up, for a part of it would be a lie."""
    total = 0
    for pid in pids:
        if time.monotonic() > until:  # noqa: TID251 - as above
            return None
        share = _shared_bytes(pid)
        total += now[pid].resident_bytes if share is None else share
    return total


def _shared_bytes(pid: int) -> int | None:
    """Read a process's PSS; null where it may not be read, or the process is over."""
    try:
        lines = launcher.read_file(f"/proc/{pid}/smaps_rollup").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:")), None)
