"""A run in a pane, with our launcher between the terminal and the agent, beside the same program in a bare pane.

The launcher keeps the log, the record of the end, and an agent that outlives its terminal; this is what that costs.
"""

import asyncio
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from benchmarks import bare
from benchmarks.daemons import Daemon, daemon
from benchmarks.homes import SLEEP, temporary_home
from benchmarks.measuring import MILLISECONDS, Effort, Figures, alternate, figures, timed
from benchmarks.panes import Panes, in_loop, opened, until
from benchmarks.processes import MEGABYTE, Usage, proportional_bytes, resident_bytes, usage_of
from benchmarks.rows import Bound, Row, at_most
from benchmarks.subscribers import Subscriber
from benchmarks.tmux import Tmux, bare_server, closings

FAMILY = "terminals"
BURST_BYTES = 10_000_000
BURST = ("sh", "-c", f"base64 /dev/zero | head -c {BURST_BYTES}")
PASTES = (10_000, 100_000, 1_000_000)
READER = """import os, sys, tty
tty.setraw(0)
open(sys.argv[1] + ".ready", "w").close()
left = int(sys.argv[2])
while left > 0:
    left -= len(os.read(0, 65536))
open(sys.argv[1], "w").close()
os.read(0, 1)
import time; time.sleep(600)
"""
SETTLED_S = 2.0
READ_S = 60.0
IDLE_TARGETS = {"the daemon": 0.3, "the tmux server": 0.2}


def measure(effort: Effort) -> Iterator[Row]:
    """Measure deaths, starts, output, pastes, and then many that do nothing."""
    with daemon(interval_s=5.0) as place:
        yield from _deaths(place, effort.of(40, 10))
    with opened() as (runner, place_of_runs), bare_server(place_of_runs.layout) as server:
        yield _start(place_of_runs, server, runner, effort.of(20, 5))
        yield _burst(place_of_runs, server, runner, effort.of(5, 2))
        for size in PASTES:
            yield _paste(place_of_runs, server, runner, size, effort.of(5, 2))
    yield from _idle(effort.of(100, 20), effort.of(20, 5))


def _deaths(place: Daemon, number: int) -> Iterator[Row]:
    left = [(session, place.agent(session)) for session in place.begin(number + 1, runtime="tmux")]
    with Subscriber(place.layout.socket) as subscriber:

        def kill() -> float:
            session, agent = left.pop()
            begun = time.perf_counter()
            os.kill(agent, signal.SIGKILL)
            return (subscriber.until_all([session], "failed") - begun) * MILLISECONDS

        ours, pidfd = alternate([kill, lambda: bare.deaths(1)], number)
    with temporary_home() as layout, bare_server(layout) as server:
        window = figures(closings(server, number))
    told = Row(
        family=FAMILY,
        what="kill -9 of an agent in a pane, to its event at a subscriber",
        unit="ms",
        ours=ours,
        peer_name="pidfd of a bare process",
        peer=pidfd,
        target=(at_most(5.0), at_most(20.0, "p99")),
        reason="before the launcher makes the end durable it lets the output come to its end, and asks tmux for the "
        "last screen, in a process of its own",
    )
    yield told
    yield replace(told, peer_name="notice of a bare pane's end", peer=window, target=())


def _start(place: Panes, server: Tmux, runner: asyncio.Runner, rounds: int) -> Row:
    async def begin() -> None:
        await place.launch(*SLEEP)
        await place.until_started()

    ours, peer = alternate([in_loop(runner, begin), timed(lambda: server.begin(*SLEEP))], rounds)
    return _row(
        "launch in a pane, until the agent runs", ours, "bare `tmux new-session`", peer, reason="an interpreter"
    )


def _burst(place: Panes, server: Tmux, runner: asyncio.Runner, rounds: int) -> Row:
    async def ours() -> None:
        run = await place.launch(*BURST)
        await until(lambda: _is_there(Path(place.layout.run_directory(run.session, 1), "exit.json")))
        place.runs.remove(run)

    def alone() -> None:
        pidfd = os.pidfd_open(server.begin(*BURST)[1])
        select.select([pidfd], [], [], READ_S)
        os.close(pidfd)

    taken, peer = alternate([in_loop(runner, ours), timed(alone)], rounds, limit_s=20.0)
    return _row(f"{BURST_BYTES // 10**6} MB of output, until recorded", taken, "the same in a bare pane", peer)


