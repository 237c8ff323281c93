"""What a session is for, in words: its issue, what ends it, and what its verification came to last."""

from collections.abc import Iterator
from datetime import datetime

from orchestrd.model.document import Document
from orchestrd.model.verification import UNTOUCHED, Verification
from orchestrd.model.words import Until
from orchestrd.render.text import ago

HEAD_CHARS = 12  # of a commit
_GOALS: dict[str, str] = {
    Until.TURN: "its turn is over",
    Until.PR_OPEN: "its pull request is open",
    Until.PR_MERGED: "its pull request is merged",
    Until.VERIFY: "its verification is green",
}


def has_goal(told: Document) -> bool:
    """Tell whether anything but its own exit matters."""
    return told.until != Until.EXIT or told.verify is not None


def goal_lines(told: Document, now: datetime) -> Iterator[str]:
    """Say what ends a session, completed, and how far that is."""
    yield f"until {_GOALS.get(told.until, 'it exits')} ({told.until})"
    if told.verify is not None:
        yield f"verified by: {told.verify}"
        yield from _results(told, now)


def _results(told: Document, now: datetime) -> Iterator[str]:
    if told.verifying_since is not None:
        yield f"it is being verified since its turn was over, {ago(told.verifying_since, now)}"
    if told.verification is not None:
        yield _result(told.verification, now, is_outdated=told.verifying_since is not None)
    elif told.verifying_since is None:
        yield "not verified yet: that comes with the end of its turn"


def _result(result: Verification, now: datetime, *, is_outdated: bool) -> str:
    head = f" at {result.head[:HEAD_CHARS]}" if result.head else ""
    before = ", of the turn before" if is_outdated else ""
    doubt = UNTOUCHED if result.is_green and not result.is_proof else result.error
    why = f": {doubt}" if doubt else ""
    return f"{'green' if result.is_green else 'red'}{head}, {ago(result.at, now)}{before}{why}"
