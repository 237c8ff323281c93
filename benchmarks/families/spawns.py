"""Beginning sessions: how soon a spawn is accepted, and how soon many of them run.

The peer of an acceptance is what it has to make durable: two files, each written, synced, renamed, and its directory
synced. The peer of a started session is a bare process; that of its launcher is a bare interpreter.
"""

import resource
import time
from collections.abc import Iterator

from benchmarks import bare
from benchmarks.daemons import Daemon, daemon
from benchmarks.homes import SLEEP, pending
from benchmarks.measuring import MILLISECONDS, Effort, alternate, figures, timed
from benchmarks.processes import BARE, usage_of
from benchmarks.rows import Row, at_most
from orchestrd.client.requests import spawn_request
from orchestrd.codec import encode_record

FAMILY = "spawns"
TARGET_MS, TARGET_OF = 600.0, 100
ENVIRONMENT_BYTES = 300


def measure(effort: Effort) -> Iterator[Row]:
    """Measure acceptance one by one, then many sessions at once."""
    with daemon(max_running=1) as place:
        yield _acceptance(place, effort.of(60, 15))
    yield from _many(effort.of(100, 20), effort.of(3, 1))


def _acceptance(place: Daemon, rounds: int) -> Row:
    """Spawn behind a full lane, so that what is timed is the acceptance and not the start of agents."""
    place.begin(1)
    secret, record = b"x" * ENVIRONMENT_BYTES, encode_record(pending())

    def spawn() -> None:
        place.client.spawn(spawn_request(argv=SLEEP, runtime="process", directory="/"))

    def two_files() -> None:
        bare.write_durably(place.layout.prompts, [secret])
        bare.write_durably(place.layout.prompts, [record])

    ours, peer = alternate([timed(spawn), timed(two_files)], rounds)
    return Row(
        family=FAMILY,
        what="spawn, from the request to `pending` on disk",
        unit="ms",
        ours=ours,
        peer_name="two files made durable",
        peer=peer,
        target=(at_most(10.0),),
        reason="connection, HTTP, validation, threads and the journal come on top",
    )


def _many(number: int, rounds: int) -> Iterator[Row]:
    """Begin many, each time with a fresh daemon; what is started is ended before the next round."""
    costs = Costs()
    acts = [
        lambda: _begun(number, costs),
        lambda: bare.starts(number, SLEEP),
        lambda: _courses(number, costs),
    ]
    ours, sleeps, pythons = alternate(acts, rounds)
    for name, peer in (("bare processes, started", sleeps), ("bare interpreters, to their end", pythons)):
        yield Row(
            family=FAMILY,
            what=f"spawn {number} sessions at once, until all run",
            unit="ms",
            ours=ours,
            peer_name=f"{number} {name}",
            peer=peer,
            target=(at_most(TARGET_MS * number / TARGET_OF),),
            reason="what it takes of the processor is below: an interpreter for each; all of them wait for the disk",
        )
    for name, taken in (("launcher", costs.launcher_ms), ("daemon", costs.daemon_ms)):
        yield Row(
            family=FAMILY,
            what=f"processor of the {name} for each of {number} that start",
            unit="ms",
            ours=figures(taken),
            peer_name="a bare interpreter, to its end",
            peer=figures(costs.interpreter_ms),
        )


class Costs:
    """Processor that each of many starts has taken, by who took it; a sample for each time that many were started."""

    def __init__(self) -> None:
        self.launcher_ms: list[float] = []
        self.daemon_ms: list[float] = []
        self.interpreter_ms: list[float] = []


def _begun(number: int, costs: Costs) -> float:
    with daemon() as place:
        before, begun = usage_of(place.pid), time.perf_counter()
        sessions = place.begin(number)
        took = (time.perf_counter() - begun) * MILLISECONDS
        launchers = [place.record(session, "start.json")["launcher"]["pid"] for session in sessions]
        costs.daemon_ms.append(usage_of(place.pid).since(before).cpu_s * MILLISECONDS / number)
        costs.launcher_ms.append(sum(usage_of(pid).cpu_s for pid in launchers) * MILLISECONDS / number)
    return took


def _courses(number: int, costs: Costs) -> float:
    before = _used_by_children_s()
    took = bare.courses(number, BARE)
    costs.interpreter_ms.append((_used_by_children_s() - before) * MILLISECONDS / number)
    return took


def _used_by_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
