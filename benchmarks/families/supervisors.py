"""Ours beside supervisor, circus and pm2, which keep plain processes as ours does: the same number of the same ones.

All are asked in turns, and watched over the same seconds. What a death comes to differs: ours has made it durable and
told a subscriber when the clock stops, theirs have started another process and written nothing down.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from benchmarks.daemons import Daemon, daemon
from benchmarks.families.commands import ORCH
from benchmarks.families.deaths import killer
from benchmarks.measuring import MILLISECONDS, Act, Effort, Figures, alternate, figures
from benchmarks.peers.places import Marked, until
from benchmarks.peers.supervisors import SUPERVISORS, Supervisor, kept_by
from benchmarks.processes import MEGABYTE, environment, resident_bytes, run_silent, used_by
from benchmarks.rows import Bound, Row, at_most
from benchmarks.subscribers import Subscriber

FAMILY = "supervisors"
SIZES, SIZES_QUICK = (100, 500), (10,)
CRASHED = 5
SETTLED_S = 2.0
STEADY_S = 0.5
LOOK_S = 0.1
ASKED = (at_most(1 / 5, "ratio"),)
STARTING = "each of ours is begun by a launcher, an interpreter that writes the log and the record of the end"


class Beside(Struct, frozen=True):
    """One thing measured of ours and of those that are there; `target` is asked of ours beside the one it names."""

    what: str
    unit: str
    ours: Figures
    theirs: Mapping[str, Figures]
    target: Mapping[str, tuple[Bound, ...]] = {}
    reason: str = ""

    def rows(self) -> Iterator[Row]:
        """Give a row for each, also for those that are not there."""
        for kind in SUPERVISORS:
            peer = self.theirs.get(kind.name)
            yield Row(
                family=FAMILY,
                what=self.what,
                unit=self.unit,
                ours=self.ours,
                peer_name=kind.name,
                peer=peer,
                target=self.target.get(kind.name, ()) if peer else (),
                reason=self.reason,
            )


def measure(effort: Effort) -> Iterator[Row]:
    """Measure with few and with many, deaths and rest with the first number only, and then what a crash leaves."""
    sizes = SIZES_QUICK if effort.is_quick else SIZES
    for number in sizes:
        with contextlib.ExitStack() as stack:
            begun = time.perf_counter()
            place = stack.enter_context(daemon(interval_s=1.0))
            sessions = place.begin(number)
            ours = figures([(time.perf_counter() - begun) * MILLISECONDS])
            peers = [stack.enter_context(kept_by(kind, number)) for kind in SUPERVISORS if kind.is_there()]
            starts = {peer.name: figures([peer.start()]) for peer in peers}
            yield from Beside(
                f"start with {number} processes, until all run", "ms", ours, starts, reason=STARTING
            ).rows()
            yield from _asked(place, peers, number, effort.of(20, 5))
            yield from _memory(place, peers, number)
            if number == sizes[0]:
                yield from _rest(place, peers, number, effort.of(20, 5))
                with Subscriber(place.layout.socket) as subscriber:
                    kill = killer(place, subscriber, sessions)
                    yield from _deaths(kill, peers, number, effort.of(5, 1))
    yield from _crashes()


def _asked(place: Daemon, peers: Sequence[Supervisor], number: int, rounds: int) -> Iterator[Row]:
    ours, *theirs = alternate(
        [lambda: run_silent((ORCH, "status"), environment(place.layout)), *(peer.ask for peer in peers)],
        rounds,
        limit_s=20.0,
    )
    target = {"supervisor": ASKED}
    yield from Beside(f"list {number} of them by its command", "ms", ours, _named(peers, theirs), target).rows()


def _memory(place: Daemon, peers: Sequence[Supervisor], number: int) -> Iterator[Row]:
    ours, *theirs = [figures([resident_bytes(pid) / MEGABYTE]) for pid in (place.pid, *(peer.pid for peer in peers))]
    what = f"RSS of the daemon that keeps {number}"
    yield from Beside(what, "MB", ours, _named(peers, theirs), reason="the HTTP stack is in ours").rows()


def _rest(place: Daemon, peers: Sequence[Supervisor], number: int, watched_s: int) -> Iterator[Row]:
    pids = [place.pid, *(peer.pid for peer in peers)]
    time.sleep(SETTLED_S)
    ours, *theirs = [figures([used.cpu_s * 100]) for used in used_by(pids, watched_s)]
    what = f"processor used while {number} of them rest, ours with a tick every 1 s"
    yield from Beside(what, "%", ours, _named(peers, theirs)).rows()


def _deaths(kill: Act, peers: Sequence[Supervisor], number: int, rounds: int) -> Iterator[Row]:
    ours, *theirs = alternate([kill, *(peer.replace_one for peer in peers)], rounds, limit_s=30.0)
    what = f"kill -9 of one of {number}: ours durable and told, theirs replaced"
    yield from Beside(what, "ms", ours, _named(peers, theirs)).rows()


def _crashes() -> Iterator[Row]:
    """Kill each daemon with kill -9, start it again, and count what then runs."""
    theirs = {kind.name: figures([_crashed(kind)]) for kind in SUPERVISORS if kind.is_there()}
    what = f"of {CRASHED} processes, running after kill -9 of the daemon and its next start"
    target = {name: (at_most(CRASHED),) for name in theirs}
    yield from Beside(what, "", figures([_crashed_ours()]), theirs, target).rows()


def _crashed(kind: type[Supervisor]) -> float:
    with kept_by(kind, CRASHED) as peer:
        peer.start()
        peer.crash()
        peer.start()
        return _settled(peer.kept)


def _crashed_ours() -> float:
    kept = Marked()
    with daemon() as place:
        place.begin(CRASHED, kept.argv)
        place.kill()
        place.start()
        place.begin(1)  # it has looked at all the others when this one runs
        return _settled(kept)


def _settled(kept: Marked) -> int:
    """Count them once their number has stayed the same for a while."""
    counts: list[int] = []

    def is_steady() -> bool:
        time.sleep(LOOK_S)
        counts.append(len(kept.pids()))
        last = counts[-round(STEADY_S / LOOK_S) :]
        return len(counts) > len(last) and len(set(last)) == 1

    until(is_steady, "the number of processes stays the same")
    return counts[-1]


def _named(peers: Sequence[Supervisor], taken: Sequence[Figures]) -> Mapping[str, Figures]:
    return {peer.name: one for peer, one in zip(peers, taken, strict=True)}
