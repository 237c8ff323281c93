"""What the tests themselves see of processes: read from /proc, without a line of the code they test."""

import os
import subprocess
from pathlib import Path

import pytest

# Root that may become another user, and then neither signal nor look into what it has started as that user.
POWERLESS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all,+setuid,+setgid")
# A script of sh that leaves a process of another user behind, in a session of its own, and exits with 7.
LEAVES_A_STRANGER = (
    "setsid setpriv --reuid=65534 --clear-groups sleep 300 & "
    "until grep -q '^Uid:[[:space:]]*65534' /proc/$!/status; do sleep 0.01; done; echo $!; exit 7"
)


def skip_unless_there_can_be_strangers() -> None:
    """Skip a test that needs a process of another user where nobody may start one."""
    if os.geteuid() or subprocess.run([*POWERLESS, "true"], check=False, capture_output=True).returncode:
        pytest.skip("only root may start processes of another user")


def stat_of(pid: int) -> list[str] | None:
    """Give the fields of /proc/PID/stat from the third on: state, parent, group, session; null when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def is_alive(pid: int) -> bool:
    """Tell whether a process lives; a zombie does not."""
    stat = stat_of(pid)
    return stat is not None and stat[0] not in "ZX"


def all_pids() -> list[int]:
    """List every process."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def mark_of(pid: int) -> str | None:
    """Give the ORCH_RUN that a process was started with."""
    pairs = read(f"/proc/{pid}/environ").decode(errors="replace").split("\0")
    return next((pair.removeprefix("ORCH_RUN=") for pair in pairs if pair.startswith("ORCH_RUN=")), None)


def bearers(mark: str) -> list[int]:
    """List what lives with this mark."""
    return [pid for pid in all_pids() if mark_of(pid) == mark and is_alive(pid)]


def children(pid: int) -> dict[int, str]:
    """List the children of a process with the state of each."""
    stats = {other: stat_of(other) for other in all_pids()}
    return {other: stat[0] for other, stat in stats.items() if stat and stat[1] == str(pid)}


def read(path: str) -> bytes:
    """Read a file that may be gone."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
