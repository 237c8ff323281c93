"""Results as text for a terminal, as Markdown for docs/accuracy.md, and as JSON for the drift canary.

The page is made of what was measured last under each condition, so that one agent can be measured again by itself.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.machine import Machine
from benchmarks.truth.figures import Condition, Figure, Result, known_reasons, reason_for
from benchmarks.truth.scoring import STATES, Seen, by_kind, percentile

REACHED = {True: "reached", False: "MISSED"}
SHARES = (0.50, 0.95, 0.99)


class Found(Struct, frozen=True):
    """One figure, as it was found."""

    name: str
    found: str
    is_reached: bool


class Documented(Struct, frozen=True, kw_only=True):
    """What was measured under one condition, as it stands in docs/accuracy.md until that is measured again."""

    player: str
    version: str
    hooks: str
    is_crowd: bool
    figures: list[Found]
    section: str  # in Markdown

    @property
    def key(self) -> tuple[str, str, bool]:
        """Name the condition, whatever the version."""
        return self.player, self.hooks, self.is_crowd


def text(result: Result) -> str:
    """Write a result for a terminal."""
    lines = [_title(result.condition), _how_much(result), *_figure_lines(result.figures), "", *_cells(result)]
    lines += [f"  {kind}: {_latencies(seen)}" for kind, seen in by_kind(result.score.seen).items()]
    lines += [f"  not played: {one.scenario}: {one.failure}" for one in result.plays if one.failure]
    lines += [f"  {sentence}" for sentence in result.receipts.unexpected]
    return "\n".join(lines) + "\n"


def documented(results: Sequence[Result], machine: Machine, *, is_crowd: bool = False) -> list[Documented]:
    """Take down what was measured just now."""
    return [
        Documented(
            player=one.condition.player,
            version=one.condition.version,
            hooks=one.condition.hooks,
            is_crowd=is_crowd,
            figures=[Found(figure.name, figure.found, figure.is_reached) for figure in one.figures],
            section="\n".join(_section(one, machine)),
        )
        for one in results
    ]


def merged(known: Sequence[Documented], new: Sequence[Documented], players: Sequence[str]) -> list[Documented]:
    """Put what was measured anew in the place of what it was before, and all of it in the order of the players."""
    newest = {one.key: one for one in (*known, *new)}
    order = {name: number for number, name in enumerate(players)}
    return sorted(
        newest.values(), key=lambda one: (one.is_crowd, order.get(one.player, len(order)), one.hooks == "off")
    )


def markdown(all_documented: Sequence[Documented]) -> str:
    """Write what stands between the marks: the figures of all, then each agent for itself, then the crowd."""
    figures = [figure for one in all_documented for figure in one.figures]
    missed = sum(not figure.is_reached for figure in figures)
    lines = [
        f"{len(figures) - missed} of {len(figures)} figures reached, {missed} missed.",
        "",
        *_overview([one for one in all_documented if not one.is_crowd]),
        *(one.section for one in all_documented if not one.is_crowd),
    ]
    if crowds := [one.section for one in all_documented if one.is_crowd]:
        lines += ["", "## Many at once", "", "Scored apart: so many sessions of one daemon at the same time.", *crowds]
    return "\n".join(lines) + "\n"


def read_documented(path: Path) -> list[Documented]:
    """Read what is documented; nothing where nothing is yet."""
    return msgspec.json.decode(path.read_bytes(), type=list[Documented]) if path.exists() else []


def encoded(all_documented: Sequence[Documented]) -> bytes:
    """Write it for the next run to compare with, and to add to."""
    return msgspec.json.format(msgspec.json.encode(all_documented), indent=2) + b"\n"


def worse_than(known: Sequence[Documented], new: Sequence[Documented], results: Sequence[Result]) -> list[str]:
    """Say what is worse than in the documented run: plays that failed, and figures missed that were reached there."""
    worse = [
        f"{_title(result.condition)}: {one.scenario} could not be played: {one.failure}"
        for result in results
        for one in result.plays
        if one.failure is not None
    ]
    reached = {one.key: {figure.name for figure in one.figures if figure.is_reached} for one in known}
    return worse + [
        f"{one.player} {one.version}, hooks {one.hooks}: {figure.name} is missed, and holds in the documented run"
        for one in new
        for figure in one.figures
        if not figure.is_reached and figure.name in reached.get(one.key, ())
    ]


def _title(condition: Condition) -> str:
    return f"{condition.player} {condition.version}, hooks {condition.hooks}"


def _how_much(result: Result) -> str:
    score, told = result.score, result.receipts
    return (
        f"{len(result.scored)} of {len(result.plays)} plays, {score.scored_s:.0f} s scored, {len(score.seen)} edges of "
        f"which {score.missed} missed, {told.sent} messages; {result.agents_at_once} at once, "
        f"load up to {result.load:.1f}"
    )


def _figure_lines(figures: Sequence[Figure]) -> Iterator[str]:
    for one in figures:
        worst = f"  {one.worst}" if one.worst and not one.is_reached else ""
        yield f"  {one.name:32} {one.bound:>9} {one.found:>10}  {REACHED[one.is_reached]}{worst}"


def _cells(result: Result) -> Iterator[str]:
    wrong = {cell: seconds for cell, seconds in result.score.confusion.items() if cell[0] != cell[1]}
    for (truth, claim), seconds in sorted(wrong.items(), key=lambda cell: -cell[1]):
        yield f"  {seconds:6.1f} s of {truth} called {claim}"


def _latencies(seen: Sequence[Seen]) -> str:
    told = " / ".join(_seconds(percentile(seen, share)) for share in SHARES)
    return f"{told} s (p50 / p95 / p99 of {len(seen)})"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f}"


# ---- Markdown --------------------------------------------------------------------------------------------------------


def _overview(all_documented: Sequence[Documented]) -> Iterator[str]:
    """Write one line for each condition: what was found of each figure, the missed ones in bold."""
    names = [figure.name for figure in next((one.figures for one in all_documented if one.figures), [])]
    yield _row("agent", "hooks", *names)
    yield _row(*["---"] * (len(names) + 2))
    for one in all_documented:
        found = [figure.found if figure.is_reached else f"**{figure.found}**" for figure in one.figures]
        yield _row(f"{one.player} {one.version}", one.hooks, *found)


def _section(result: Result, machine: Machine) -> Iterator[str]:
    yield from ("", f"### {_title(result.condition)}", "", f"{_how_much(result)}; {machine.text()}.", "")
    yield from _must_hold(result)
    yield from ("", *_confusion(result), "", *_edges(result), "", *_left_out(result))


def _must_hold(result: Result) -> Iterator[str]:
    reasons = known_reasons()
    yield _row("figure", "must be", "is", "")
    yield _row(*["---"] * 4)
    for one in result.figures:
        yield _row(one.name, one.bound, one.found, REACHED[one.is_reached])
    for one in result.figures:
        if not one.is_reached:
            known = reason_for(result.condition, one, reasons)
            yield f"\n- **{one.name}**: {one.worst or 'see below'}. {known}".rstrip()


def _confusion(result: Result) -> Iterator[str]:
    confusion = result.score.confusion
    truths = [state for state in STATES if any(cell[0] == state for cell in confusion)]
    yield _row("seconds of", *(f"called {claim}" for claim in STATES))
    yield _row(*["---"] * (len(STATES) + 1))
    for truth in truths:
        seconds = [confusion.get((truth, claim), 0.0) for claim in STATES]
        yield _row(truth, *(f"{value:.1f}" if value else "" for value in seconds))


def _edges(result: Result) -> Iterator[str]:
    score, told = result.score, result.receipts
    yield _row("edge", "seen", "missed", "p50", "p95", "p99")
    yield _row(*["---"] * 6)
    for kind, seen in by_kind(score.seen).items():
        missed = sum(one.latency_s is None for one in seen)
        latencies = [_seconds(percentile(seen, share)) for share in SHARES]
        yield _row(kind, str(len(seen) - missed), str(missed) if missed else "", *latencies)
    yield (
        f"\nFalse deaths {score.falsely('ended')}, false `waiting` {score.falsely('waiting')}, false `blocked` "
        f"{score.falsely('blocked')}; longest wrong interval {score.longest_wrong.seconds:.2f} s; {score.brief} states "
        f"were over before they could be scored. Of {told.sent} messages {told.submitted_that_were_not} were falsely "
        f"called submitted, {told.denied_that_were} falsely refused or unknown, {told.merged} run together with "
        "another text."
    )


def _left_out(result: Result) -> Iterator[str]:
    told = [f"`{scenario}` ({why})" for scenario, why in sorted(result.left_out.items())]
    told += [f"`{one.scenario}` (could not be played: {one.failure})" for one in result.plays if one.failure]
    yield f"Not scored: {'; '.join(told)}." if told else "Nothing was left out."


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
