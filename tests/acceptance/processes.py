"""What /proc says of processes, read by the tests themselves: code under test is no witness in its own case.

Invariant: a process is ended only after its identity and its environment were looked at again under a pidfd.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

LOOK_S = 0.01


class Identity(NamedTuple):
    """One process of this boot; the start time tells a reused pid from the old one."""

    pid: int
    started_ticks: int


def until(is_so: Callable[[], object], what: str, *, within_s: float = 15.0) -> None:
    """Look again and again until something is so; fails with `what` when it is not in time."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(LOOK_S)


def identity_of(pid: int) -> Identity | None:
    """Name a living process; null when it is gone or a zombie."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        if fields[0] not in (b"Z", b"X"):
            return Identity(pid, int(fields[19]))
    return None


def is_alive(process: Identity) -> bool:
    return identity_of(process.pid) == process


def environment_of(pid: int) -> dict[str, str]:
    """Give what a process was started with; empty when it may not be asked, or is gone."""
    with contextlib.suppress(OSError):
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return {}


def bearing(is_ours: Callable[[dict[str, str]], bool]) -> Iterator[Identity]:
    """Find the living processes whose environment says that they are ours."""
    for place in Path("/proc").glob("[0-9]*"):
        pid = int(place.name)
        if is_ours(environment_of(pid)) and (found := identity_of(pid)):
            yield found


def children_of(pid: int) -> list[int]:
    """List the children of a process, those that nobody has reaped included."""
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def end(process: Identity, is_ours: Callable[[dict[str, str]], bool], number: signal.Signals = signal.SIGKILL) -> None:
    """Signal one process, if it still is the one that was found."""
    with contextlib.suppress(ProcessLookupError):
        hold = os.pidfd_open(process.pid)
        try:
            if is_alive(process) and is_ours(environment_of(process.pid)):
                signal.pidfd_send_signal(hold, number)
        finally:
            os.close(hold)
