"""A bare repository on this machine as a forge: a pushed branch is a pull request into the branch that HEAD names.

It is open while it has commits that the base lacks, merged when the base has them, closed when the branch was deleted
without. It has no checks and no reviews. What a merge of ours has put into the base in another form (squashed, rebased)
is known by a ref that the same transaction wrote, named after the commit that was merged.

Invariants: a look changes nothing in the repository, not even an object: what a trial merge would make goes into a
directory of its own, which is removed again. Nothing that the repository names is run (`sealed.py`).
"""

import posixpath
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from orchestrd.core.fencing import cleaned, head
from orchestrd.core.merging import unready
from orchestrd.forges.context import ForgeContext
from orchestrd.forges.local_merging import (
    REFUSALS,
    merged_ref,
    put_into_base,
    refuse_checked_out,
    refuse_hooks,
    tree_of,
)
from orchestrd.forges.sealed import SealedGit, apart
from orchestrd.model.allowance import Allowance
from orchestrd.model.change import Change, Checks, Mergeable, Pr, Review
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.issue import Issue
from orchestrd.model.limits import LOCAL_FACTS_MAX, TITLE_CHARS_MAX
from orchestrd.model.reaction import MergeOrder, Refusal
from orchestrd.ports import ChangeLook, Forge, Merging, WantedChange
from orchestrd.ports.git import Git

HEADS = "refs/heads/"
_WAS_AHEAD = frozenset({Pr.DRAFT, Pr.OPEN, Pr.MERGED})
_SETTLED = frozenset({Pr.MERGED, Pr.CLOSED})


class Tip(Struct, frozen=True):
    """The newest commit of a branch, and its subject."""

    commit: str
    subject: str


class Facts(Struct, frozen=True, kw_only=True):
    """What holds of one commit beside one state of the base, for ever: commits do not change."""

    is_reachable: bool  # the base has it
    is_contained: bool  # the base has it, or all that it brings, in whatever form
    is_ours: bool = False  # a merge of ours put it there
    mergeable: Mergeable = Mergeable.UNKNOWN
    error: str | None = None  # why that is unknown


class View(Struct, frozen=True, kw_only=True):
    """The branches of a repository at one moment."""

    repository: str
    base: str
    tips: Mapping[str, Tip]


