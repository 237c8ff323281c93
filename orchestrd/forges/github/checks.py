"""What the checks of a commit come to: check runs and commit statuses, the newest of each name.

GitHub says itself what they come to, as one word. It counts runs that a newer one has taken the place of, so where that
word is not a good one the single checks are asked for, and counted here. Where they cannot be read (a fine-grained
token reads no check runs of a private repository), or not all of them, GitHub's own word stands.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from orchestrd.forges.github.answers import Context, Details, Part, Rollup
from orchestrd.forges.github.plain import line
from orchestrd.model.change import Checks, FailedCheck
from orchestrd.model.limits import FAILED_CHECKS_MAX

JOB, RUN, STATUS = "job:", "run:", "status:"  # what the id of a failed check begins with

_WORDS = {
    "SUCCESS": Checks.PASSING,
    "NEUTRAL": Checks.PASSING,
    "SKIPPED": Checks.PASSING,
    "PENDING": Checks.PENDING,
    "EXPECTED": Checks.PENDING,
    "STALE": Checks.PENDING,  # GitHub gave up waiting for it: it has not failed, and a merge waits for it
    "FAILURE": Checks.FAILING,
    "ERROR": Checks.FAILING,
    "TIMED_OUT": Checks.FAILING,
    "CANCELLED": Checks.FAILING,
    "ACTION_REQUIRED": Checks.FAILING,
    "STARTUP_FAILURE": Checks.FAILING,
}
_FIRST_WINS = (Checks.FAILING, Checks.UNKNOWN, Checks.PENDING, Checks.PASSING)


class Verdict(Struct, frozen=True, kw_only=True):
    """What they come to, and which have failed; `error` says why that cannot be known in whole."""

    checks: Checks
    failed: tuple[FailedCheck, ...] = ()
    failed_more: int = 0
    error: str | None = None


def word_of(word: str) -> Checks:
    """Say what a word of GitHub for a conclusion or a state means."""
    return _WORDS.get(word, Checks.UNKNOWN)


def is_green(details: Details) -> bool:
    """Tell whether the single checks have nothing to add: GitHub says that none has failed, or there are none."""
    rollup = details.status_check_rollup
    return rollup is None or word_of(rollup.state) in (Checks.PASSING, Checks.PENDING)


def verdict(details: Details, part: Part) -> Verdict:
    """Judge the checks of a pull request."""
    rollup = details.status_check_rollup
    if rollup is None:
        lost = part.is_lost("statusCheckRollup")
        return Verdict(checks=Checks.UNKNOWN if lost else Checks.NONE, error=part.why if lost else None)
    told = word_of(rollup.state)
    nodes = [node for node in _nodes(rollup) if node is not None]
    newest = _newest(nodes)
    failed = sorted(map(_failed, (one for one in newest if _word(one) is Checks.FAILING)), key=lambda one: one.name)
    is_whole = nodes and rollup.contexts is not None and len(nodes) == rollup.contexts.total_count
    return Verdict(
        checks=_sum(map(_word, newest)) if is_whole else told,
        failed=tuple(failed[:FAILED_CHECKS_MAX]),
        failed_more=max(0, len(failed) - FAILED_CHECKS_MAX),
        error=part.why if part.is_lost("statusCheckRollup", "contexts") else None,
    )


def _nodes(rollup: Rollup) -> Sequence[Context | None]:
    return (rollup.contexts.nodes if rollup.contexts else None) or ()


def _newest(nodes: Iterable[Context]) -> list[Context]:
    """Leave out what was run again: of each name, in its workflow and for what set that off, the newest counts."""
    newest: dict[tuple[str, ...], Context] = {}
    for node in nodes:
        key = _key(node)
        if key not in newest or _began(node) >= _began(newest[key]):
            newest[key] = node
    return list(newest.values())


def _key(node: Context) -> tuple[str, ...]:
    run = node.check_suite.workflow_run if node.check_suite else None
    workflow = run.workflow.name if run and run.workflow else ""
    return node.kind, node.name or node.context, workflow, run.event if run else ""


def _began(node: Context) -> str:
    """When it began, in a form that sorts; what is queued has not begun, and is the newest of all."""
    return node.started_at or node.created_at or "~"


def _word(node: Context) -> Checks:
    if node.kind == "CheckRun":
        return word_of(node.conclusion or "") if node.status == "COMPLETED" else Checks.PENDING
    return word_of(node.state)


def _sum(words: Iterable[Checks]) -> Checks:
    seen = set(words)
    return next((word for word in _FIRST_WINS if word in seen), Checks.NONE)


def _failed(node: Context) -> FailedCheck:
    if node.kind != "CheckRun":
        name = line(node.context)
        return FailedCheck(id=f"{STATUS}{name}", name=name, url=node.target_url, log=line(node.description or ""))
    is_job = node.check_suite is not None and node.check_suite.workflow_run is not None
    return FailedCheck(id=f"{JOB if is_job else RUN}{node.database_id}", name=line(node.name), url=node.details_url)
