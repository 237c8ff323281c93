"""Looking at many sessions in tmux: at all of them once a tick, and at the screens of those that work.

Ours is the whole look of the runtime: processes, records, and the one question to the control client. The peers only
ask tmux, in the ways one would.
"""

import asyncio
from collections.abc import Iterator, Sequence

import libtmux

from benchmarks.measuring import Effort, Figures, alternate, figures, timed
from benchmarks.panes import Metered, Panes, forks, in_loop, opened
from benchmarks.rows import Row, at_most
from orchestrd.runtimes.panes import LIST

FAMILY = "sweeps"
SIZES, SIZES_QUICK = (10, 100, 500), (10, 30)
PEERS = ONE_FORK, LIBRARY, FORKS = "one `tmux list-panes -a`", "libtmux's list of panes", "one `tmux has-session` each"
TARGETS = {
    (100, ONE_FORK): (at_most(3.0),),
    (100, FORKS): (at_most(1 / 65, "ratio"),),
    (500, ONE_FORK): (at_most(12.0),),
}
REASON = "of each run its launcher and its agent are looked at as well, which tmux is never asked about"
SCREENS = 100


def measure(effort: Effort) -> Iterator[Row]:
    """Measure at each size, and the screens between."""
    with opened() as (runner, place):
        for size in SIZES_QUICK if effort.is_quick else SIZES:
            runner.run(place.begin(size))
            yield from _sweeps(place, runner, size, effort.of(30, 8))
            if size == effort.of(SCREENS, SIZES_QUICK[-1]):
                yield _screens(place, runner, effort.of(20, 5))


def _sweeps(place: Panes, runner: asyncio.Runner, size: int, rounds: int) -> Iterator[Row]:
    server, pid = place.server, place.server.pid()
    library = libtmux.Server(socket_path=server.socket)
    each = [("has-session", "-t", f"={run.session}-1") for run in place.runs]
    calls = (forks(server, [LIST]), lambda: library.panes, forks(server, each))
    ours = Metered(in_loop(runner, lambda: place.runtime.probe(place.runs)), pid)
    peers = [Metered(timed(call), pid) for call in calls]
    wall, *walls = alternate([ours, *peers], rounds)
    for name, peer, taken in zip(PEERS, peers, walls, strict=True):
        limits = TARGETS.get((size, name), ())
        yield Row(
            family=FAMILY,
            what=f"look at {size} runs in panes",
            unit="ms",
            ours=wall,
            peer_name=name,
            peer=taken,
            target=limits,
            reason=REASON,
        )
        yield Row(
            family=FAMILY,
            what=f"processor for a look at {size} runs in panes, the server's too",
            unit="ms",
            ours=_cost(ours.cpu_ms),
            peer_name=name,
            peer=_cost(peer.cpu_ms),
        )


def _cost(taken: Sequence[float]) -> Figures:
    return figures(taken[1:])  # without the warming up


def _screens(place: Panes, runner: asyncio.Runner, rounds: int) -> Row:
    async def all_screens() -> None:
        shown = await asyncio.gather(*map(place.runtime.screen, place.runs))
        if None in shown:
            raise RuntimeError("a pane has shown nothing")

    runner.run(place.runtime.probe(place.runs))
    names = place.server.ask("list-panes", "-a", "-F", "#{pane_id}").split()
    bare = timed(forks(place.server, [("capture-pane", "-p", "-t", name) for name in names]))
    ours, peer = alternate([in_loop(runner, all_screens), bare], rounds)
    return Row(
        family=FAMILY,
        what=f"the screens of {len(place.runs)} runs",
        unit="ms",
        ours=ours,
        peer_name="one `tmux capture-pane` each",
        peer=peer,
    )
