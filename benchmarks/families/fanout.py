"""Telling many readers: of one death, of many at once, of everything from the start; and all beside dead readers.

The readers are in this process, the publisher is another, as it is in use. The peer is that same process writing as
much to as many sockets, with nothing in between.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from benchmarks.crowd import Crowd
from benchmarks.fountain import bare_socket
from benchmarks.homes import temporary_home
from benchmarks.measuring import MILLISECONDS, Effort, Figures, alternate, figures
from benchmarks.processes import KILOBYTE, environment, resident_bytes
from benchmarks.rows import Row, at_least, at_most
from orchestrd.core.layout import Layout

FAMILY = "fanout"
ROOT = Path(__file__).parent.parent.parent  # where `benchmarks` is found
READERS, DEAD_READERS = 100, 20
BURST = 100  # deaths
LINES = 2  # events of a death: it is no longer alive, and it has ended
FOLLOW = "GET /v1/events?follow=1{} HTTP/1.1\r\nHost: orch\r\nAccept: application/x-ndjson\r\n\r\n"
FROM_NOW, FROM_THE_START = FOLLOW.format(""), FOLLOW.format("&since=0")
MILLION = 1e6
PEER = "bare writes to as many sockets"
TELLING = "each reader has a task, a queue and an HTTP chunk of its own"
END_S = 20.0


class Publisher:
    """The fountain from outside, with a crowd of readers on each of its sockets."""

    def __init__(self, layout: Layout, sessions: int) -> None:
        self.layout = layout
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.fountain", layout.home, str(sessions)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(layout, PYTHONPATH=str(ROOT)),
        )
        self._moment()
        self._readers = {"die": Crowd(layout.socket, READERS, FROM_NOW), "bare": Crowd(bare_socket(layout), READERS)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for crowd in self._readers.values():
            crowd.close()
        self._process.communicate(timeout=END_S)

    def publish(self, verb: str, deaths: int) -> list[float]:
        """Have the events of deaths published, or as many bare lines; gives when each reader had them all.

        In seconds after the moment at which they had become durable.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(f"{verb} {deaths if verb == 'die' else deaths * LINES}\n".encode())
        self._process.stdin.flush()
        arrivals = self._readers[verb].take(deaths * LINES)
        moment = self._moment()
        return [arrived - moment for arrived in arrivals]

    def resident_bytes(self) -> int:
        """Give what the publisher holds."""
        return resident_bytes(self._process.pid)

    def _moment(self) -> float:
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())


def measure(effort: Effort) -> Iterator[Row]:
    """Measure singles and bursts, then the same beside dead readers, then readers that begin at the start."""
    singles, bursts = effort.of(60, 15), effort.of(8, 3)
    doomed = 2 * singles + (2 * bursts + 1) * BURST
    with temporary_home() as layout, Publisher(layout, doomed) as publisher:
        publisher.publish("die", BURST)  # buffers have their size after this
        alone = _latencies(publisher, singles)
        yield _single_row("one death", *alone, PEER)
        held = [publisher.resident_bytes()]
        yield _burst_row(publisher, bursts)
        held.append(publisher.resident_bytes())
        with contextlib.closing(Crowd(layout.socket, DEAD_READERS, FROM_NOW)):
            for _ in range(bursts):
                _rate(publisher, "die")
            held.append(publisher.resident_bytes())
            beside, _ = _latencies(publisher, singles)
            yield _single_row(f"one death, beside {DEAD_READERS} dead readers", beside, alone[0], "without them")
        yield _memory_row(held)
        yield _late_row(publisher, doomed * LINES)


def _latencies(publisher: Publisher, rounds: int) -> tuple[Figures, Figures]:
    """Publish one event at a time, in turns with the peer; every reader of every event is a sample."""
    ours: list[float] = []
    peer: list[float] = []
    for _ in range(rounds):
        ours += publisher.publish("die", 1)
        peer += publisher.publish("bare", 1)
    return figures(late * MILLISECONDS for late in ours), figures(late * MILLISECONDS for late in peer)


def _rate(publisher: Publisher, verb: str) -> float:
    """Publish one burst; gives millions of lines delivered in a second, up to the last reader's last."""
    return READERS * LINES * BURST / max(publisher.publish(verb, BURST)) / MILLION


def _single_row(what: str, ours: Figures, peer: Figures, peer_name: str) -> Row:
    return Row(
        family=FAMILY,
        what=f"{what}, from durable to each of {READERS} readers",
        unit="ms",
        ours=ours,
        peer_name=peer_name,
        peer=peer,
        target=(at_most(5.0, "p99"),),
        reason=TELLING,
    )


def _burst_row(publisher: Publisher, rounds: int) -> Row:
    ours, peer = alternate([lambda: _rate(publisher, "die"), lambda: _rate(publisher, "bare")], rounds - 1)
    return Row(
        family=FAMILY,
        what=f"bursts of {BURST * LINES} events to {READERS} readers, lines delivered",
        unit="M/s",
        ours=ours,
        peer_name=PEER,
        peer=peer,
        target=(at_least(1.0),),
        reason=TELLING,
    )


def _memory_row(held: Sequence[int]) -> Row:
    """Take away what the same events cost without the dead."""
    before, without, with_dead = held
    extra = max(0, (with_dead - without) - (without - before))
    return Row(
        family=FAMILY,
        what=f"memory for a dead reader, of {DEAD_READERS}",
        unit="KB",
        ours=figures([extra / DEAD_READERS / KILOBYTE]),
        target=(at_most(64.0),),
        reason="a bounded queue of references, and one buffer that the transport holds until the reader takes it",
    )


def _late_row(publisher: Publisher, events: int) -> Row:
    """Let a new crowd ask for everything there is."""
    begun = time.perf_counter()
    with contextlib.closing(Crowd(publisher.layout.socket, READERS, FROM_THE_START)) as crowd:
        took = max(crowd.take(events)) - begun
    return Row(
        family=FAMILY,
        what=f"{events:,} kept events to {READERS} readers that begin at the start, lines delivered",
        unit="M/s",
        ours=figures([READERS * events / took / MILLION]),
        reason="each reader is served from disk, page by page, and finds its place by bisection",
    )
