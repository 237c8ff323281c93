"""From the death of a real agent to the event at a subscriber, beside the pidfd that tells of a death as it happens.

Between the two lie the launcher, which makes the end durable, and the daemon, which reads it, decides, makes that
durable too, and only then tells. So the second peer is what both have to write, as bare system calls.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from benchmarks import bare
from benchmarks.daemons import WITHOUT_PIDFDS, Daemon, daemon
from benchmarks.homes import pending
from benchmarks.machine import borne
from benchmarks.measuring import MILLISECONDS, Act, Effort, alternate, figures, timed
from benchmarks.rows import Row, at_most
from benchmarks.subscribers import Subscriber
from orchestrd.codec import encode_record
from orchestrd.core.launch import STDIN
from orchestrd.core.layout import Layout
from orchestrd.model.ids import SessionId

FAMILY = "deaths"
PIDFD = "pidfd of a bare process"
RECORDS = "two records made durable, bare"
MASS, MASS_TARGET_MS = 460, 300.0
UNHELD_TICK_S, COMMIT_MS = 0.5, 20.0
READS_A_LINE = ("sh", "-c", "read line")
WARM_UP = 1


def measure(effort: Effort) -> Iterator[Row]:
    """Measure single deaths, ends of the agent's own, and many deaths at once."""
    singles, ends, mass = effort.of(40, 10), effort.of(20, 5), max(borne((20, effort.of(MASS, 20))))
    with daemon(interval_s=5.0) as place:
        killed = place.begin(singles + WARM_UP)
        waiting = place.begin(ends + WARM_UP, READS_A_LINE)
        crowd = place.begin(mass)
        with Subscriber(place.layout.socket) as subscriber:
            yield from _rows(place, "kill -9 of an agent", killer(place, subscriber, killed), singles)
            yield from _rows(place, "exit of an agent", _answerer(place, subscriber, waiting), ends)
            yield _mass(place, subscriber, crowd)
    yield _unheld(effort.of(8, 2))


def killer(place: Daemon, subscriber: Subscriber, sessions: list[SessionId]) -> Act:
    """Kill one agent after the other."""
    left = [(session, place.agent(session)) for session in sessions]

    def act() -> float:
        session, agent = left.pop()
        begun = time.perf_counter()
        os.kill(agent, signal.SIGKILL)
        return (subscriber.until_all([session], "failed") - begun) * MILLISECONDS

    return act


def _answerer(place: Daemon, subscriber: Subscriber, sessions: list[SessionId]) -> Act:
    """Write the line that one agent after the other waits for, and so let it end by itself."""
    left = [(session, Path(place.layout.run_directory(session, 1), STDIN)) for session in sessions]

    def act() -> float:
        session, stdin = left.pop()
        begun = time.perf_counter()
        stdin.write_text("\n")
        return (subscriber.until_all([session], "completed") - begun) * MILLISECONDS

    return act


def _mass(place: Daemon, subscriber: Subscriber, sessions: list[SessionId]) -> Row:
    agents = [place.agent(session) for session in sessions]
    begun = time.perf_counter()
    for agent in agents:
        os.kill(agent, signal.SIGKILL)
    took = (subscriber.until_all(sessions, "failed") - begun) * MILLISECONDS
    return Row(
        family=FAMILY,
        what=f"kill -9 of {len(sessions)} agents at once, to the last event",
        unit="ms",
        ours=figures([took]),
        peer_name=f"{len(sessions)} bare processes",
        peer=figures([bare.deaths(len(sessions))]),
        target=(at_most(round(MASS_TARGET_MS * len(sessions) / MASS, 1)),),
        reason="each launcher wakes up and makes its own record durable, two fsyncs each on one disk",
    )


def _unheld(rounds: int) -> Row:
    """Kill agents under a daemon to which the kernel gives no pidfds: each time just after a tick, which is worst."""
    with daemon(interval_s=UNHELD_TICK_S, program=WITHOUT_PIDFDS) as place:
        sessions = place.begin(rounds + WARM_UP)
        with Subscriber(place.layout.socket) as subscriber:
            (ours,) = alternate([killer(place, subscriber, sessions)], rounds)
    tick_ms = UNHELD_TICK_S * MILLISECONDS
    return Row(
        family=FAMILY,
        what="kill -9 of an agent where pidfds are refused, to its event at a subscriber",
        unit="ms",
        ours=ours,
        peer_name="one tick",
        peer=figures([tick_ms]),
        target=(at_most(tick_ms + COMMIT_MS, "worst"),),
        reason="it is seen by the next tick",
    )


def _rows(place: Daemon, what: str, act: Act, rounds: int) -> Iterator[Row]:
    """Take single deaths in turns with both peers; the target is judged once."""
    acts = [act, lambda: bare.deaths(1), lambda: _two_records(place.layout)]
    ours, pidfd, records = alternate(acts, rounds)
    told = Row(
        family=FAMILY,
        what=f"{what}, to its event at a subscriber",
        unit="ms",
        ours=ours,
        peer_name=PIDFD,
        peer=pidfd,
        target=(at_most(5.0), at_most(20.0, "p99")),
        reason="two records are made durable one after the other, the launcher's and the daemon's: four fsyncs and two "
        "renames; the row below tells how much of it is the disk",
    )
    yield told
    yield replace(told, peer_name=RECORDS, peer=records, target=())


def _two_records(layout: Layout) -> float:
    """Make durable what has to be on disk before anyone may be told."""
    record = encode_record(pending())
    return sum(timed(lambda: bare.write_durably(layout.prompts, [record]))() for _ in range(2))
