"""What must hold, and what was found: one row a figure, reached or missed, and in which play the worst of it was. Pure.

A bound that is missed stays in the table as missed. What the document says of the cause beyond that stands in
`reasons.toml`, written by who has looked into it.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from benchmarks.truth.playing import Played
from benchmarks.truth.receipts import Receipts, receipts
from benchmarks.truth.scoring import Score, Seen, percentile, together

REASONS = Path(__file__).with_name("reasons.toml")
ROUNDING = 0.005  # what is printed as equal to its bound is not called a miss


class Condition(Struct, frozen=True, kw_only=True):
    """Under which conditions plays were scored: which agent, in which version, how it was driven."""

    player: str
    version: str
    has_hooks: bool
    tick_s: float

    @property
    def hooks(self) -> str:
        """Say it in a word."""
        return "on" if self.has_hooks else "off"


class Figure(Struct, frozen=True, kw_only=True):
    """One figure of the table that must hold."""

    name: str
    bound: str
    found: str
    is_reached: bool
    worst: str = ""  # where a miss comes from, out of the plays themselves


class Result(Struct, frozen=True, kw_only=True):
    """All that was played under one condition."""

    condition: Condition
    plays: tuple[Played, ...]
    left_out: Mapping[str, str]  # scenario: why it is not for this agent
    agents_at_once: int
    load: float  # the most, of all plays, as the kernel averages it over a minute

    @property
    def scored(self) -> list[Played]:
        """Give the plays that came to their end."""
        return [one for one in self.plays if one.failure is None]

    @property
    def score(self) -> Score:
        """Give the score of all of them together."""
        return together(one.score for one in self.scored)

    @property
    def receipts(self) -> Receipts:
        """Give what became of all messages."""
        return receipts(sent for one in self.scored for sent in one.sent)

    @property
    def figures(self) -> list[Figure]:
        """Give the table that must hold; nothing where nothing was scored."""
        return [row(self) for row in ROWS] if self.score.scored_s else []


def reason_for(condition: Condition, figure: Figure, reasons: Mapping[str, Mapping[str, str]]) -> str:
    """Give what is known of a miss beyond its numbers; nothing where nobody has written it down."""
    told = reasons.get(condition.player, {})
    return told.get(f"{figure.name}, hooks {condition.hooks}", told.get(figure.name, ""))


def known_reasons() -> Mapping[str, Mapping[str, str]]:
    """Read what was written down of misses, by agent and figure."""
    return tomllib.loads(REASONS.read_text(encoding="utf-8"))


def _accuracy(result: Result) -> Figure:
    least = 0.995 if result.condition.has_hooks else 0.97
    found = result.score.accuracy or 0.0
    wrong = {
        (one.scenario, *cell): seconds
        for one in result.scored
        for cell, seconds in one.score.confusion.items()
        if cell[0] != cell[1]
    }
    most = max(wrong, key=lambda key: wrong[key], default=None)
    return Figure(
        name="accuracy by time",
        bound=f"≥ {least:.1%}",
        found=f"{found:.2%}",
        is_reached=found >= least,
        worst="" if most is None else f"{wrong[most]:.1f} s of {most[1]} called {most[2]} in {most[0]}",
    )


def _latency(result: Result) -> Figure:
    most = 0.3 if result.condition.has_hooks else 1.5 * result.condition.tick_s
    found = percentile(result.score.seen, 0.95)
    slowest = max(
        ((one.scenario, seen) for one in result.scored for seen in one.score.seen), key=_slowness, default=None
    )
    is_reached = found is not None and found <= most * (1 + ROUNDING)
    return Figure(
        name="edge latency p95",
        bound=f"≤ {most:g} s",
        found="never" if found is None else f"{found:.2f} s",
        is_reached=is_reached or not result.score.seen,
        worst="" if slowest is None else _told(*slowest),
    )


def _slowness(one: tuple[str, Seen]) -> float:
    return float("inf") if one[1].latency_s is None else one[1].latency_s


def _told(scenario: str, seen: Seen) -> str:
    late = "was never claimed" if seen.latency_s is None else f"took {seen.latency_s:.2f} s"
    return f"{seen.before} → {seen.after} {late} in {scenario}"


def _no_false(claimed: str, name: str) -> Callable[[Result], Figure]:
    def row(result: Result) -> Figure:
        found = result.score.falsely(claimed)
        where = [one.scenario for one in result.scored if one.score.falsely(claimed)]
        return Figure(name=name, bound="0", found=str(found), is_reached=found == 0, worst=_in(where))

    return row


def _typed_astray(result: Result) -> Figure:
    found = result.receipts.typed_astray
    where = [one.scenario for one in result.scored if any(sent.was_typed_astray for sent in one.sent)]
    return Figure(
        name="input typed into a dialog", bound="0", found=str(found), is_reached=found == 0, worst=_in(where)
    )


def _longest_wrong(result: Result) -> Figure:
    most = 2.0 if result.condition.has_hooks else 3 * result.condition.tick_s
    worst = max(result.scored, key=lambda one: one.score.longest_wrong.seconds)
    wrong = worst.score.longest_wrong
    return Figure(
        name="longest wrong interval",
        bound=f"≤ {most:g} s",
        found=f"{wrong.seconds:.2f} s",
        is_reached=wrong.seconds <= most * (1 + ROUNDING),
        worst=f"{wrong.truth} called {wrong.claimed} in {worst.scenario}",
    )


def _submitted(result: Result) -> Figure:
    found = result.receipts.submitted_that_were_not
    where = [
        one.scenario
        for one in result.scored
        if any(sent.receipt == "submitted" and not sent.was_heard for sent in one.sent)
    ]
    return Figure(name="`submitted` that was not", bound="0", found=str(found), is_reached=found == 0, worst=_in(where))


def _denied(result: Result) -> Figure:
    most, told = (0.01 if result.condition.has_hooks else 0.05), result.receipts
    return Figure(
        name="`refused` or `unknown` that was",
        bound=f"≤ {most:.0%}",
        found=f"{told.denied_that_were} of {told.sent}",
        is_reached=told.denied_share <= most,
    )


def _in(scenarios: Sequence[str]) -> str:
    return f"in {', '.join(scenarios)}" if scenarios else ""


ROWS: Sequence[Callable[[Result], Figure]] = (
    _accuracy,
    _latency,
    _no_false("ended", "false deaths"),
    _no_false("blocked", "false `blocked`"),
    _typed_astray,
    _longest_wrong,
    _submitted,
    _denied,
)
