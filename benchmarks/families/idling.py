"""What a daemon costs in which nothing happens: its share of one processor, and how often it wakes up.

The kernel's own account in nanoseconds is read, not the one in hundredths of a second. The peer is an interpreter that
only sleeps and wakes up once a tick; all are watched over the same seconds.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks.daemons import Daemon, daemon
from benchmarks.families.memory import DAEMON_MB, SESSION_KB
from benchmarks.machine import borne
from benchmarks.measuring import Effort, figures
from benchmarks.processes import KILOBYTE, MEGABYTE, Usage, environment, resident_bytes, used_by
from benchmarks.rows import Bound, Row, at_most

FAMILY = "idling"
TARGETS_PERCENT = {1.0: 0.3, 5.0: 0.05}
JUDGED_MOST = 100  # sessions for which the targets are
SIZES, SIZES_QUICK = (0, 10, 100, 500, 1_000), (0, 20)  # the first is without any
COLD = "each tick looks at every run and steps its evidence in Python; coming alone it finds the caches cold"
HELD = "the record with its spec, what was observed of it, and two pidfds"
SETTLED_S = 2.0  # what the start has left to do, such as a sync of the journal, is over by then
SLEEPER = "import time\nwhile True: time.sleep({})"
PEER = "an interpreter that sleeps"


def measure(effort: Effort) -> Iterator[Row]:
    """Measure with no session and with more and more that run, at a fast tick and at the usual one."""
    watched_s, sizes = effort.of(20, 5), SIZES_QUICK if effort.is_quick else borne(SIZES)
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(daemon()) for _ in sizes]
        for place, size in zip(places[1:], sizes[1:], strict=True):
            place.begin(size)
        for interval_s in TARGETS_PERCENT:
            *ours, peer = _watched(places, interval_s, watched_s)
            for size, usage in zip(sizes, ours, strict=True):
                yield from _rows(
                    f"{size:,} sessions, a tick every {interval_s:g} s", _target(interval_s, size), usage, peer
                )
        yield from _memory(sizes, [resident_bytes(place.pid) for place in places])


def _target(interval_s: float, size: int) -> tuple[Bound, ...]:
    return (at_most(TARGETS_PERCENT[interval_s]),) if size <= JUDGED_MOST else ()


def _memory(sizes: Sequence[int], held: Sequence[int]) -> Iterator[Row]:
    """Compare what the daemons hold after all those ticks: the one without a session, and each of the others."""
    empty = figures([held[0] / MEGABYTE])
    for size, now in zip(sizes[1:], held[1:], strict=True):
        yield Row(
            family=FAMILY,
            what=f"RSS of the daemon with {size:,} sessions that run",
            unit="MB",
            ours=figures([now / MEGABYTE]),
            peer_name="without one",
            peer=empty,
            target=(at_most(DAEMON_MB),),
            reason=HELD,
        )
    yield Row(
        family=FAMILY,
        what=f"growth per session, of {sizes[-1]:,} that run",
        unit="KB",
        ours=figures([(held[-1] - held[0]) / sizes[-1] / KILOBYTE]),
        target=(at_most(SESSION_KB),),
        reason=HELD,
    )


def _watched(places: Sequence[Daemon], interval_s: float, watched_s: int) -> list[Usage]:
    """Give what each daemon uses in a second, and last what the sleeper does."""
    for place in places:
        place.stop()
        place.start(interval_s=interval_s)
    with _sleeper(interval_s, places[0]) as sleeper:
        pids = [*(place.pid for place in places), sleeper]
        time.sleep(SETTLED_S)
        return used_by(pids, watched_s)


@contextlib.contextmanager
def _sleeper(interval_s: float, place: Daemon) -> Iterator[int]:
    argv = (sys.executable, "-I", "-c", SLEEPER.format(interval_s))
    with subprocess.Popen(argv, env=environment(place.layout)) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def _rows(what: str, target: tuple[Bound, ...], ours: Usage, peer: Usage) -> Iterator[Row]:
    yield Row(
        family=FAMILY,
        what=f"processor used, {what}",
        unit="%",
        ours=figures([ours.cpu_s * 100]),
        peer_name=PEER,
        peer=figures([peer.cpu_s * 100]),
        target=target,
        reason=COLD,
    )
    yield Row(
        family=FAMILY,
        what=f"wake-ups of all threads, {what}",
        unit="/s",
        ours=figures([ours.wake_ups]),
        peer_name=PEER,
        peer=figures([peer.wake_ups]),
    )
