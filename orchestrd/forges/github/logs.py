"""Out of the log of a job, the end of what its failing step wrote. Pure.

The log of a job has no steps, only times: the step is cut out by when it ran, in whole seconds, and ends with its last
error: what follows is the tidying up of other steps.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from orchestrd.core.fencing import cleaned, tail
from orchestrd.model.limits import CHECK_LOG_CHARS_MAX

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z ?")
_MARK = re.compile(r"##\[(?:error|warning|group|endgroup|section|command|debug|notice)\]")
_ERROR = "##[error]"
_WELL = frozenset({"success", "skipped", "neutral"})


class Step(Struct, frozen=True, kw_only=True):
    """A step of a job, as GitHub tells of it."""

    name: str = ""
    conclusion: str | None = None
    started_at: str | None = None
    completed_at: str | None = None


class Steps(Struct, frozen=True, kw_only=True):
    """The steps of a job of GitHub Actions."""

    steps: Sequence[Step] = ()

    @property
    def failing_step(self) -> Step | None:
        """The step that failed; null where the job never came to one."""
        return next((step for step in self.steps if step.conclusion and step.conclusion not in _WELL), None)


def end_of_step(log: str, step: Step | None) -> str:
    """Give the end of what the step wrote, cleaned; of the whole job where nothing is known to be of the step."""
    lines = [_split(line) for line in log.removeprefix("\ufeff").split("\n")]
    own = [(time, line) for time, line in lines if _is_within(time, step)] or lines
    errors = [place for place, (_, line) in enumerate(own) if line.startswith(_ERROR)]
    if errors:
        own = own[: errors[-1] + 1]
    return tail(cleaned("\n".join(_MARK.sub(_marked, line) for _, line in own)), CHECK_LOG_CHARS_MAX)


def _split(line: str) -> tuple[str, str]:
    found = _TIME.match(line)
    return (found[1], line[found.end() :]) if found else ("", line)


def _is_within(time: str, step: Step | None) -> bool:
    """Tell by the whole seconds, which sort as texts."""
    if step is None or not step.started_at or not step.completed_at:
        return False
    return step.started_at[:19] <= time <= step.completed_at[:19]


def _marked(mark: re.Match[str]) -> str:
    return "error: " if mark[0] == _ERROR else ""
