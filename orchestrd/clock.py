"""The system's clocks: the one place of the daemon that reads them.

Seconds since boot include sleep (CLOCK_BOOTTIME). Where the kernel has neither that clock nor a boot id, the monotonic
clock stands in, and every boot bears the same name: deadlines then wait longer after a reboot, and no run is ever taken
to belong to another boot. Both soften verdicts; neither invents one.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrd.model.instant import Instant

BOOT_ID = "/proc/sys/kernel/random/boot_id"
NO_BOOT_ID = "no-boot-id"  # the launcher says the same
LOCAL_TIME = "/etc/localtime"

_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The clock of this machine."""

    def __init__(self, boot_id_path: str = BOOT_ID) -> None:
        self._boot = _read_boot_id(Path(boot_id_path))

    def now(self) -> Instant:
        """Read the three clocks."""
        return Instant(at=datetime.now(UTC), boot=self._boot, up_s=time.clock_gettime(_SINCE_BOOT))


def local_zone(environ: Mapping[str, str], path: str = LOCAL_TIME) -> tzinfo:
    """Give the time zone that clocks on the wall go by here: that of TZ, else of the machine, else UTC. Blocking."""
    try:
        if name := environ.get("TZ", "").removeprefix(":"):
            return ZoneInfo(name)
        with Path(path).open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return UTC


def _read_boot_id(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return NO_BOOT_ID
