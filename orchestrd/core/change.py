"""What a forge tells of a session's change, taken into its record: bounded, and never of anybody else's branch.

The change is about the session, not about one run of it. What is unknown is written down as unknown, with one
exception: what was merged stays merged, whatever a forge forgets. A log that was fetched once is kept as long as its
check is told of.
"""

from msgspec.structs import replace

from orchestrd.core.fencing import head, tail
from orchestrd.core.turn import Turn, short
from orchestrd.core.withdrawing import withdraw_message
from orchestrd.model.change import Change, FailedCheck, Pr, Remark
from orchestrd.model.event import EventType
from orchestrd.model.limits import (
    CHECK_LOG_CHARS_MAX,
    FAILED_CHECKS_MAX,
    REMARK_CHARS_MAX,
    REMARKS_MAX,
    TITLE_CHARS_MAX,
)
from orchestrd.model.session import Session

_HEAD_DIGITS = 10


def change_told(turn: Turn, told: Change) -> None:
    """Take in what a forge has told, and tell of what is new to the session."""
    before = turn.session.change
    if not _is_its_own(turn.session, told):
        return
    turn.evidence = replace(turn.evidence, untold=None)
    change = (
        _continued(before, _bounded(told)) if before is not None and before.branch == told.branch else _bounded(told)
    )
    if change == before:
        return
    turn.change(change=change)
    if before is not None and before.head not in (None, change.head):
        _withdraw_what_was_said_of(turn, before.head)
    news = _news(before, change)
    if news or before is None or before.pr is not change.pr:
        from_ = before.pr if before is not None else None
        turn.emit(EventType.CHANGE_CHANGED, from_=from_, to=change.pr, source=change.forge, text=news)


def change_untold(turn: Turn, why: str) -> None:
    """Remember why nothing is known of it; what is on record stays there. Of what is over nobody asks why."""
    if not turn.session.is_terminal:
        turn.evidence = replace(turn.evidence, untold=short(why))


def _withdraw_what_was_said_of(turn: Turn, head: str | None) -> None:
    """What a reaction says of an older commit is nothing to do any more, whatever comes of the newest."""
    for episode in turn.session.episodes:
        if episode.key == head:
            withdraw_message(turn, episode, "there is another commit")


def _is_its_own(session: Session, told: Change) -> bool:
    """Only a worktree has a branch of its own; one that has ended goes to no other any more."""
    if not session.spec.workspace.is_worktree:
        return False
    return not session.is_terminal or session.change is None or session.change.branch == told.branch


def _continued(before: Change, told: Change) -> Change:
    is_forgotten = told.pr in (Pr.NONE, Pr.UNKNOWN) or _name_of(told) == _name_of(before)
    if before.pr is Pr.MERGED and told.pr is not Pr.MERGED and is_forgotten:
        return replace(before, error=told.error)
    logs = {check.id: check.log for check in before.failed}
    failed = tuple(replace(check, log=logs.get(check.id)) if check.log is None else check for check in told.failed)
    return replace(told, failed=failed)


def _name_of(change: Change) -> int | str | None:
    """Tell pull requests of one branch apart: where they have no numbers, by their newest commits."""
    return change.head if change.number is None else change.number


def _bounded(told: Change) -> Change:
    remarks = told.remarks
    pr = Pr.NONE if told.branch == told.base else told.pr  # what pull requests go into is nobody's branch
    return replace(
        told,
        pr=pr,
        title=_cut(told.title),
        failed=tuple(_check(check) for check in told.failed[:FAILED_CHECKS_MAX]),
        failed_more=told.failed_more + max(0, len(told.failed) - FAILED_CHECKS_MAX),
        remarks=None if remarks is None else tuple(_remark(remark) for remark in remarks[:REMARKS_MAX]),
        remarks_more=told.remarks_more + max(0, len(remarks or ()) - REMARKS_MAX),
        error=short(told.error),
    )


def _check(check: FailedCheck) -> FailedCheck:
    log = None if check.log is None else tail(check.log, CHECK_LOG_CHARS_MAX)
    return replace(check, name=check.name[:TITLE_CHARS_MAX], step=_cut(check.step), log=log)


def _remark(remark: Remark) -> Remark:
    text = head(remark.text, REMARK_CHARS_MAX)
    return replace(remark, author=remark.author[:TITLE_CHARS_MAX], text=text)


def _cut(text: str | None) -> str | None:
    return text[:TITLE_CHARS_MAX] if text else text


def _news(before: Change | None, change: Change) -> str | None:
    """Say what else is new, beside the word of the pull request."""
    told = {
        "": (f"#{change.number}" if change.number else "no number", change.number, before and before.number),
        "checks ": (change.checks, change.checks, before and before.checks),
        "review ": (change.review, change.review, before and before.review),
        "merge ": (change.mergeable, change.mergeable, before and before.mergeable),
        "commit ": ((change.head or "unknown")[:_HEAD_DIGITS], change.head, before and before.head),
    }
    new = [f"{what}{word}" for what, (word, now, then) in told.items() if now != then]
    return ", ".join(new).replace("_", " ") or None