def _paste(place: Panes, server: Tmux, runner: asyncio.Runner, size: int, rounds: int) -> Row:
    text, marks = "x" * 79 + "\n", Path(place.layout.home)
    text = text * (size // len(text))
    turns = iter(range(1_000))

    def reader() -> tuple[Path, tuple[str, ...]]:
        mark = marks / f"read-{size}-{next(turns)}"
        return mark, (sys.executable, "-ISc", READER, str(mark), str(len(text) - 1))

    async def ours() -> float:
        mark, argv = reader()
        run = await place.launch(*argv)
        await until(lambda: _is_there(mark.with_suffix(".ready")))
        begun = time.perf_counter()
        typing = asyncio.create_task(place.runtime.deliver(run, text), name="typing")
        await until(lambda: _is_there(mark))
        took = (time.perf_counter() - begun) * MILLISECONDS
        await typing
        return took

    async def alone() -> float:
        mark, argv = reader()
        pane, _ = server.begin(*argv)
        await until(lambda: _is_there(mark.with_suffix(".ready")))
        begun = time.perf_counter()
        server.ask("load-buffer", "-", ";", "paste-buffer", "-p", "-d", "-t", pane, stdin=text.encode())
        await until(lambda: _is_there(mark))
        return (time.perf_counter() - begun) * MILLISECONDS

    taken, peer = alternate([lambda: runner.run(ours()), lambda: runner.run(alone())], rounds, limit_s=20.0)
    return _row(f"a paste of {size // 1000:,} KB, until the program has it", taken, "a paste into a bare pane", peer)


def _idle(number: int, watched_s: int) -> Iterator[Row]:
    with daemon() as place, temporary_home() as layout, bare_server(layout) as server:
        sessions = place.begin(number, runtime="tmux")
        for _ in range(number):
            server.begin(*SLEEP)
        launchers = [place.record(session, "start.json")["launcher"]["pid"] for session in sessions]
        host, alone = Tmux(place.layout.tmux_socket).pid(), server.pid()
        watched = {"the daemon": [place.pid], "the tmux server": [host], "the launchers": launchers, "bare": [alone]}
        used = _used(watched, watched_s)
        for word in ("the daemon", "the tmux server", "the launchers"):
            yield _row(
                f"processor used by {word}, {number} idle sessions in tmux, a tick every 1 s",
                figures([used[word].cpu_s * 100]),
                "a bare tmux server",
                figures([used["bare"].cpu_s * 100]),
                unit="%",
                target=(at_most(IDLE_TARGETS[word]),) if word in IDLE_TARGETS else (),
                reason="each tick looks at every run; the server writes one line for each of its panes",
            )
        held = figures([proportional_bytes(pid) / MEGABYTE for pid in launchers])
        yield _row(f"PSS of a launcher with a terminal, of {number}", held, unit="MB", target=(at_most(5.0),))
        servers = [figures([resident_bytes(pid) / MEGABYTE]) for pid in (host, alone)]
        yield _row(f"RSS of the tmux server, {number} sessions", servers[0], "a bare one", servers[1], unit="MB")


def _used(watched: dict[str, list[int]], seconds: int) -> dict[str, Usage]:
    """Watch processes do nothing, and give what each group uses in a second."""

    def now() -> dict[str, Usage]:
        taken = {word: [usage_of(pid) for pid in pids] for word, pids in watched.items()}
        return {word: Usage(sum(u.cpu_s for u in all_), sum(u.wake_ups for u in all_)) for word, all_ in taken.items()}

    time.sleep(SETTLED_S)
    before = now()
    time.sleep(seconds)
    return {word: usage.since(before[word]).over(seconds) for word, usage in now().items()}


def _row(
    what: str,
    ours: Figures,
    peer_name: str | None = None,
    peer: Figures | None = None,
    *,
    unit: str = "ms",
    target: tuple[Bound, ...] = (),
    reason: str = "",
) -> Row:
    return Row(
        family=FAMILY, what=what, unit=unit, ours=ours, peer_name=peer_name, peer=peer, target=target, reason=reason
    )


async def _is_there(path: Path) -> bool:
    return path.exists()  # noqa: ASYNC240 - as quick as can be
