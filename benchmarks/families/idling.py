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
from benchmarks.measuring import Effort, figures
from benchmarks.processes import Usage, environment, used_by
from benchmarks.rows import Row, at_most

FAMILY = "idling"
TARGETS_PERCENT = {1.0: 0.3, 5.0: 0.05}
SETTLED_S = 2.0  # what the start has left to do, such as a sync of the journal, is over by then
SLEEPER = "import time\nwhile True: time.sleep({})"
PEER = "an interpreter that sleeps"


def measure(effort: Effort) -> Iterator[Row]:
    """Measure with no session and with many, at a fast tick and at the usual one."""
    watched_s, number = effort.of(20, 5), effort.of(100, 20)
    with daemon() as empty, daemon() as full:
        full.begin(number)
        for interval_s in TARGETS_PERCENT:
            *ours, peer = _watched((empty, full), interval_s, watched_s)
            for size, usage in zip((0, number), ours, strict=True):
                yield from _rows(f"{size} sessions, a tick every {interval_s:g} s", interval_s, usage, peer)


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


def _rows(what: str, interval_s: float, ours: Usage, peer: Usage) -> Iterator[Row]:
    yield Row(
        family=FAMILY,
        what=f"processor used, {what}",
        unit="%",
        ours=figures([ours.cpu_s * 100]),
        peer_name=PEER,
        peer=figures([peer.cpu_s * 100]),
        target=(at_most(TARGETS_PERCENT[interval_s]),),
        reason="each tick looks at every run and steps its evidence in Python; coming alone it finds the caches cold",
    )
    yield Row(
        family=FAMILY,
        what=f"wake-ups of all threads, {what}",
        unit="/s",
        ours=figures([ours.wake_ups]),
        peer_name=PEER,
        peer=figures([peer.wake_ups]),
    )
