"""The families of rows, one file each, in the order they are told."""

from collections.abc import Callable, Iterator, Mapping

from benchmarks.families import (
    commands,
    commits,
    counts,
    deaths,
    fanout,
    idling,
    memory,
    orchestrators,
    powercuts,
    recoveries,
    rereads,
    spawns,
    supervisors,
    sweeps,
    terminals,
    ticks,
    worktrees,
)
from benchmarks.measuring import Effort
from benchmarks.rows import Row

FAMILIES: Mapping[str, Callable[[Effort], Iterator[Row]]] = {
    "commands": commands.measure,
    "ticks": ticks.measure,
    "rereads": rereads.measure,
    "commits": commits.measure,
    "counts": counts.measure,
    "powercuts": powercuts.measure,
    "deaths": deaths.measure,
    "spawns": spawns.measure,
    "recoveries": recoveries.measure,
    "fanout": fanout.measure,
    "memory": memory.measure,
    "idling": idling.measure,
    "sweeps": sweeps.measure,
    "terminals": terminals.measure,
    "worktrees": worktrees.measure,
    "supervisors": supervisors.measure,
    "orchestrators": orchestrators.measure,
}
