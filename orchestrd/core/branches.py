"""Whose pull request a branch has: which session a forge is asked for, about which branch, and who has none.

The rules: a branch belongs to one session. Where several stand on it, it is that of the one that still goes on, and of
those the one that was there first. What a remote calls its own branch is nobody's: a pull request leads into it. While
no branch is checked out (a rebase), the last one that is known counts.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from orchestrd.model.change import Change, Checks, Pr, Review
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Session

_UNDECIDED = frozenset({Pr.DRAFT, Pr.OPEN})


class Claim(Struct, frozen=True, kw_only=True):
    """A session that stands on a branch of one repository. `default`: the branch that its remote calls its own."""

    session: Session
    branch: str
    default: str | None = None


def is_watched(session: Session) -> bool:
    """Tell whether a forge is asked about a session: it goes on, or nothing has become of its pull request yet."""
    if not session.spec.workspace.is_worktree:
        return False
    return not session.is_terminal or (session.change is not None and session.change.pr in _UNDECIDED)


def branch_of(session: Session, checked_out: str | None) -> str | None:
    """Name the branch that a session stands on, or stood on last."""
    known = session.change.branch if session.change else None
    return checked_out or known or session.spec.workspace.branch


def without_pull_request(claims: Sequence[Claim]) -> dict[SessionId, str]:
    """Say of which sessions of one repository the branch has no pull request of theirs, and why."""
    owners = _owners(claims)
    why: dict[SessionId, str] = {}
    for claim in claims:
        owner = owners[claim.branch]
        if claim.branch == claim.default:
            why[claim.session.id] = f"{claim.branch} is the branch that pull requests lead into"
        elif owner != claim.session.id:
            why[claim.session.id] = f"the branch {claim.branch} is that of session {owner}"
    return why


def no_pull_request(forge: str, repository: str, branch: str, why: str) -> Change:
    """Tell of a branch that has no pull request of this session."""
    return Change(
        forge=forge,
        repository=repository,
        branch=branch,
        pr=Pr.NONE,
        checks=Checks.NONE,
        review=Review.NONE,
        remarks=(),
        error=why,
    )


def known_of(session: Session, forge: str, repository: str, branch: str) -> Change | None:
    """Give what is known of this very branch; what was told of another one says nothing about it."""
    change = session.change
    if change is None or (change.forge, change.repository, change.branch) != (forge, repository, branch):
        return None
    return change


def told_rule(session: Session, seen_at: datetime | None, why: str | None, now: datetime) -> str:
    """Say how sure the change of a session is: when it was last told, or why it is not; empty where none is told of."""
    change = session.change
    teller = change.forge if change else "the forge"
    if not is_watched(session):
        return _last_word(teller, seen_at, now) if change else ""
    if seen_at is None:
        old = "; what is on record was told before this daemon started" if change else ""
        return f"{why or 'nothing has been told of it yet'}{old}"
    told = f"{teller} told of it {_age(seen_at, now)} ago"
    return f"{told}; since then: {why}" if why else told


def _last_word(teller: str, seen_at: datetime | None, now: datetime) -> str:
    """Say that nothing more will be told. What is on record is the last word, whichever daemon has heard it."""
    told = f"it has ended, so {teller} is not asked about it any more"
    return told if seen_at is None else f"{told}; it told of it last {_age(seen_at, now)} ago"


def _age(since: datetime, now: datetime) -> str:
    return f"{max(0.0, (now - since).total_seconds()):.0f} s"


def _owners(claims: Iterable[Claim]) -> dict[str, SessionId]:
    owners: dict[str, SessionId] = {}
    for claim in sorted(claims, key=_seniority):
        owners.setdefault(claim.branch, claim.session.id)
    return owners


def _seniority(claim: Claim) -> tuple[bool, float, str]:
    return claim.session.is_terminal, claim.session.created_at.timestamp(), claim.session.id
