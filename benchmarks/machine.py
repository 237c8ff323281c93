"""What has to be known of the machine to read the figures, and nothing that names it."""

import os
import platform
import tempfile
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

SESSION_BYTES = 6 * 1024 * 1024  # of a launcher and an agent that sleeps, and half of it for who else is here
PIDS_SHARE = 4  # of the pids there are, no more than one in so many


class Machine(Struct, frozen=True, kw_only=True):
    """The facts. `load` is how many processes wanted a processor in the minute before."""

    cores: int
    system: str
    python: str
    file_system: str
    load: float

    def text(self) -> str:
        """Say them in one line."""
        return (
            f"{self.cores} cores, {self.system}, Python {self.python}, {self.file_system}; "
            f"load before the start {self.load:.1f}"
        )


def this_machine() -> Machine:
    """Look at the machine this runs on. The file system is that of temporary files, where all of it happens."""
    kernel = ".".join(platform.release().split("-")[0].split(".")[:2])
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        system=f"{platform.system()} {kernel}",
        python=platform.python_version(),
        file_system=_file_system(Path(tempfile.gettempdir()).resolve()),
        load=os.getloadavg()[0],
    )


def borne(sizes: Sequence[int]) -> Sequence[int]:
    """Leave out the numbers of sessions that this machine does not bear: each is a launcher and an agent."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    pids = int(Path("/proc/sys/kernel/pid_max").read_text())
    return [size for size in sizes if 2 * size * SESSION_BYTES <= free and 2 * size * PIDS_SHARE <= pids]


def _file_system(place: Path) -> str:
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    holding = [(where, kind) for where, kind in mounts if place.is_relative_to(where)]
    return max(holding, key=lambda mount: len(mount[0]))[1]