class LocalForge:
    """Looks into bare repositories by git."""

    name = "local"

    def __init__(self, git: Git) -> None:
        self._git = SealedGit(git)
        self._facts: dict[tuple[str, str, str], Facts] = {}

    def repository_of(self, remote: str) -> str | None:
        path = unquote(urlsplit(remote).path) if remote.startswith("file://") else remote
        return posixpath.normpath(path) if path.startswith("/") else None

    async def look(self, repository: str, wanted: Sequence[WantedChange]) -> Sequence[ChangeLook]:
        view = await self._view(repository, {wish.branch for wish in wanted})
        return [await self._told(view, wish) for wish in wanted]

    async def merge(self, order: MergeOrder, wanted: WantedChange) -> Merging:
        async with self._git.alone(order.repository):
            view = await self._view(order.repository, {wanted.branch})
            seen = await self._change(view, wanted)
            if seen.pr is Pr.MERGED and seen.head == order.head:
                return Merging(is_merged=True, change=seen)
            why = unready(order, seen) or (seen.error if seen.mergeable is Mergeable.UNKNOWN else None)
            if why is not None:
                return Merging(is_merged=False, change=seen, error=why, refusal=Refusal.NOT_READY)
            try:
                await refuse_checked_out(self._git, order.repository)
                await refuse_hooks(self._git, order.repository)
                await put_into_base(self._git, order, view.base, view.tips[view.base].commit)
            except OrchestrdError as error:
                return Merging(is_merged=False, change=seen, error=error.message, refusal=REFUSALS.get(error.code))
            after = await self._change(await self._view(order.repository, {wanted.branch}), wanted)
        return Merging(is_merged=True, change=after)

    async def issue(self, repository: str, number: int) -> Issue:
        raise RefusedError(
            f"{repository} is a plain repository and has no issues",
            code="no_issues",
            hint="orch spawn --issue issue.md",
        )

    def allowances(self) -> Sequence[Allowance]:
        return ()

    def pause_s(self, repository: str, usual_s: float) -> float:
        return usual_s

    def on_change(self, nudge: Callable[[str], None]) -> None:
        """Nobody calls: a repository tells nobody that it was pushed to."""

    async def close(self) -> None:
        """There is nothing to let go of."""

    # ---- a look

    async def _view(self, repository: str, branches: set[str]) -> View:
        head_of = await self._git.must(repository, "symbolic-ref", "HEAD")
        base = head_of.text.removeprefix(HEADS)
        refs = [HEADS + branch for branch in sorted(branches | {base})]
        listed = await self._git.must(
            repository, "for-each-ref", "--format=%(refname)%00%(objectname)%00%(contents:subject)", *refs
        )
        lines = (line.split("\0", 2) for line in listed.text.split("\n") if line)
        tips = {ref.removeprefix(HEADS): Tip(commit, subject) for ref, commit, subject in lines}
        return View(repository=repository, base=base, tips=tips)

    async def _told(self, view: View, wish: WantedChange) -> ChangeLook:
        try:
            return ChangeLook(session=wish.session, change=await self._change(view, wish))
        except OrchestrdError as error:
            return ChangeLook(session=wish.session, error=error.message)

    async def _change(self, view: View, wish: WantedChange) -> Change:
        tip, base, known = view.tips.get(wish.branch), view.tips.get(view.base), wish.known
        if tip is not None and base is None:
            raise RefusedError(
                f"HEAD of {view.repository} names branch {view.base}, and it has none: there is nothing to merge into",
                code="no_base",
                hint=f"git -C {view.repository} symbolic-ref HEAD refs/heads/main",
            )
        commit = tip.commit if tip else known.head if known and known.pr in _WAS_AHEAD | _SETTLED else None
        if commit is None or base is None or wish.branch == view.base:
            return _change(view, wish, Pr.NONE, tip)
        facts = await self._facts_of(view.repository, base.commit, commit)
        if known is not None and _stays_settled(known, commit, facts, is_there=tip is not None):
            pr = known.pr
        elif tip is None:
            pr = Pr.MERGED if facts.is_contained else Pr.CLOSED
        else:
            pr = await self._pr_there(view.repository, base.commit, facts, known)
        tip = tip or Tip(commit, (known.title if known else None) or "")
        return _change(view, wish, pr, tip, facts if pr is Pr.OPEN else None)

    async def _pr_there(self, repository: str, base: str, facts: Facts, known: Change | None) -> Pr:
        """Of a branch without news the work was merged if it was ever ahead; thrown away, if the base has none of that.

        One that was never seen ahead has no work yet.
        """
        if facts.is_ours:
            return Pr.MERGED
        was_ahead = known is not None and known.pr in _WAS_AHEAD
        if not facts.is_contained or (not facts.is_reachable and not was_ahead):
            return Pr.OPEN
        if known is None or known.head is None or not was_ahead:
            return Pr.NONE
        before = await self._facts_of(repository, base, known.head)
        return Pr.MERGED if before.is_contained or not facts.is_reachable else Pr.CLOSED

    async def _facts_of(self, repository: str, base: str, commit: str) -> Facts:
        key = (repository, base, commit)
        if key not in self._facts:
            if len(self._facts) >= LOCAL_FACTS_MAX:
                self._facts.clear()
            self._facts[key] = await self._found_out(repository, base, commit)
        return self._facts[key]

    async def _found_out(self, repository: str, base: str, commit: str) -> Facts:
        ask = self._git.ask
        if (await ask(repository, "cat-file", "-e", f"{commit}^{{commit}}")).code != 0:
            return Facts(is_reachable=False, is_contained=False, error="its commit is gone")
        is_reachable = (await ask(repository, "merge-base", "--is-ancestor", commit, base)).code == 0
        is_ours = (await ask(repository, "rev-parse", "-q", "--verify", merged_ref(commit))).code == 0
        if is_reachable or is_ours:
            return Facts(is_reachable=is_reachable, is_contained=True, is_ours=is_ours)
        async with apart(self._git, repository, is_kept=False) as environment:
            trial = await ask(repository, "merge-tree", "--write-tree", base, commit, environment=environment)
        if trial.code not in (0, 1):
            return Facts(is_reachable=False, is_contained=False, error=f"git cannot merge it: {head(trial.err, 300)}")
        if trial.code == 1:
            return Facts(is_reachable=False, is_contained=False, mergeable=Mergeable.CONFLICTING)
        return Facts(
            is_reachable=False,
            is_contained=await self._brings_nothing(repository, base, commit, trial.text.partition("\n")[0]),
            mergeable=Mergeable.CLEAN,
        )

    async def _brings_nothing(self, repository: str, base: str, commit: str, merged_tree: str) -> bool:
        """Tell whether the base has all of its work already, and would stay as it is.

        It has where it has what the branch as a whole changed, as after a squash by hand, or each of its patches. A
        branch that took its own work back changes nothing as a whole, and nobody merged that.
        """
        if await tree_of(self._git, repository, base) != merged_tree:
            return False
        fork = (await self._git.must(repository, "merge-base", base, commit)).text
        if await tree_of(self._git, repository, fork) != await tree_of(self._git, repository, commit):
            return True
        patches = (await self._git.must(repository, "cherry", base, commit)).text.splitlines()
        return bool(patches) and all(patch.startswith("-") for patch in patches)


def _stays_settled(known: Change, commit: str, facts: Facts, *, is_there: bool) -> bool:
    """What was merged or closed stays so for this commit; but a branch that was deleted may come back."""
    if known.pr not in _SETTLED or known.head != commit:
        return False
    return known.pr is Pr.MERGED or not is_there or facts.is_contained


def forge(context: ForgeContext) -> Forge:
    """Make it, for the daemon."""
    return LocalForge(context.git)


def _change(
    view: View,
    wish: WantedChange,
    pr: Pr,
    tip: Tip | None,
    facts: Facts | None = None,
) -> Change:
    title = head(cleaned(tip.subject), TITLE_CHARS_MAX) if tip and pr is not Pr.NONE else None
    return Change(
        forge=LocalForge.name,
        repository=view.repository,
        branch=wish.branch,
        base=view.base,
        pr=pr,
        title=title,
        head=tip.commit if tip else None,
        checks=Checks.NONE,
        review=Review.NONE,
        remarks=(),
        mergeable=facts.mergeable if facts else Mergeable.UNKNOWN,
        error=facts.error if facts else None,
    )
