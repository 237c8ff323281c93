"""Whether a change may be merged, as it was seen right before: a forge asks this last, with nothing in between.

And whether a refusal lasts: then nothing is gained by asking again, and a person is told at once.

Invariants: what is not known is not ready, and no other commit is merged than the one that the order names. A refusal
of which nobody knows what it is for is taken to pass: it is tried again, within its budget.
"""

from collections.abc import Iterator
from enum import StrEnum

from orchestrd.model.change import Change, Mergeable, Pr
from orchestrd.model.reaction import Condition, MergeOrder, Refusal

_LASTING = frozenset({Refusal.METHOD, Refusal.RULE, Refusal.RIGHT, Refusal.PLACE, Refusal.NOTHING})


def unready(order: MergeOrder, change: Change) -> str | None:
    """Say why it is not to be merged now; null where it is ready."""
    return next(_reasons(order, change), None)


def lasts(refusal: Refusal | None) -> bool:
    """Tell whether the same order would be refused again, however long one waits; another commit may not be."""
    return refusal in _LASTING


def _reasons(order: MergeOrder, change: Change) -> Iterator[str]:
    if change.pr is not Pr.OPEN:
        yield f"its pull request is {_word(change.pr)}"
    if order.number is not None and change.number != order.number:
        yield f"the pull request of {order.branch} is #{change.number}, not #{order.number}"
    if change.head != order.head:
        yield f"its newest commit is {_short(change.head)}, and {_short(order.head)} was to be merged"
    if order.base is not None and change.base != order.base:
        yield f"it goes into {change.base}, and was to go into {order.base}"
    if change.mergeable is Mergeable.CONFLICTING:
        yield "it has conflicts with its base"
    yield from _unmet(order.when, change)


def _unmet(when: Condition, change: Change) -> Iterator[str]:
    axes: tuple[tuple[str, StrEnum, tuple[StrEnum, ...]], ...] = (
        ("its pull request is", change.pr, when.pr),
        ("its checks are", change.checks, when.checks),
        ("its review is", change.review, when.review),
        ("it is", change.mergeable, when.mergeable),
    )
    for told, seen, wanted in axes:
        if wanted and seen not in wanted:
            yield f"{told} {_word(seen)}, not {' or '.join(map(_word, wanted))}"
    if when.remarks is not None:
        yield from _unsettled(change, wanted=when.remarks)


def _unsettled(change: Change, *, wanted: bool) -> Iterator[str]:
    if change.remarks is None:
        yield "it is not known whether remarks of reviewers are unsettled"
    elif bool(change.remarks) is not wanted:
        yield f"{len(change.remarks) or 'no'} remarks of reviewers are unsettled"


def _word(word: StrEnum) -> str:
    return word.value.replace("_", " ")


def _short(commit: str | None) -> str:
    return commit[:10] if commit else "unknown"
