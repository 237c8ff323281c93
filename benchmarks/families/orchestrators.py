"""Ours beside another orchestrator of coding agents, as many sessions in tmux with each.

Its agent is the one that it has for tests, ours a program that sleeps: neither is a model. Both are asked by their
commands, in turns, and watched over the same seconds.
"""

import time
from collections.abc import Iterator, Sequence

from benchmarks.daemons import Daemon, daemon
from benchmarks.families.commands import IMPORTS, ORCH
from benchmarks.homes import SLEEP
from benchmarks.measuring import MILLISECONDS, Act, Effort, Figures, alternate, figures, timed
from benchmarks.peers.cao import NAME, Cao, serving
from benchmarks.processes import MEGABYTE, environment, resident_bytes, run_silent, used_by
from benchmarks.rows import Bound, Row, at_most
from benchmarks.subscribers import Subscriber

FAMILY = "orchestrators"
SETTLED_S = 2.0
PATIENCE_S = 120.0
MEMORY = (at_most(0.45, "ratio"),)
LAUNCHED = (at_most(1 / 40, "ratio"),)
LAUNCHER = "our launcher is an interpreter in a pane, and keeps the log and the record of the end"
COMMAND = (ORCH, "spawn", "--runtime", "tmux", "--workspace", "none", "--dir", "/", "--", *SLEEP)


def measure(effort: Effort) -> Iterator[Row]:
    """Measure the begin of sessions, then the commands, memory and rest with as many as were begun."""
    with daemon(interval_s=1.0) as place, serving() as cao:
        theirs = [figures([cao.start()])] if cao else []
        yield _row("start of the daemon, until it takes connections", "ms", figures([_restart(place)]), theirs)
        yield from _launches(place, cao, effort.of(8, 1))
        number = len(place.client.status().sessions)
        asks = [cao.version, cao.list] if cao else []
        version, sessions, *told = alternate(
            [_act(place, "--version"), _act(place, "status"), *asks], effort.of(15, 4), limit_s=20.0
        )
        yield _row("its command, asked for its version", "ms", version, told[:1])
        yield _row(f"its command, asked for its sessions ({number}, theirs has half as many)", "ms", sessions, told[1:])
        pids = [place.pid, *([cao.pid] if cao else [])]
        ours, *held = [figures([resident_bytes(pid) / MEGABYTE]) for pid in pids]
        yield _row(
            f"RSS of the daemon with {number} sessions in tmux, theirs with half as many",
            "MB",
            ours,
            held,
            target=MEMORY,
        )
        ours, *used = _used(pids, effort.of(20, 5))
        yield _row(
            f"processor used while {number} sessions in tmux rest, with a tick every 1 s, theirs with half as many",
            "%",
            ours,
            used,
        )


def _restart(place: Daemon) -> float:
    place.kill()
    return place.start()


def _launches(place: Daemon, cao: Cao | None, rounds: int) -> Iterator[Row]:
    asks = [cao.launch] if cao else []
    acts: list[Act] = [timed(lambda: place.begin(1, runtime="tmux")), lambda: _ordered(place), *asks]
    spawned, ordered, *theirs = alternate(acts, rounds, limit_s=PATIENCE_S)
    what = "begin a session in tmux, until its program runs"
    yield _row(what, "ms", spawned, theirs, target=LAUNCHED, reason=LAUNCHER)
    yield _row(f"{what}, by the command line", "ms", ordered, theirs, reason=IMPORTS)


def _ordered(place: Daemon) -> float:
    """Spawn as a person does, and wait for the event that tells of the start."""
    with Subscriber(place.layout.socket) as subscriber:
        begun = time.perf_counter()
        run_silent(COMMAND, environment(place.layout))
        arrived = subscriber.until(lambda event: event["type"] == "state_changed" and event["to"] == "running")
    return (arrived - begun) * MILLISECONDS


def _act(place: Daemon, *words: str) -> Act:
    return lambda: run_silent((ORCH, *words), environment(place.layout))


def _used(pids: Sequence[int], watched_s: int) -> list[Figures]:
    time.sleep(SETTLED_S)
    return [figures([used.cpu_s * 100]) for used in used_by(pids, watched_s)]


def _row(
    what: str, unit: str, ours: Figures, theirs: Sequence[Figures], *, target: tuple[Bound, ...] = (), reason: str = ""
) -> Row:
    peer = theirs[0] if theirs else None
    return Row(
        family=FAMILY,
        what=what,
        unit=unit,
        ours=ours,
        peer_name=NAME,
        peer=peer,
        target=target if peer else (),
        reason=reason,
    )
