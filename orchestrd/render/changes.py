"""The change a session works on: its pull request in a few characters, and all that a forge has told of it.

What was not told is unknown, and said to be so; what anybody may have written there is shown visibly, and shortened.
"""

from collections.abc import Iterator

from orchestrd.model.change import Change, Checks, FailedCheck, Mergeable, Pr, Remark, Review
from orchestrd.model.document import Document
from orchestrd.model.limits import TOLD_CHARS_MAX
from orchestrd.model.words import TERMINAL
from orchestrd.render.text import NONE, UNKNOWN, clip, counted, visible

SHORT_COMMIT = 10  # characters of its name, by which git finds it too
_SETTLED = frozenset({Pr.MERGED, Pr.CLOSED})


def change_cell(told: Document, *, is_asked: bool = False) -> str:
    """Write the pull request and what stands in its way, the worst first: `#12 red`, `#12 ok`, `#12 merged`.

    `is_asked`: there is a forge that could tell of it.
    """
    change = told.change
    if change is None:
        return UNKNOWN if is_asked else NONE
    if change.pr == Pr.NONE:
        return NONE
    if change.pr == Pr.UNKNOWN:
        return UNKNOWN
    return " ".join(filter(None, (_number(change), _word(change))))


def is_ready(told: Document) -> bool:
    """Tell whether a pull request waits for nothing but its merge: approved, and all checks green."""
    change = told.change
    return change is not None and (
        change.pr == Pr.OPEN
        and change.checks == Checks.PASSING
        and change.review == Review.APPROVED
        and change.mergeable != Mergeable.CONFLICTING
    )


def is_given_up(told: Document) -> bool:
    """Tell whether a session goes on whose pull request was closed without a merge."""
    return told.change is not None and told.change.pr == Pr.CLOSED and told.state not in TERMINAL


def change_lines(told: Document) -> Iterator[str]:
    """Tell all that is known of a change, and of what is not known why."""
    change = told.change
    assert change is not None, "there is something to tell of"
    yield _headline(change)
    if change.url:
        yield visible(change.url)
    into = f" into {visible(change.base)}" if change.base else ""
    at = f" at {visible(change.head[:SHORT_COMMIT])}" if change.head else ""
    yield f"branch {visible(change.branch)}{into}{at}, in {visible(change.repository)}"
    if change.pr in (Pr.OPEN, Pr.DRAFT):
        yield from _standing(change)
    if change.error:
        yield f"{'not known' if _is_anything_unknown(change) else 'because'}: {_line(change.error)}"


def _headline(change: Change) -> str:
    words = {Pr.UNKNOWN: "nobody knows whether it has a pull request", Pr.NONE: "no pull request"}
    title = f": {_line(change.title)}" if change.title else ""
    return words.get(change.pr) or f"{_number(change)} {change.pr}".strip() + title


def _standing(change: Change) -> Iterator[str]:
    failed = (*map(_failed, change.failed), *_more(change.failed_more))
    yield f"checks {change.checks}" + (f": {', '.join(failed)}" if failed else "")
    yield f"review {change.review.replace('_', ' ')}{_remarks(change)}"
    yield f"merge {change.mergeable.replace('_', ' ')}"


def _remarks(change: Change) -> str:
    if change.remarks is None:
        return ", remarks unknown"
    if not change.remarks:
        return ""
    number = len(change.remarks) + change.remarks_more
    remarks = (*map(_remark, change.remarks), *_more(change.remarks_more))
    return f", {counted(number, 'remark')} not settled: {'; '.join(remarks)}"


def _more(number: int) -> tuple[str, ...]:
    return (f"{number} more",) if number else ()


def _failed(check: FailedCheck) -> str:
    return _line(check.name) + (f" (at {_line(check.step)})" if check.step else "")


def _remark(remark: Remark) -> str:
    where = f" on {_line(remark.path)}" + (f":{remark.line}" if remark.line else "") if remark.path else ""
    return f"{_line(remark.author)}{where}"


def _number(change: Change) -> str:
    return "" if change.number is None else f"#{change.number}"


def _word(change: Change) -> str:
    if change.pr in _SETTLED:
        return change.pr
    for is_so, word in (
        (change.checks == Checks.FAILING, "red"),
        (change.mergeable == Mergeable.CONFLICTING, "conflict"),
        (change.review == Review.CHANGES_REQUESTED, "changes"),
        (change.pr == Pr.DRAFT, "draft"),
        (change.checks == Checks.UNKNOWN, UNKNOWN),
        (change.checks == Checks.PENDING, "pending"),
        (change.checks == Checks.PASSING and change.review == Review.APPROVED, "ready"),
        (change.checks == Checks.PASSING, "ok"),
    ):
        if is_so:
            return word
    return "open"


def _is_anything_unknown(change: Change) -> bool:
    axes = (change.pr, change.checks, change.review, change.mergeable)
    return change.remarks is None or any(axis == "unknown" for axis in axes)


def _line(text: str) -> str:
    return clip(visible(" ".join(text.split())), TOLD_CHARS_MAX)
