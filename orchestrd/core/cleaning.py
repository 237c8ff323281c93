"""What a clean does with a worktree, and why: facts in, a verdict out.

The rules: a session that may run keeps its worktree. What holds nothing new is removed. What holds anything else is
preserved first. What is not understood, or not ours for certain, stays and is told of.
"""

from collections.abc import Iterable
from shlex import quote

from msgspec import Struct

from orchestrd.core.worktree import owner_of
from orchestrd.model.change import Pr
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Session
from orchestrd.model.words import Deed
from orchestrd.model.worktree import Place, Worktree

ARCHIVED = "archived"
SHOWN_ONLY = "written by a newer orchestrd, and only shown"
CHANGED = "changed"  # the code of an error: a worktree is not as it was when it was looked at


def preserve_ref(name: str) -> str:
    """Name the ref that holds what was preserved of a worktree, in its repository."""
    return f"refs/orch/preserve/{name}"


class Owner(Struct, frozen=True, kw_only=True):
    """The session that a worktree was made for, as far as it is known.

    `base`: what its work was to be merged into. `merged`: the commit that its forge has told of as merged, in whatever
    form: squashed or rebased no branch holds it.
    """

    session: SessionId
    standing: str  # its state, or that it is archived
    is_over: bool
    base: str | None = None
    merged: str | None = None


class Verdict(Struct, frozen=True):
    """What is to be done, why, and where nothing is done the next command."""

    deed: Deed
    why: str
    hint: str = ""


def merged_commit(session: Session) -> str | None:
    """Name the commit of a session that its forge has told of as merged; null where there is none."""
    change = session.change
    return change.head if change is not None and change.pr is Pr.MERGED else None


def spared(place: Place, owner: Owner | None, sessions: Iterable[Session]) -> Verdict | None:
    """Spare a worktree that somebody may run in: its own session, or another that was begun inside; null otherwise."""
    if owner is not None and not owner.is_over:
        return Verdict(Deed.SPARE, f"its session is {owner.standing}", f"orch stop {owner.session}")
    for session in sessions:
        inside = (session.spec.workspace.path, session.spec.project)
        if not session.is_terminal and any(f"{path}/".startswith(f"{place.path}/") for path in inside):
            return Verdict(Deed.SPARE, f"session {session.id} works in it", f"orch stop {session.id}")
    return None


def judge(worktree: Worktree, owner: Owner | None) -> Verdict:
    """Decide about a worktree that nobody is known to run in."""
    if worktree.obstacle is not None:
        return Verdict(Deed.KEEP, worktree.obstacle.why, worktree.obstacle.hint or _look(worktree.place))
    if worktree.is_empty:
        return Verdict(Deed.REMOVE, "it is an empty directory")
    if owner is None and owner_of(worktree.branch or "") != worktree.place.name:
        why = f"no session is known for it, and its branch is {worktree.branch or 'none'}"
        return Verdict(Deed.KEEP, why, _look(worktree.place))
    news = tuple(_news(worktree, owner))
    if news:
        return Verdict(Deed.PRESERVE, ", ".join(news))
    return Verdict(Deed.REMOVE, "no file is changed, and every commit is pushed or merged")


def way_back(worktree: Worktree, ref: str | None) -> str:
    """Give the command that makes the worktree again as it was; empty where there is nothing to make."""
    if worktree.project is None:
        return ""
    what = (
        f"--detach {quote(worktree.place.path)} {ref}"
        if ref
        else (f"{quote(worktree.place.path)} {quote(worktree.branch or worktree.head or '')}")
    )
    return f"git -C {quote(worktree.project)} worktree add {what}"


def way_into(path: str, ref: str) -> str:
    """Give the command that writes what was preserved over the files of a worktree; others it leaves as they are."""
    return f"git -C {quote(path)} restore --overlay --source={ref} ."


def _look(place: Place) -> str:
    return f"git -C {quote(place.path)} status"


def _news(worktree: Worktree, owner: Owner | None) -> Iterable[str]:
    """Name everything in a worktree that is nowhere else."""
    for count, said in (
        (worktree.staged, "staged"),
        (worktree.modified, "modified"),
        (worktree.untracked, "untracked"),
    ):
        if count:
            yield f"{_counted(count, 'file')} {said}"
    if worktree.unheld and not _is_merged(worktree, owner):
        yield f"{_counted(worktree.unheld, 'commit')} neither pushed nor merged"
    if worktree.forgotten:
        yield f"{_counted(worktree.forgotten, 'line')} of work without a branch"
    if worktree.doing:
        yield f"in the middle of a {worktree.doing}"


def _is_merged(worktree: Worktree, owner: Owner | None) -> bool:
    """Tell whether its newest commit is what was merged; the branch that stays holds all that leads to it."""
    return (
        owner is not None
        and worktree.branch is not None
        and worktree.head is not None
        and (worktree.head == owner.merged)
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
