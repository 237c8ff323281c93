"""Whether a condition holds: each thing that it asks about by itself, in words, and all of them together.

Three answers: it is so, it is not so, nobody knows. A fact of the change is known only once a forge has told of it
since the daemon started, and not for ever; one of a run only once that was looked at: what an earlier daemon wrote down
may be over. Checks that still run have not decided anything. Total and pure; an empty condition never holds.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from orchestrd.core.branches import is_watched
from orchestrd.core.duration import duration_of
from orchestrd.model.change import Change, Checks, Mergeable, Pr, Review
from orchestrd.model.instant import Instant
from orchestrd.model.limits import CHANGE_TRUSTED_S
from orchestrd.model.reaction import Condition, Seen
from orchestrd.model.session import Session, is_resume
from orchestrd.model.words import OCCUPYING, WAITING_FOR_A_RUN, Activity

_DOES = {
    Activity.WORKING: "it is working",
    Activity.WAITING: "it waits to be told what to do",
    Activity.BLOCKED: "it needs a decision",
    Activity.LIMITED: "it is at its usage limit",
    Activity.UNKNOWN: "nobody knows what it is doing",
}
_PR = {
    Pr.UNKNOWN: "nobody knows of its pull request",
    Pr.NONE: "it has no pull request",
    Pr.DRAFT: "its pull request is a draft",
    Pr.OPEN: "its pull request is open",
    Pr.MERGED: "its pull request is merged",
    Pr.CLOSED: "its pull request is closed",
}
_CHECKS = {
    Checks.UNKNOWN: "nobody knows of its checks",
    Checks.NONE: "it has no checks",
    Checks.PENDING: "its checks are still running",
    Checks.PASSING: "its checks are passing",
    Checks.FAILING: "its checks are failing",
}
_REVIEW = {
    Review.UNKNOWN: "nobody knows of its review",
    Review.NONE: "nobody has reviewed it",
    Review.REQUIRED: "it waits for a review",
    Review.APPROVED: "its reviewers have approved it",
    Review.CHANGES_REQUESTED: "its reviewers ask for changes",
}
_MERGEABLE = {
    Mergeable.UNKNOWN: "nobody knows whether it can be merged",
    Mergeable.CLEAN: "it can be merged",
    Mergeable.HELD_BACK: "a rule of its forge keeps it from being merged",
    Mergeable.CONFLICTING: "it conflicts with its base",
}
_OPEN = frozenset({Pr.UNKNOWN, Pr.NONE, Pr.DRAFT, Pr.OPEN})  # what is said of one that is over asks nothing of anybody

Word = TypeVar("Word", bound=StrEnum)


class Part(Struct, frozen=True):
    """One thing that is asked: whether it is so (null: nobody knows), how it is in words, and who says so.

    `at` is the time of the look that it rests on; null: it is certain, whoever looks. `in_s`: time alone makes it so.
    """

    is_so: bool | None
    told: str
    at: datetime | None = None
    in_s: float | None = None


class _Case(Struct, frozen=True):
    when: Condition
    session: Session
    seen: Seen
    now: Instant


def parts_of(when: Condition, session: Session, seen: Seen, now: Instant) -> tuple[Part, ...]:
    """Look at each thing that a condition asks about."""
    case = _Case(when, session, seen, now)
    return tuple(part for asked in _ASKED if (part := asked(case)) is not None)


def all_of(parts: Sequence[Part]) -> bool | None:
    """Tell whether all of it is so: one that is not decides it, even where another is not known."""
    if not parts or any(part.is_so is False for part in parts):
        return False
    return None if any(part.is_so is None for part in parts) else True


def in_words(parts: Sequence[Part]) -> str:
    """Say why it holds, why it does not, or what is not known."""
    verdict = all_of(parts)
    told = dict.fromkeys(part.told for part in parts if part.is_so is verdict)  # of what is not known often the same
    return " and ".join(told) or "it asks about nothing"


def what_holds(when: Condition, session: Session, now: Instant) -> str:
    """Say what is so of a condition that holds, as the record has it."""
    seen = Seen(looked_at=now.at, change_at=now.at, is_last=bool(when.all_ended))
    parts = parts_of(when, session, seen, now)
    return " and ".join(part.told for part in parts if part.is_so) or in_words(parts)


def speaks_of_change(when: Condition) -> bool:
    """Tell whether it asks a forge anything."""
    return bool(when.pr or when.checks or when.review or when.mergeable or when.remarks is not None)


def _of_run(case: _Case, told: str, *, is_so: bool | None, in_s: float | None = None) -> Part:
    """A fact of its run counts once that was looked at; where there is none, the record is all there is."""
    if case.session.state not in OCCUPYING:
        return Part(is_so, told, None, in_s)
    if case.seen.looked_at is None:
        return Part(None, "its run was not looked at since the daemon started")
    return Part(is_so, told, case.seen.looked_at, in_s)


def _state(case: _Case) -> Part | None:
    if not case.when.state:
        return None
    return _of_run(case, f"it is {case.session.state}", is_so=case.session.state in case.when.state)


def _reason(case: _Case) -> Part | None:
    if not case.when.reason:
        return None
    told = case.session.reason.replace("_", " ")
    return _of_run(case, f"the reason is: {told}", is_so=case.session.reason in case.when.reason)


def _until(case: _Case) -> Part | None:
    if not case.when.until:
        return None
    until = case.session.spec.until
    return Part(until in case.when.until, f"its goal is {until.replace('_', ' ')}")


def _agent(case: _Case) -> Part | None:
    if not case.when.agent:
        return None
    return Part(case.session.spec.agent in case.when.agent, f"its agent is {case.session.spec.agent}")


def _activity(case: _Case) -> Part | None:
    wanted, activity = case.when.activity, case.session.activity
    if not wanted:
        return None
    if _does_nothing(case.session):
        return Part(False, "its agent does not run")
    is_known = activity is not Activity.UNKNOWN or activity in wanted
    return _of_run(case, _DOES[activity], is_so=activity in wanted if is_known else None)


def _stuck(case: _Case) -> Part | None:
    if case.when.stuck is None:
        return None
    since = None if _does_nothing(case.session) else case.session.stuck_since
    if since is None:
        return _of_run(case, "it is not stuck", is_so=not case.when.stuck)
    return _of_run(case, f"nothing has come of its work for {_ago(since, case.now)}", is_so=case.when.stuck)


def _silent(case: _Case) -> Part | None:
    if case.when.silent_s is None:
        return None
    since = case.session.activity_since
    if _does_nothing(case.session):
        return Part(False, "its agent does not run")
    if since is None or case.session.activity is Activity.UNKNOWN:
        return _of_run(case, _DOES[Activity.UNKNOWN], is_so=None)
    return _lasts(case, f"it has done nothing else for {_ago(since, case.now)}", since, case.when.silent_s)


def _unread(case: _Case) -> Part | None:
    if case.when.unread_s is None:
        return None
    begun = {effect.message for effect in case.session.effects if effect.attempted}
    waiting = (message for message in case.session.messages if message.id not in begun and not is_resume(message))
    since = min((message.at for message in waiting if message.at is not None), default=None)
    if since is None:
        return Part(False, "no message to it waits")
    told = f"a message to it has not been typed for {_ago(since, case.now)}"
    return _lasts(case, told, since, case.when.unread_s, is_certain=True)


def _age(case: _Case) -> Part | None:
    if case.when.age_s is None:
        return None
    began, ended = case.session.created_at, case.session.ended_at
    if case.session.is_terminal and ended is not None:
        lasted_s = (ended - began).total_seconds()
        return Part(lasted_s >= case.when.age_s, f"it lasted {duration_of(lasted_s)}")
    told = f"it was begun {_ago(began, case.now)} ago"
    return _lasts(case, told, began, case.when.age_s, is_certain=True)


def _cost(case: _Case) -> Part | None:
    if case.when.cost_usd is None:
        return None
    cost = case.session.spending.cost_usd
    if cost is None:
        return _of_run(case, "nobody tells what it has cost", is_so=None)
    return _of_run(case, f"it has cost ${cost:.2f}", is_so=cost >= case.when.cost_usd)


def _tokens(case: _Case) -> Part | None:
    if case.when.tokens is None:
        return None
    if not case.session.spending.newest:
        return _of_run(case, "nobody tells how many tokens it has cost", is_so=None)
    tokens = case.session.spending.tokens.total
    return _of_run(case, f"it has cost {tokens} tokens", is_so=tokens >= case.when.tokens)


def _verified(case: _Case) -> Part | None:
    if case.when.verified is None:
        return None
    verification = case.session.verification
    if verification is None or verification.generation != case.session.generation:
        return Part(None, "nothing has verified its work yet")
    if case.session.is_being_verified:
        return Part(None, "its work is being verified again")
    change = case.session.change
    if speaks_of_change(case.when) and change and change.head not in (None, verification.head):
        return Part(None, "the newest commit of its pull request has not been verified")
    told = f"its verification is {'green' if verification.is_green else 'red'}"
    return Part(verification.is_green is case.when.verified, told)


def _all_ended(case: _Case) -> Part | None:
    if case.when.all_ended is None:
        return None
    is_last = case.session.is_terminal and case.seen.is_last
    told = "every session has ended, this one last" if is_last else "it is not the last of all to end"
    return Part(is_last is case.when.all_ended, told)


def _pr(case: _Case) -> Part | None:
    return _of_change(case, case.when.pr, lambda change: change.pr, _PR, {Pr.UNKNOWN})


def _checks(case: _Case) -> Part | None:
    return _of_change(case, case.when.checks, lambda change: change.checks, _CHECKS, {Checks.UNKNOWN, Checks.PENDING})


def _review(case: _Case) -> Part | None:
    return _of_change(case, case.when.review, lambda change: change.review, _REVIEW, {Review.UNKNOWN})


def _mergeable(case: _Case) -> Part | None:
    wanted = case.when.mergeable
    return _of_change(case, wanted, lambda change: change.mergeable, _MERGEABLE, {Mergeable.UNKNOWN})


def _remarks(case: _Case) -> Part | None:
    if case.when.remarks is None:
        return None
    told = _told(case)
    if isinstance(told, Part):
        return told
    if told.remarks is None:
        return Part(None, "nobody knows what its reviewers have said")
    said = "remarks of its reviewers are not settled" if told.remarks else "nothing that its reviewers said is open"
    return Part(bool(told.remarks) is case.when.remarks, said, _told_at(case))


def _of_change(
    case: _Case,
    wanted: Collection[Word],
    of: Callable[[Change], Word],
    words: dict[Word, str],
    undecided: Collection[Word],
) -> Part | None:
    """One axis of the change. A word that decides nothing is neither so nor not so, unless it is asked for."""
    if not wanted:
        return None
    told = _told(case)
    if isinstance(told, Part):
        return told
    word = of(told)
    is_so = None if word in undecided and word not in wanted else word in wanted
    return Part(is_so, words[word], _told_at(case))


def _told(case: _Case) -> Change | Part:
    """Give what its forge has told, if that can be relied on and asked about."""
    change, is_asked = case.session.change, is_watched(case.session)
    if change is None and not is_asked:
        is_worktree = case.session.spec.workspace.is_worktree
        why = "it has ended without a pull request" if is_worktree else "it works in no worktree"
        return Part(None, f"{why}, so no forge is asked")
    if case.seen.change_at is None and not is_asked:
        return Part(None, "it has ended, so its forge is not asked about it any more")
    if change is None or case.seen.change_at is None:
        return Part(None, "its forge has not told of it since the daemon started")
    stays_so = change.pr is Pr.MERGED and not is_asked  # nothing undoes a merge
    if not stays_so and (case.now.at - case.seen.change_at).total_seconds() > CHANGE_TRUSTED_S:
        return Part(None, f"its forge has told nothing of it for {_ago(case.seen.change_at, case.now)}")
    if not case.when.pr and change.pr not in _OPEN:
        return Part(False, _PR[change.pr], _told_at(case))
    return change


def _told_at(case: _Case) -> datetime | None:
    """Say when its forge told of it; null where it was the last word, for nobody asks any more."""
    return case.seen.change_at if is_watched(case.session) else None


def _does_nothing(session: Session) -> bool:
    return session.is_terminal or session.state in WAITING_FOR_A_RUN


def _lasts(case: _Case, told: str, since: datetime, wanted_s: float, *, is_certain: bool = False) -> Part:
    """Tell whether it has lasted that long, and if not, when it will have."""
    left_s = (since + timedelta(seconds=wanted_s) - case.now.at).total_seconds()
    in_s = max(0.0, left_s) if left_s > 0 else None
    return Part(in_s is None, told, None, in_s) if is_certain else _of_run(case, told, is_so=in_s is None, in_s=in_s)


def _ago(since: datetime, now: Instant) -> str:
    return duration_of(max(0.0, (now.at - since).total_seconds()))


_ASKED: tuple[Callable[[_Case], Part | None], ...] = (
    _state,
    _reason,
    _until,
    _agent,
    _activity,
    _stuck,
    _silent,
    _unread,
    _age,
    _cost,
    _tokens,
    _verified,
    _all_ended,
    _pr,
    _checks,
    _review,
    _mergeable,
    _remarks,
)
