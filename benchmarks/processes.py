"""Real processes: with which environment they are started, what the kernel says they cost, and how they are ended.

Nothing is ended by its name. What a daemon has started is found by the mark of its run, looked at again through its
pidfd, and killed through that.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from benchmarks.measuring import MILLISECONDS
from orchestrd.core.layout import Layout
from orchestrd.runtimes.launcher import all_pids, mark_of

INTERPRETER = os.path.realpath(sys.executable)  # not a shim, and not the link of a virtual environment
BARE = (INTERPRETER, "-I", "-S", "-c", "pass")
HTTP_STACK = "import asyncio, concurrent.futures, msgspec, starlette.applications, uvicorn.server"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SWEEPS = 20
ENDED_S = 10.0
KILOBYTE, MEGABYTE = 1024, 1024 * 1024
NANOSECONDS = 1e9

FOREIGN = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "COVERAGE_PROCESS_START")
SETTINGS = "ORCH_"  # of whoever measures, as their configuration is: what is measured are the defaults


class Usage(Struct, frozen=True):
    """What a process has used so far: seconds on a processor, and how often it was put on one."""

    cpu_s: float
    wake_ups: float

    def since(self, earlier: "Usage") -> "Usage":
        """Take away what had been used before."""
        return Usage(self.cpu_s - earlier.cpu_s, self.wake_ups - earlier.wake_ups)

    def over(self, seconds: float) -> "Usage":
        """Give the use of one second."""
        return Usage(self.cpu_s / seconds, self.wake_ups / seconds)


def environment(layout: Layout, **more: str) -> dict[str, str]:
    """Give an environment for one home, with no settings, in which Python keeps what it compiles, as for users."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN and not name.startswith(SETTINGS)}
    return {**kept, "ORCH_HOME": layout.home, "XDG_CONFIG_HOME": f"{layout.home}/config", **more}


def run_silent(argv: tuple[str, ...], environ: Mapping[str, str]) -> float:
    """Run a program to its end with nothing on its streams; gives its wall time in milliseconds.

    Raises RuntimeError when it fails: how fast something fails is of no interest.
    """
    streams = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    begun = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, environ, file_actions=streams)
    _, how = os.waitpid(pid, 0)
    took = (time.perf_counter() - begun) * MILLISECONDS
    if how:
        raise RuntimeError(f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(how)}")
    return took


def usage_of(pid: int) -> Usage:
    """Ask what a process has used, over all its threads that are still there."""
    accounts = [(task / "schedstat").read_text().split() for task in Path(f"/proc/{pid}/task").iterdir()]
    return Usage(
        cpu_s=sum(int(on_cpu) for on_cpu, _, _ in accounts) / NANOSECONDS,
        wake_ups=sum(int(times) for _, _, times in accounts),
    )


def used_by(pids: Sequence[int], seconds: float) -> list[Usage]:
    """Leave processes alone for so long, all over the same time; gives what each uses in one second."""
    before = [usage_of(pid) for pid in pids]
    time.sleep(seconds)
    return [usage_of(pid).since(then).over(seconds) for pid, then in zip(pids, before, strict=True)]


def resident_bytes(pid: int) -> int:
    """Give the memory that a process holds, shared pages included."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


def proportional_bytes(pid: int) -> int:
    """Give the memory that a process costs: shared pages are counted in parts."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * KILOBYTE for line in lines if line.startswith("Pss:"))


def bearing_marks(sessions: Iterable[str]) -> list[int]:
    """Find the processes that bear the mark of a run of these sessions."""
    wanted = {session.encode() for session in sessions}
    return [pid for pid in all_pids() if pid != os.getpid() and _session_of(pid) in wanted]


def end_runs(layout: Layout) -> None:
    """Kill whatever the runs of a home have left, until nothing is found, and wait for it to be gone.

    Raises RuntimeError when there is no end to it.
    """
    sessions = {run.name.partition(".")[0] for run in Path(layout.runs).iterdir()}
    for _ in range(SWEEPS):
        found = bearing_marks(sessions)
        if not found:
            return
        for pid in found:
            _kill(pid, sessions)
    raise RuntimeError(f"processes of {layout.home} do not end")


def _kill(pid: int, sessions: set[str]) -> None:
    """Kill one process through its pidfd, once that is known to be of one of these sessions."""
    with contextlib.suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            if _session_of(pid) in {session.encode() for session in sessions}:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                select.select([pidfd], [], [], ENDED_S)
        finally:
            os.close(pidfd)


def _session_of(pid: int) -> bytes | None:
    mark = mark_of(pid)
    return mark.partition(b":")[0] if mark else None
