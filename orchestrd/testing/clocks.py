"""Clocks that obey: one moved by hand, one moved by the event loop."""

import asyncio
from datetime import UTC, datetime, timedelta

from orchestrd.model.instant import Instant

DAWN = Instant(at=datetime(2026, 1, 1, tzinfo=UTC), boot="boot-1", up_s=1_000.0)


def later(instant: Instant, seconds: float) -> Instant:
    """Give the moment this many seconds later, in the same boot."""
    return Instant(at=instant.at + timedelta(seconds=seconds), boot=instant.boot, up_s=instant.up_s + seconds)


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: Instant = DAWN) -> None:
        self._now = start

    def now(self) -> Instant:
        """Read the clock."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass on all three clocks."""
        self._now = later(self._now, seconds)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward, or back; nothing else has moved."""
        self._now = Instant(at=self._now.at + timedelta(seconds=seconds), boot=self._now.boot, up_s=self._now.up_s)

    def reboot(self, boot: str) -> None:
        """Start the machine anew: the same wall clock, another boot."""
        self._now = Instant(at=self._now.at, boot=boot, up_s=0.0)


class LoopClock:
    """A clock that goes with the running loop, from `start` at the loop's own zero.

    A simulation that drops its loop goes on with `LoopClock(the last moment of the old one)`.
    """

    def __init__(self, start: Instant = DAWN) -> None:
        self._start = start

    def now(self) -> Instant:
        """Read the clock; there must be a running loop."""
        return later(self._start, asyncio.get_running_loop().time())

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward, or back; nothing else has moved."""
        start = self._start
        self._start = Instant(at=start.at + timedelta(seconds=seconds), boot=start.boot, up_s=start.up_s)

    def reboot(self, boot: str) -> None:
        """Start the machine anew: the same wall clock, another boot, counting from now."""
        elapsed_s = asyncio.get_running_loop().time()
        self._start = Instant(at=self._start.at, boot=boot, up_s=-elapsed_s)
