"""The rows as a table for a terminal, as Markdown between two marks of a document, and as JSON."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.machine import Machine
from benchmarks.measuring import Figures
from benchmarks.rows import Row, number, times

HEADINGS = ("what", "ours", "beside", "ratio", "target", "verdict")
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
NOT_THERE = "not there"


def table(rows: Sequence[Row]) -> str:
    """Write rows in columns, as wide as they have to be."""
    lines = [HEADINGS, *_lines(rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join("  ".join(map(str.ljust, line, widths)).rstrip() + "\n" for line in lines)


def markdown(rows: Sequence[Row], absent: Sequence[str], machine: Machine, took_s: float) -> str:
    """Write what stands between the marks: the facts, every miss with its reason, and a table for each family."""
    missed = [row for row in rows if row.verdict == "MISSED"]
    judged = [row for row in rows if row.verdict]
    said = [
        f"- **{row.what}**: {_ours(row)}{_beside(row)}, and should be {row.missed_text}. {_sentence(row.reason)}"
        for row in missed
    ]
    met = f"{len(judged) - len(missed)} of {len(judged)} targets met, {len(missed)} missed."
    lines = [
        f"One run of {took_s:.0f} s on {machine.text()}. {met}",
        *(f"\nNot measured, {lack}." for lack in absent),
        "",
        "### What is missed, and why",
        "",
        *(said or ["Nothing."]),
        *(
            line
            for family, taken in itertools.groupby(rows, lambda row: row.family)
            for line in _section(family, taken)
        ),
    ]
    return "\n".join(lines) + "\n"


def put_between_marks(document: Path, text: str) -> None:
    """Replace what stands between the marks of a document. Raises ValueError where it has none."""
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{document} has no {BEGIN.strip()} with {END.strip()} behind it")
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def as_json(rows: Iterable[Row], absent: Sequence[str], machine: Machine, took_s: float) -> bytes:
    """Write everything for another program."""
    told = {"machine": machine, "took_s": round(took_s, 1), "absent": absent, "rows": [_told(row) for row in rows]}
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"


def _told(row: Row) -> dict[str, object]:
    return {
        "family": row.family,
        "what": row.what,
        "unit": row.unit,
        "ours": _summary(row.ours),
        "peer_name": row.peer_name,
        "peer": None if row.peer is None else _summary(row.peer),
        "ratio": row.ratio,
        "target": row.target_text or None,
        "verdict": row.verdict or None,
        "reason": row.reason or None,
    }


def _summary(taken: Figures) -> dict[str, float]:
    return {
        "median": taken.median,
        "least": taken.least,
        "worst": taken.worst,
        "p99": taken.p99,
        "samples": len(taken.samples),
    }


def _section(family: str, rows: Iterable[Row]) -> Iterator[str]:
    yield from ("", f"### {family.capitalize()}", "")
    yield _markdown_line(HEADINGS)
    yield _markdown_line(["---"] * len(HEADINGS))
    yield from map(_markdown_line, _lines(list(rows)))


def _lines(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    """Write each row; what is the same thing beside another peer is not named again."""
    for before, row in zip((None, *rows), rows, strict=False):
        what, ours, *others = _cells(row)
        is_same = before is not None and (before.what, before.ours) == (row.what, row.ours)
        yield ("", "", *others) if is_same else (what, ours, *others)


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else times(row.ratio)
    return (row.what, _ours(row), _peer(row), ratio, row.target_text, row.verdict)


def _peer(row: Row) -> str:
    if row.peer_name is None:
        return ""
    figure = NOT_THERE if row.peer is None else f"{number(row.peer.median)} {row.unit}".rstrip()
    return f"{row.peer_name}: {figure}"


def _ours(row: Row) -> str:
    """Write the median with what it lies between, and the p99 where it is asked for."""
    middle = f"{number(row.ours.median)} {row.unit}".rstrip()
    if len(row.ours.samples) == 1:
        return middle
    p99 = f", p99 {number(row.ours.p99)}" if any(bound.statistic == "p99" for bound in row.target) else ""
    return f"{middle} ({number(row.ours.least)} to {number(row.ours.worst)}{p99})"


def _beside(row: Row) -> str:
    return "" if row.ratio is None else f", {times(row.ratio)} {row.peer_name}"


def _markdown_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}." if reason else ""
