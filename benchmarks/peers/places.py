"""Where peers are installed, and the processes that they keep: found and ended by a mark in their command line."""

import contextlib
import os
import secrets
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.processes import FOREIGN
from orchestrd.runtimes.launcher import all_pids

PEERS = Path(__file__).parent.parent.parent / ".venv" / "peers"
PATIENCE_S = 60.0
LOOK_S = 0.0005
SLEEP_S = 3_600  # longer than anything here takes
DIGITS = 9
BETWEEN_LOOKS_S = 0.05
ENDED_S = 10.0
OURS = ("TMUX", "TMUX_PANE", "SHELL")  # of the terminal in which this runs


def program(peer: str, name: str) -> Path | None:
    """Find an installed program of a peer; null where it is not there."""
    for place in ("bin", "node_modules/.bin"):
        found = PEERS / peer / place / name
        if found.exists():
            return found
    return None


def environment(place: Path, **more: str) -> dict[str, str]:
    """Give an environment in which a peer's home is a temporary place, and Python keeps what it compiles."""
    kept = {name: value for name, value in os.environ.items() if name not in (*FOREIGN, *OURS)}
    return {**kept, "HOME": str(place), "TMUX_TMPDIR": str(place), **more}


class Marked:
    """Processes that do nothing and bear a mark nobody else has: an exact time to sleep."""

    def __init__(self) -> None:
        self._mark = f"{SLEEP_S}.{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        self.argv = ("sleep", self._mark)

    def pids(self) -> list[int]:
        """List those that run now."""
        return [pid for pid in all_pids() if self._is_one(pid)]

    def end(self) -> None:
        """Kill all that run, each through its pidfd; two looks, for in the middle of an exec nobody bears a mark."""
        for _ in range(2):
            for pid in self.pids():
                end(pid, is_still=self._is_one)
            time.sleep(BETWEEN_LOOKS_S)

    def _is_one(self, pid: int) -> bool:
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            return words[1:2] == [self._mark.encode()]
        return False


def end(pid: int, *, is_still: Callable[[int], bool] = lambda _: True) -> None:
    """End one process through its pidfd and wait until it is over; nothing where it is not the one that was meant."""
    with contextlib.suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            if is_still(pid):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                select.select([pidfd], [], [], ENDED_S)
        finally:
            os.close(pidfd)


def children_of(pid: int) -> set[int]:
    """Give the children of a process, as the kernel lists them; none where it is over."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found.update(map(int, (task / "children").read_text().split()))
    return found


def until(condition: Callable[[], bool], what: str) -> None:
    """Look until it is so. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {PATIENCE_S:g} s")
        time.sleep(LOOK_S)
