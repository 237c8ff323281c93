"""Stories of witnesses as a table of text: what an agent really does, and who says what of it at which second."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from orchestrd.core.evidence import hear, judge, ranked
from orchestrd.model.agent import Trust
from orchestrd.model.observation import Evidence, Testimony
from orchestrd.model.words import Activity
from tests.core.interpreter import NOON

TABLE = Path(__file__).parent / "evidence_stories.txt"
STEP_S = 0.25
_LINE = re.compile(r" +(?P<at>[0-9.]+) +(?P<who>\w+) +(?P<what>[a-z|]+)(?: +(?P<mark>alone|certain))?")


@dataclass(frozen=True)
class Line:
    """What one witness says at a second, or what is true from then on.

    `alone`: nobody else can tell of it; `certain`: nor can it be lost, for it is looked at anew.
    """

    at_s: float
    who: str
    what: tuple[Activity, ...]
    alone: bool
    certain: bool

    def __str__(self) -> str:
        return f"{self.who} at {self.at_s:g}"


@dataclass(frozen=True)
class Story:
    """One story, with the order of its agent's witnesses."""

    title: str
    order: tuple[Trust, ...]
    words: tuple[Line, ...]
    truths: tuple[Line, ...]

    @property
    def agent(self) -> str:
        return self.title.partition(":")[0]

    def told(self, lost: Line | None = None) -> Iterator[tuple[float, Activity]]:
        """Tell what is believed as the time goes on, when one of the words is never said."""
        evidence, at_s = Evidence(), 0.0
        waiting = [line for line in self.words if line is not lost]
        while at_s <= self.truths[-1].at_s:
            while waiting and waiting[0].at_s <= at_s:
                evidence = hear(evidence, self._testimony(waiting.pop(0)), _moment(at_s))
            found = judge(evidence.testimonies, _moment(at_s))
            yield at_s, found.activity if found else Activity.UNKNOWN
            at_s += STEP_S

    def settled(self, lost: Line | None, bound_s: float) -> Iterator[tuple[float, Activity, Activity]]:
        """Tell what is believed and what is true, but for `bound_s` behind each true edge."""
        for at_s, believed in self.told(lost):
            since, truth = max((line.at_s, line.what[0]) for line in self.truths if line.at_s <= at_s)
            if at_s - since > bound_s:
                yield at_s, believed, truth

    def _testimony(self, line: Line) -> Testimony:
        return ranked(Testimony(observer=line.who, allows=line.what, at=_moment(line.at_s)), self.order)


def stories() -> list[Story]:
    return [_story(part) for part in TABLE.read_text().split("\n\n")[1:]]


def _story(part: str) -> Story:
    title, order, *lines = part.strip("\n").split("\n")
    told = [_line(line) for line in lines]
    trusts = tuple(_trust(word) for word in order.removeprefix("order: ").split(", "))
    words = tuple(line for line in told if line.who != "truth")
    return Story(title, trusts, words, tuple(line for line in told if line.who == "truth"))


def _line(line: str) -> Line:
    found = _LINE.fullmatch(line)
    assert found is not None, line
    what = tuple(Activity(word) for word in found["what"].split("|"))
    return Line(
        float(found["at"]), found["who"], what, alone=found["mark"] == "alone", certain=found["mark"] == "certain"
    )


def _trust(word: str) -> Trust:
    observer, _, trusted_s = word.partition(" ")
    return Trust(observer, float(trusted_s) if trusted_s else None)


def _moment(at_s: float) -> datetime:
    return NOON + timedelta(seconds=at_s)
