"""What a subject is: a look that gathers facts, and a judgement that makes findings of them.

Invariants: a judgement is a function of the facts alone, so that a table of facts tests it; a mending loses nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.model.finding import Finding, Level
from orchestrd.model.limits import NAMED_MAX

FIX = "orch doctor --fix"

F = TypeVar("F")


class Surroundings(Struct, frozen=True, kw_only=True):
    """What every look is told: the home, and who asks, when, where from, and with which environment."""

    layout: Layout
    environ: Mapping[str, str]
    now: datetime
    uid: int
    directory: str = "."


class Examined(Struct, frozen=True, kw_only=True):
    """What was found, and how that of it is mended which can be.

    `mend` says what it did, a sentence each; it may raise OSError.
    """

    findings: tuple[Finding, ...]
    mend: Callable[[], Iterable[str]] = tuple


class Subject(Struct, Generic[F], frozen=True, kw_only=True):
    """One thing to look at. A look may raise OSError or OrchestrdError, and that is then what is found."""

    name: str
    look: Callable[[Surroundings], F]
    judge: Callable[[F], Iterable[Finding]]
    mend: Callable[[F], Iterable[str]] | None = None

    def examine(self, surroundings: Surroundings) -> Examined:
        """Look, and judge what was seen."""
        facts = self.look(surroundings)
        findings = tuple(self.judge(facts))
        if self.mend is None or not any(finding.can_fix for finding in findings):
            return Examined(findings=findings)
        return Examined(findings=findings, mend=partial(self.mend, facts))


def ok(subject: str, told: str) -> Finding:
    """Find that all is well."""
    return Finding(subject=subject, level=Level.OK, told=told)


def warn(subject: str, told: str, cause: str = "", next_: str = "") -> Finding:
    """Find something to be looked at, while everything works."""
    return Finding(subject=subject, level=Level.WARN, told=told, cause=cause, next=next_)


def fail(subject: str, told: str, cause: str = "", next_: str = "") -> Finding:
    """Find that something does not work, or is lost."""
    return Finding(subject=subject, level=Level.FAIL, told=told, cause=cause, next=next_)


def named(names: Sequence[str]) -> str:
    """Name the first few of several things, and count the others."""
    more = len(names) - NAMED_MAX
    return ", ".join([*names[:NAMED_MAX], *([f"and {more} more"] if more > 0 else [])])
