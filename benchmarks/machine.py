"""What has to be known of the machine to read the figures, and nothing that names it."""

import os
import platform
import tempfile
from pathlib import Path

from msgspec import Struct


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


def _file_system(place: Path) -> str:
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    holding = [(where, kind) for where, kind in mounts if place.is_relative_to(where)]
    return max(holding, key=lambda mount: len(mount[0]))[1]
