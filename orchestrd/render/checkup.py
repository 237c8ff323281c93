"""A checkup for a person: a line for each thing, and below what is not well why that is so and what to do.

Every line fits 80 columns but the commands, which are never broken: they are there to be copied.
"""

import textwrap
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from orchestrd.model.finding import Checkup, Finding, Level
from orchestrd.render.text import visible

COLUMNS = 80
_LEVEL, _SUBJECT = 6, 12  # columns
_INDENT = " " * (_LEVEL + _SUBJECT)
_COLOURS = {Level.OK: "\x1b[32m", Level.WARN: "\x1b[33m", Level.FAIL: "\x1b[31m"}
_RESET = "\x1b[0m"


def checkup_page(checkup: Checkup, *, colour: bool = False) -> str:
    """Show what was found, in the order it was looked at, and what was mended before."""
    mended = [line for one in checkup.mended for line in _lines("did", one.subject, one.told)]
    found = [line for finding, others in _folded(checkup.findings) for line in _finding(finding, others, colour=colour)]
    return "\n".join([*mended, *found, _summary(checkup)]) + "\n"


def _folded(findings: Iterable[Finding]) -> Iterator[tuple[Finding, list[str]]]:
    """Give each finding with the other subjects that suffer from the very same: one broken disk is told of once."""
    subjects: dict[Finding, list[str]] = {}
    for finding in findings:
        is_well = finding.level is Level.OK
        subjects.setdefault(finding if is_well else replace(finding, subject=""), []).append(finding.subject)
    for same, (first, *others) in subjects.items():
        yield replace(same, subject=first), list(dict.fromkeys(others))


def _finding(finding: Finding, others: list[str], *, colour: bool) -> Iterator[str]:
    first, *more = _lines(finding.level, finding.subject, finding.told)
    word = f"{_COLOURS[finding.level]}{finding.level}{_RESET}" if colour else finding.level
    yield word + first.removeprefix(finding.level)
    yield from more
    if others:
        yield from _lines("", "", f"the same holds for {', '.join(others)}")
    if finding.cause:
        yield from _lines("", "", finding.cause)
    if finding.next:
        yield f"{_INDENT}try: {visible(finding.next)}"


def _lines(level: str, subject: str, text: str) -> list[str]:
    head = f"{level:<{_LEVEL}}{visible(subject):<{_SUBJECT}}"
    return textwrap.wrap(
        visible(text),
        COLUMNS,
        initial_indent=head,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [head.rstrip()]


def _summary(checkup: Checkup) -> str:
    levels = [finding.level for finding in checkup.findings]
    parts = [f"{levels.count(level)} {level}" for level in Level if level in levels]
    return f"{', '.join(parts)}{_mendable(checkup.findings)}"


def _mendable(findings: Iterable[Finding]) -> str:
    count = sum(finding.can_fix for finding in findings)
    return f"; {count} can be mended without any loss: orch doctor --fix" if count else ""
