"""Samples, and how they are taken: ours and the peer in turns, so that both see the same machine.

Whatever slows the machine down for a second slows down both sides, and the ratio of the medians stays. The garbage
collector is left alone: what it costs in use it costs here. Every series is bounded by a number of rounds and by time.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

Act = Callable[[], float]  # does something once, and gives what it cost

MILLISECONDS = 1e3
ROUNDS_MIN = 3
SERIES_S = 6.0  # one series of rounds ends after this long, however many are left


class Effort(Struct, frozen=True):
    """How much is asked for: the whole measurement, or a quick look."""

    is_quick: bool = False

    def of(self, full: int, quick: int) -> int:
        """Choose a number of rounds, sessions or seconds."""
        return quick if self.is_quick else full


class Figures(Struct, frozen=True):
    """The samples of one thing, at least one."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of the samples are below."""
        return statistics.median(self.samples)

    @property
    def least(self) -> float:
        """The best that was seen."""
        return min(self.samples)

    @property
    def worst(self) -> float:
        """The worst that was seen."""
        return max(self.samples)

    @property
    def p99(self) -> float:
        """99 of 100 samples are at or below; the worst where there are fewer than 100."""
        return sorted(self.samples)[min(len(self.samples) - 1, len(self.samples) * 99 // 100)]


def figures(samples: Iterable[float]) -> Figures:
    """Take samples together."""
    return Figures(tuple(samples))


def alternate(acts: Sequence[Act], rounds: int, *, limit_s: float = SERIES_S) -> tuple[Figures, ...]:
    """Warm every act up once, then do them in turns; one figure each, in the same order."""
    for act in acts:
        act()
    samples: list[list[float]] = [[] for _ in acts]
    deadline = time.monotonic() + limit_s
    for round_ in range(rounds):
        if round_ >= ROUNDS_MIN and time.monotonic() > deadline:
            break
        for taken, act in zip(samples, acts, strict=True):
            taken.append(act())
    return tuple(figures(taken) for taken in samples)


def timed(call: Callable[[], object], *, per: int = 1) -> Act:
    """Make an act of a call: what it takes, in milliseconds, of which it does `per` things at a time."""

    def act() -> float:
        begun = time.perf_counter()
        call()
        return (time.perf_counter() - begun) * MILLISECONDS / per

    return act
