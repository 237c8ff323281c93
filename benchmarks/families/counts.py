"""What a running daemon asks of the system, counted at the system call: processes that it makes, and fsyncs.

On another disk an fsync is what costs, and a fork is what keeps a tick from being cheap with many sessions.
"""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.daemons import Daemon, daemon
from benchmarks.measuring import Effort, figures
from benchmarks.rows import Row, at_most
from benchmarks.subscribers import Subscriber
from benchmarks.tracing import traced

FAMILY = "counts"
INTERVAL_S = 0.5
SETTLED_S = 3.0  # the journal has been synced by then, and every session looked at
SYNCS_OF_A_DEATH = 2.2  # the record and its directory; now and then the journal


def measure(effort: Effort) -> Iterator[Row]:
    """Count over ticks in which nothing happens, and over deaths."""
    number = effort.of(20, 4)
    with daemon(interval_s=INTERVAL_S) as place:
        sessions = place.begin(number)
        place.begin(number, runtime="tmux")
        time.sleep(SETTLED_S)
        yield from _ticks(place, 2 * number, effort.of(20, 6))
        yield from _deaths(place, [place.agent(session) for session in sessions], sessions)


def _ticks(place: Daemon, number: int, ticks: int) -> Iterator[Row]:
    with traced(place.pid, Path(place.layout.home)) as calls:
        time.sleep(ticks * INTERVAL_S)
    what = f"of {ticks} ticks over {number} sessions that rest, half of them in tmux"
    yield _row(f"forks {what}", calls.forks, 0.0)
    yield _row(f"fsyncs {what}", calls.syncs, 0.0)


def _deaths(place: Daemon, agents: Sequence[int], sessions: Sequence[str]) -> Iterator[Row]:
    with Subscriber(place.layout.socket) as subscriber, traced(place.pid, Path(place.layout.home)) as calls:
        for session, agent in zip(sessions, agents, strict=True):
            os.kill(agent, signal.SIGKILL)
            subscriber.until_all([session], "failed")
    yield _row("forks of the daemon for a death, on average", calls.forks / len(agents), 0.0)
    yield _row("fsyncs of the daemon for a death, on average", calls.syncs / len(agents), SYNCS_OF_A_DEATH)


def _row(what: str, count: float, limit: float) -> Row:
    return Row(
        family=FAMILY,
        what=what,
        unit="",
        ours=figures([count]),
        target=(at_most(limit),),
        reason="counted by strace in the daemon and all its threads",
    )
