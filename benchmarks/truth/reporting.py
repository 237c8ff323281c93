"""Results as text for a terminal, as Markdown for docs/accuracy.md, and as JSON for the drift canary."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.machine import Machine
from benchmarks.truth.figures import Condition, Figure, Result, known_reasons, reason_for
from benchmarks.truth.scoring import STATES, Seen, by_kind, percentile

REACHED = {True: "reached", False: "MISSED"}
SHARES = (0.50, 0.95, 0.99)


class Verdict(Struct, frozen=True):
    """Which figures were missed under one condition."""

    player: str
    hooks: str
    missed: list[str]


def text(result: Result) -> str:
    """Write a result for a terminal."""
    lines = [_title(result.condition), _how_much(result), *_figure_lines(result.figures), "", *_cells(result)]
    lines += [f"  {kind}: {_latencies(seen)}" for kind, seen in by_kind(result.score.seen).items()]
    lines += [f"  not played: {one.scenario}: {one.failure}" for one in result.plays if one.failure]
    lines += [f"  {sentence}" for sentence in result.receipts.unexpected]
    return "\n".join(lines) + "\n"


def markdown(results: Sequence[Result], crowds: Sequence[Result], machine: Machine, took_s: float) -> str:
    """Write what stands between the marks: the figures of all, then each agent for itself, then the crowd."""
    missed = sum(not figure.is_reached for result in (*results, *crowds) for figure in result.figures)
    judged = sum(len(result.figures) for result in (*results, *crowds))
    lines = [
        f"One run of {took_s / 60:.0f} minutes on {machine.text()}.",
        f"{judged - missed} of {judged} figures reached, {missed} missed.",
        "",
        *_overview(results),
    ]
    for result in results:
        lines += _section(result)
    if crowds:
        lines += ["", "## Many at once", "", "Scored apart: so many sessions of one daemon at the same time."]
    for result in crowds:
        lines += _section(result)
    return "\n".join(lines) + "\n"


def verdicts(results: Sequence[Result]) -> bytes:
    """Write which figures are reached, for the canary to compare with."""
    told = [Verdict(one.condition.player, one.condition.hooks, _missed(one.figures)) for one in results]
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def worse_than(documented: Path, results: Sequence[Result]) -> list[str]:
    """Say what is worse than in the documented run: plays that failed, and figures missed that were reached there."""
    known = msgspec.json.decode(documented.read_bytes(), type=list[Verdict]) if documented.exists() else []
    missed = {(one.player, one.hooks): one.missed for one in known}
    worse = [
        f"{_title(result.condition)}: {one.scenario} could not be played: {one.failure}"
        for result in results
        for one in result.plays
        if one.failure is not None
    ]
    for result in results:
        before = missed.get((result.condition.player, result.condition.hooks))
        new = [] if before is None else [name for name in _missed(result.figures) if name not in before]
        worse += [f"{_title(result.condition)}: {name} is missed, and holds in the documented run" for name in new]
    return worse


def _missed(figures: Sequence[Figure]) -> list[str]:
    return [figure.name for figure in figures if not figure.is_reached]


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


def _overview(results: Sequence[Result]) -> Iterator[str]:
    """Write one line for each condition: what was found of each figure, the missed ones in bold."""
    names = [figure.name for figure in next((one.figures for one in results if one.figures), [])]
    yield _row("agent", "hooks", *names)
    yield _row(*["---"] * (len(names) + 2))
    for one in results:
        found = [figure.found if figure.is_reached else f"**{figure.found}**" for figure in one.figures]
        yield _row(f"{one.condition.player} {one.condition.version}", one.condition.hooks, *found)


def _section(result: Result) -> Iterator[str]:
    yield from ("", f"### {_title(result.condition)}", "", f"{_how_much(result)}.", "")
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
