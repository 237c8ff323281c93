"""A forge and checkouts over nothing but what a test says."""

import asyncio
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from orchestrd.core.merging import unready
from orchestrd.model.allowance import Allowance
from orchestrd.model.change import Change, Pr
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.issue import Issue
from orchestrd.model.reaction import MergeOrder, Refusal
from orchestrd.ports import ChangeLook, Checkout, Merging, WantedChange, WantedCheckout


class ScriptedForge:
    """Tells `changes`, by branch; of others that they have no pull request. Its remotes begin with its name.

    `fails` is raised by every look, or told of one branch. A look takes `takes_s`, a merge `merge_takes_s`.
    """

    def __init__(self, name: str = "scripted") -> None:
        self.name = name
        self.changes: dict[str, Change] = {}
        self.fails: dict[str, OrchestrdError] = {}  # by repository, or by branch
        self.issues: dict[int, Issue] = {}
        self.merge_fails: OrchestrdError | None = None
        self.refuses: tuple[Refusal, str] | None = None  # every merge: for what, and in which words
        self.is_merge_known = True
        self.takes_s = 0.0
        self.merge_takes_s = 0.0
        self.share = 1.0  # so many times longer than usual it wants to be left alone
        self.looks: list[tuple[float, str, tuple[str, ...]]] = []  # when, which repository, which branches
        self.merges: list[MergeOrder] = []
        self.known: list[Change | None] = []
        self.nudge: Callable[[str], None] = lambda _: None
        self.is_closed = False

    def repository_of(self, remote: str) -> str | None:
        """See the port."""
        scheme, _, path = remote.partition("://")
        return path if scheme == self.name and path else None

    async def look(self, repository: str, wanted: Sequence[WantedChange]) -> Sequence[ChangeLook]:
        """See the port."""
        self.looks.append((asyncio.get_running_loop().time(), repository, tuple(wish.branch for wish in wanted)))
        self.known = [wish.known for wish in wanted]
        await asyncio.sleep(self.takes_s)
        if error := self.fails.get(repository):
            raise error
        return [self._told(repository, wish) for wish in wanted]

    async def merge(self, order: MergeOrder, wanted: WantedChange) -> Merging:
        """See the port."""
        self.merges.append(order)
        await asyncio.sleep(self.merge_takes_s)
        if self.merge_fails is not None:
            raise self.merge_fails
        change = self.change_of(order.repository, wanted.branch)
        if self.refuses is not None:
            refusal, words = self.refuses
            return Merging(is_merged=False, change=change, error="it is refused", refusal=refusal, words=words)
        if change.pr is not Pr.MERGED and (why := unready(order, change)):
            return Merging(is_merged=False, change=change, error=why)
        self.changes[wanted.branch] = merged = replace(change, pr=Pr.MERGED)
        return Merging(is_merged=True, change=merged) if self.is_merge_known else Merging(is_merged=None)

    async def issue(self, repository: str, number: int) -> Issue:
        """See the port."""
        if number not in self.issues:
            raise RefusedError(f"there is no issue {number}", code="no_issues")
        return self.issues[number]

    def allowances(self) -> Sequence[Allowance]:
        """See the port."""
        return (Allowance(host=self.name),)

    def pause_s(self, repository: str, usual_s: float) -> float:
        """See the port."""
        return usual_s * self.share

    def on_change(self, nudge: Callable[[str], None]) -> None:
        """See the port."""
        self.nudge = nudge

    async def close(self) -> None:
        """See the port."""
        self.is_closed = True

    def change_of(self, repository: str, branch: str) -> Change:
        """Give what is told of a branch."""
        none = Change(forge=self.name, repository=repository, branch=branch, pr=Pr.NONE, remarks=())
        return self.changes.get(branch, none)

    def _told(self, repository: str, wish: WantedChange) -> ChangeLook:
        if error := self.fails.get(wish.branch):
            return ChangeLook(session=wish.session, error=error.message)
        return ChangeLook(session=wish.session, change=self.change_of(repository, wish.branch))


class ScriptedCheckouts:
    """Finds `found`, by the path of the worktree; of others nothing is known."""

    def __init__(self) -> None:
        self.found: dict[str, Checkout] = {}
        self.remotes: list[str] = []  # the name of the remote that was asked for, at each look
        self.takes_s = 0.0

    async def look(self, wanted: Sequence[WantedCheckout], remote: str) -> Sequence[Checkout]:
        """See the port."""
        self.remotes.append(remote)
        found = [self.found.get(wish.path, Checkout()) for wish in wanted]
        await asyncio.sleep(self.takes_s)
        return found
