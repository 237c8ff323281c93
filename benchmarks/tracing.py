"""System calls of a running process, counted by strace: what no account of the kernel and no word of ours can tell.

Counting slows the process down, so nothing is timed meanwhile.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rows import NotHereError

TRACED = "trace=fork,vfork,clone,clone3,fsync,fdatasync,syncfs"
CALL = re.compile(r"^\d+ +(\w+)\(")  # one that was interrupted is resumed on a line of another form
THREAD = "CLONE_THREAD"
FORKS = ("fork", "vfork", "clone", "clone3")
SYNCS = ("fsync", "fdatasync", "syncfs")
ATTACHED_S = 5.0
LOOK_S = 0.01


class Calls(Counter[str]):
    """How often each call was made; threads that were made are no forks."""

    @property
    def forks(self) -> int:
        """Processes that were made."""
        return sum(self[name] for name in FORKS)

    @property
    def syncs(self) -> int:
        """Times that the disk was asked to keep something."""
        return sum(self[name] for name in SYNCS)


@contextmanager
def traced(pid: int, place: Path) -> Iterator[Calls]:
    """Count the calls of a process and its threads while the block runs; they are there when it is left.

    Raises NotHereError where there is no strace, or where it may not attach.
    """
    calls, output = Calls(), place / "calls"
    if shutil.which("strace") is None:
        raise NotHereError("there is no strace")
    argv = ["strace", "-f", "-e", TRACED, "-e", "signal=none", "-o", str(output), "-p", str(pid)]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as tracer:
        try:
            _wait_until_attached(tracer, pid)
            yield calls
        finally:
            if tracer.poll() is None:
                os.kill(tracer.pid, signal.SIGINT)
    lines = [line for line in output.read_text().splitlines() if THREAD not in line]
    calls.update(found[1] for line in lines if (found := CALL.match(line)))


def _wait_until_attached(tracer: "subprocess.Popen[bytes]", pid: int) -> None:
    """Wait until every thread has a tracer. Raises NotHereError."""
    deadline = time.monotonic() + ATTACHED_S
    while not all(_tracer_of(task) for task in Path(f"/proc/{pid}/task").iterdir()):
        if tracer.poll() is not None or time.monotonic() > deadline:
            raise NotHereError("strace may not attach")
        time.sleep(LOOK_S)


def _tracer_of(task: Path) -> int:
    line = next(line for line in (task / "status").read_text().splitlines() if line.startswith("TracerPid:"))
    return int(line.split()[1])
