"""One row: what was measured, beside what, and whether it is good enough. A row without a target judges nothing."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from benchmarks.measuring import Figures

STATISTICS: Mapping[str, Callable[["Row"], float | None]] = {
    "median": lambda row: row.ours.median,
    "p99": lambda row: row.ours.p99,
    "worst": lambda row: row.ours.worst,
    "ratio": lambda row: row.ratio,
    "surplus": lambda row: None if row.peer is None else row.ours.median - row.peer.median,
}
WHOLE_FROM = 100  # numbers from here on are written without a fraction
SMALL = 0.3  # ratios up to here are read better the other way round
ROUNDING = 0.005  # what is printed as equal to its bound is not called a miss


class NotHereError(Exception):
    """Something that a family needs is not on this machine; the sentence names it."""


class Bound(Struct, frozen=True):
    """One condition of a target: a statistic of the row, at most or at least this much."""

    statistic: str
    limit: float
    is_least: bool = False

    def holds(self, row: "Row") -> bool:
        """Tell whether the row is within it; without a peer there is no ratio, and it cannot be."""
        found = STATISTICS[self.statistic](row)
        if found is None:
            return False
        return found >= self.limit * (1 - ROUNDING) if self.is_least else found <= self.limit * (1 + ROUNDING)

    def text(self, unit: str) -> str:
        """Say it as a person would."""
        sign = "≥" if self.is_least else "≤"
        if self.statistic == "ratio":
            return f"{sign} {times(self.limit)}"
        if self.statistic == "surplus":
            return f"{sign} {self.limit:g} {unit} more"
        name = "" if self.statistic == "median" else f"{self.statistic} "
        return f"{name}{sign} {self.limit:g} {unit}".rstrip()


class Row(Struct, frozen=True, kw_only=True):
    """One thing measured. `reason` is where the cost comes from, or what keeps it from its target.

    A peer with a name and no figures is one that is not installed; its row asks for nothing that would need it.
    """

    family: str
    what: str
    unit: str
    ours: Figures
    peer_name: str | None = None
    peer: Figures | None = None
    target: tuple[Bound, ...] = ()
    reason: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times the peer ours is, by their medians."""
        if self.peer is None or self.peer.median == 0:
            return None
        return self.ours.median / self.peer.median

    @property
    def verdict(self) -> str:
        """Say `met` or `MISSED`, or nothing where there is no target."""
        if not self.target:
            return ""
        return "MISSED" if self.missed_text else "met"

    @property
    def missed_text(self) -> str:
        """Say which bounds of the target do not hold; nothing where all do."""
        return ", ".join(bound.text(self.unit) for bound in self.target if not bound.holds(self))

    @property
    def target_text(self) -> str:
        """Say what it should be."""
        return ", ".join(bound.text(self.unit) for bound in self.target)


def times(ratio: float) -> str:
    """Write a ratio: `2.5x`, or `1/40` where ours is a small part of the other."""
    return f"{number(ratio)}x" if ratio > SMALL or ratio <= 0 else f"1/{number(1 / ratio)}"


def number(value: float) -> str:
    """Write three digits that count."""
    return f"{value:,.0f}" if abs(value) >= WHOLE_FROM else f"{value:.3g}"


def at_most(limit: float, statistic: str = "median") -> Bound:
    """Ask for no more than this."""
    return Bound(statistic, limit)


def at_least(limit: float, statistic: str = "median") -> Bound:
    """Ask for no less than this."""
    return Bound(statistic, limit, is_least=True)
