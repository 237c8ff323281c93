"""Resident memory: of the daemon alone and with many sessions, of what each session adds, and of each launcher."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from subprocess import PIPE

from benchmarks.daemons import Daemon, daemon
from benchmarks.homes import ended, scheduled
from benchmarks.measuring import Effort, figures
from benchmarks.processes import (
    HTTP_STACK,
    INTERPRETER,
    KILOBYTE,
    MEGABYTE,
    environment,
    proportional_bytes,
    resident_bytes,
)
from benchmarks.rows import Row, at_most
from orchestrd.model.session import Session

FAMILY = "memory"
SESSIONS = 1_000
DAEMON_MB, SESSION_KB, LAUNCHER_MB = 50.0, 10.0, 5.0
STACK = "an interpreter that has imported the HTTP stack"
WAITS = "import sys; sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()"


def measure(effort: Effort) -> Iterator[Row]:
    """Measure an empty home, then homes full of sessions that ended, and of sessions that wait."""
    with daemon(max_running=1) as place:
        empty = _settled(place)
        stack = _waiting((sys.executable, "-c", f"{HTTP_STACK}; {WAITS}"), place)
        yield _daemon_row("daemon without a session", empty, stack)
        yield _launcher_row(place, effort.of(10, 5))
    for word, make in (("ended", ended), ("waiting in the lane", scheduled)):
        full = _with_sessions(make)
        yield _daemon_row(f"daemon with {SESSIONS:,} sessions, {word}", full, stack)
        yield _growth_row(word, full - empty)


def _settled(place: Daemon) -> int:
    """Use the daemon once, as a person does, and give what it then holds."""
    place.client.status(with_ended=True)
    list(place.client.events())
    return resident_bytes(place.pid)


def _with_sessions(make: Callable[[], Session]) -> int:
    with daemon([make() for _ in range(SESSIONS)], max_running=1) as place:
        return _settled(place)


def _waiting(argv: Sequence[str], place: Daemon, of: Callable[[int], int] = resident_bytes) -> int:
    """Give what a program holds once it waits."""
    with subprocess.Popen(argv, stdin=PIPE, stdout=PIPE, env=environment(place.layout)) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        held = of(process.pid)
        process.kill()
    return held


def _daemon_row(what: str, held: int, stack: int) -> Row:
    return Row(
        family=FAMILY,
        what=f"RSS of the {what}",
        unit="MB",
        ours=figures([held / MEGABYTE]),
        peer_name=STACK,
        peer=figures([stack / MEGABYTE]),
        target=(at_most(DAEMON_MB),),
        reason="the interpreter and the HTTP stack come first; the rest is the daemon's own code and its sessions",
    )


def _growth_row(word: str, growth: int) -> Row:
    return Row(
        family=FAMILY,
        what=f"growth per session, {word}",
        unit="KB",
        ours=figures([growth / SESSIONS / KILOBYTE]),
        target=(at_most(SESSION_KB),),
        reason="the record with its spec is held once, as objects; what a list of all sessions took to write is in it",
    )


def _launcher_row(place: Daemon, number: int) -> Row:
    """Weigh the launchers by what they cost: the interpreter's pages are shared by all of them."""
    with daemon() as running:
        launchers = [running.record(session, "start.json")["launcher"]["pid"] for session in running.begin(number)]
        weights = [proportional_bytes(pid) for pid in launchers]
        bare = _waiting((INTERPRETER, "-I", "-S", "-c", WAITS), place, proportional_bytes)
    return Row(
        family=FAMILY,
        what=f"PSS of a launcher, of {number} that run",
        unit="MB",
        ours=figures([weight / MEGABYTE for weight in weights]),
        peer_name="a bare interpreter",
        peer=figures([bare / MEGABYTE]),
        target=(at_most(LAUNCHER_MB),),
        reason="pages of the interpreter that are its own; the launcher adds next to nothing",
    )
