"""What people, prompts and hooks run all day, as whole processes, beside a bare interpreter or a bare shell.

All are taken in turns. A command is what was installed: the script `orch` with the interpreter of its environment.
"""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from benchmarks.daemons import Daemon, daemon
from benchmarks.homes import scheduled
from benchmarks.measuring import Act, Effort, Figures, alternate
from benchmarks.processes import BARE, environment, run_silent
from benchmarks.rows import Bound, Row, at_most

FAMILY = "commands"
ORCH = str(Path(sys.executable).parent / "orch")
SIZES, JUDGED_MOST = (10, 100, 500, 1_000), 500  # sessions; the targets are for no more than that
SMALL = SIZES[0]
FLAT = (at_most(1.2, "ratio"),)
COMMAND = (at_most(16.0), at_most(2.5, "ratio"))
HOOKED = (at_most(3.0),)
BARE_NAME = "python -I -S -c pass"
HOOK = """printf '{"report":"%s"}\\n' waiting >>"$ORCH_RUN_DIR/hooks.jsonl"; echo "$ORCH_SESSION" | \\
  dd of="$ORCH_HOME/run/nudge" oflag=nonblock conv=notrunc,nocreat status=none 2>/dev/null || :"""
SEARCH = "the interpreter of an environment looks for its packages first, which `-S` spares the bare one"
DRAWING = "the daemon draws the table anew for each call, some 8 µs a session, and one session more is one line more"
TWO_PROGRAMS = (
    "it starts a `dd`, for a shell cannot write to a FIFO without blocking; each program is most of a millisecond"
)
IMPORTS = "everything but the verbs of all day takes the full command line: typer alone is 100 ms of imports"


class Peer(Struct, frozen=True):
    """What a command is compared to."""

    name: str
    figures: Figures


def measure(effort: Effort) -> Iterator[Row]:
    """Measure each command in turns with what it is compared to."""
    with contextlib.ExitStack() as stack:
        places = {size: stack.enter_context(_waiting(size)) for size in SIZES}
        small, growing = places[SMALL], stack.enter_context(_waiting(1))
        statuses = {_status(size): _act(place, (ORCH, "status")) for size, place in places.items()}
        acts: dict[str, Act] = {
            "bare": _act(small, BARE),
            "--version": _act(small, (ORCH, "--version")),
            "report": _act(small, (ORCH, "report", "working", "on", "it")),
            **statuses,
            "spawn": _act(growing, (ORCH, "spawn", "--runtime", "process", "--dir", "/", "--", "true")),
            "shell": _act(small, ("sh", "-c", ":")),
            "hook": _act(small, ("sh", "-c", HOOK)),
        }
        taken = dict(zip(acts, alternate(list(acts.values()), effort.of(40, 8), limit_s=20.0), strict=True))
    yield from _rows(taken)


def _waiting(size: int) -> contextlib.AbstractContextManager[Daemon]:
    """Run a daemon over so many sessions that wait in their lane."""
    return daemon([scheduled() for _ in range(size)], max_running=1)


def _status(size: int) -> str:
    return f"`orch status` of {size:,} sessions"


def _act(place: Daemon, argv: tuple[str, ...]) -> Act:
    """Run a command as it is run inside a session of this home."""
    run = Path(place.layout.runs, "aaaaaaaa.1")
    run.mkdir(exist_ok=True)
    inside = environment(place.layout, ORCH_RUN_DIR=str(run), ORCH_SESSION="aaaaaaaa")
    return lambda: run_silent(argv, inside)


def _rows(taken: Mapping[str, Figures]) -> Iterator[Row]:
    bare, shell = Peer(BARE_NAME, taken["bare"]), Peer("sh -c :", taken["shell"])
    yield _row("`orch --version`", taken["--version"], bare, COMMAND, SEARCH)
    yield _row("`orch report working`", taken["report"], bare, COMMAND, SEARCH)
    few = Peer(_status(SMALL), taken[_status(SMALL)])
    for size in SIZES:
        what, judged = _status(size), size <= JUDGED_MOST
        yield _row(what, taken[what], bare, COMMAND if judged else (), SEARCH if size == SMALL else DRAWING)
        if size != SMALL:
            yield _row(what, taken[what], few, FLAT if judged else (), DRAWING)
    yield _row("a report in plain sh", taken["hook"], shell, HOOKED, TWO_PROGRAMS)
    yield _row("`orch spawn`", taken["spawn"], bare, (), IMPORTS)


def _row(what: str, ours: Figures, peer: Peer, target: tuple[Bound, ...], reason: str) -> Row:
    return Row(
        family=FAMILY,
        what=what,
        unit="ms",
        ours=ours,
        peer_name=peer.name,
        peer=peer.figures,
        target=target,
        reason=reason,
    )
