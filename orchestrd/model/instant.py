"""A moment as three clocks see it, and deadlines that survive a restart and a reboot.

Wall time may jump; the boot-time clock may not, but it starts anew with each boot. So a deadline holds both, with the
boot it was written in: within one boot the boot-time clock decides, after a reboot the wall clock does.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct


class Instant(Struct, frozen=True, kw_only=True):
    """Now: wall clock (aware, UTC), boot id, and seconds since that boot, sleep included."""

    at: datetime
    boot: str
    up_s: float

    def since_s(self, past: "Instant") -> float:
        """Seconds that have passed since then, at least none; a jump of the wall clock within one boot is none."""
        passed_s = self.up_s - past.up_s if self.boot == past.boot else (self.at - past.at).total_seconds()
        return max(0.0, passed_s)


class DueName(StrEnum):
    """What a deadline is for. A session has at most one of each."""

    START = "start"  # no start record yet: kill, then failed (start_timeout)
    CONTACT = "contact"  # every observer unknown: lost (contact_lost)
    GRACE = "grace"  # TERM was not enough: kill
    KILL_AGAIN = "kill_again"  # the last kill failed
    LIMIT = "limit"  # its usage limit has ended: it is told to go on
    STUCK = "stuck"  # it works, and nothing has come of it: told of as stuck


class Due(Struct, frozen=True, kw_only=True):
    """One deadline, as it is stored."""

    name: DueName
    at: datetime
    boot: str
    up_s: float

    def is_past(self, now: Instant) -> bool:
        """Tell whether the deadline has passed; a jump of the wall clock within one boot changes nothing."""
        if now.boot == self.boot:
            return now.up_s >= self.up_s
        return now.at >= self.at

    def wait_s(self, now: Instant) -> float:
        """Seconds until the deadline, zero when it has passed."""
        left_s = self.up_s - now.up_s if now.boot == self.boot else (self.at - now.at).total_seconds()
        return max(0.0, left_s)


def due_in(name: DueName, seconds: float, now: Instant) -> Due:
    """Set a deadline this many seconds from now."""
    return Due(name=name, at=now.at + timedelta(seconds=seconds), boot=now.boot, up_s=now.up_s + seconds)
