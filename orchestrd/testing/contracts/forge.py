"""What every forge promises, wherever its pull requests are. One suite: a stage builds the world for it."""

from typing import Protocol

import pytest

from orchestrd.model.change import Change, Mergeable, Pr
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.model.reaction import Condition, MergeMethod, MergeOrder
from orchestrd.ports import ChangeLook, Forge, Merging, WantedChange

ID, OTHER = SessionId("aaaaaaaa"), SessionId("bbbbbbbb")
FIX, FEATURE = "orch/a-fix", "feature/b"
READY = Condition(pr=(Pr.OPEN,))


class Stage(Protocol):
    """A world to try a forge in: one repository with a base, and hands that work in it as people do."""

    @property
    def forge(self) -> Forge:
        """The forge of the daemon of the moment."""
        ...

    @property
    def remote(self) -> str:
        """The URL by which a clone knows the repository."""
        ...

    @property
    def foreign_remotes(self) -> tuple[str, ...]:
        """URLs of repositories that are at none of this forge's places."""
        ...

    async def push(self, branch: str, text: str = "new\n") -> str:
        """Push one more commit to a branch, which is made from the base if it is not there; gives the commit.

        It writes this text into a file of the name of the branch.
        """
        ...

    async def propose(self, branch: str) -> None:
        """Open the pull request of a pushed branch, where that takes more than pushing it."""
        ...

    async def conflict_with(self, branch: str) -> None:
        """Move the base on so that the branch cannot be merged into it any more."""
        ...

    async def merge_by_hand(self, branch: str) -> None:
        """Merge it as a person would, and leave the branch there."""
        ...

    async def abandon(self, branch: str) -> None:
        """Give its pull request up."""
        ...

    async def base_has(self, branch: str) -> bool:
        """Tell whether the base has what was pushed to a branch."""
        ...

    async def vanish(self) -> None:
        """Let the whole repository be out of reach."""
        ...

    async def restart(self) -> None:
        """Let the daemon go and a new one come, in the same world."""
        ...


class ForgeContract:
    """Mixed into a test class whose fixture `stage` builds the world."""

    async def test_it_knows_its_own_remotes_and_no_others(self, stage: Stage) -> None:
        told = [stage.forge.repository_of(remote) for remote in stage.foreign_remotes]

        assert stage.forge.repository_of(stage.remote)
        assert told == [None] * len(told)

    async def test_a_branch_that_was_not_pushed_has_no_pull_request(self, stage: Stage) -> None:
        change = await seen(stage, FIX)

        assert (change.pr, change.branch, change.head) == (Pr.NONE, FIX, None)

    async def test_a_proposed_branch_is_open_and_told_with_its_newest_commit(self, stage: Stage) -> None:
        await proposed(stage, FIX)
        head = await stage.push(FIX, "newer\n")

        change = await seen(stage, FIX)

        assert (change.pr, change.head) == (Pr.OPEN, head)
        assert change.base not in (None, FIX)
        assert change.title

    async def test_many_are_told_at_once_in_the_order_in_which_they_were_asked_for(self, stage: Stage) -> None:
        await proposed(stage, FEATURE)
        wanted = [WantedChange(session=OTHER, branch=FIX, directory="/"), a_wish(FEATURE)]

        looks = await stage.forge.look(repository(stage), wanted)

        assert [look.session for look in looks] == [OTHER, ID]
        assert [of(look).pr for look in looks] == [Pr.NONE, Pr.OPEN]
        assert [of(look).branch for look in looks] == [FIX, FEATURE]

    async def test_the_same_is_told_of_what_has_not_changed(self, stage: Stage) -> None:
        await proposed(stage, FIX)
        first = await seen(stage, FIX)

        again = await seen(stage, FIX, first)

        assert again == first

    async def test_what_was_merged_by_hand_is_merged_and_stays_so(self, stage: Stage) -> None:
        head = await proposed(stage, FIX)
        opened = await seen(stage, FIX)
        await stage.merge_by_hand(FIX)

        merged = await seen(stage, FIX, opened)

        assert (merged.pr, merged.head) == (Pr.MERGED, head)
        assert (await seen(stage, FIX, merged)).pr is Pr.MERGED

    async def test_what_was_given_up_is_closed_and_stays_so(self, stage: Stage) -> None:
        await proposed(stage, FIX)
        opened = await seen(stage, FIX)
        await stage.abandon(FIX)

        closed = await seen(stage, FIX, opened)

        assert closed.pr is Pr.CLOSED
        assert (await seen(stage, FIX, closed)).pr is Pr.CLOSED

    async def test_what_conflicts_with_its_base_is_said_to(self, stage: Stage) -> None:
        await proposed(stage, FIX)
        await stage.conflict_with(FIX)

        change = await seen(stage, FIX)

        assert (change.pr, change.mergeable) == (Pr.OPEN, Mergeable.CONFLICTING)

    @pytest.mark.parametrize("method", list(MergeMethod))
    async def test_a_merge_puts_the_commit_into_the_base_by_each_method(
        self, stage: Stage, method: MergeMethod
    ) -> None:
        head = await proposed(stage, FIX)

        merging = await merge(stage, FIX, head, method)

        assert (merging.is_merged, merging.error) == (True, None)
        assert await stage.base_has(FIX)
        assert (await seen(stage, FIX)).pr is Pr.MERGED

    async def test_an_order_that_was_obeyed_is_obeyed_also_for_the_next_daemon(self, stage: Stage) -> None:
        head = await proposed(stage, FIX)
        known = await seen(stage, FIX)
        await merge(stage, FIX, head, known=known)
        await stage.restart()

        again = await merge(stage, FIX, head, known=known)

        assert (again.is_merged, again.error) == (True, None)

    async def test_no_other_commit_is_merged_than_the_one_that_was_ordered(self, stage: Stage) -> None:
        head = await proposed(stage, FIX)
        await stage.push(FIX, "newer\n")

        merging = await merge(stage, FIX, head)

        assert merging.is_merged is False
        assert merging.error
        assert not await stage.base_has(FIX)

    async def test_what_is_not_as_it_was_wanted_is_not_merged(self, stage: Stage) -> None:
        head = await proposed(stage, FIX)
        conflicting = await proposed(stage, FEATURE)
        await stage.conflict_with(FEATURE)

        closed = await merge(stage, FIX, head, when=Condition(pr=(Pr.DRAFT,)))
        conflict = await merge(stage, FEATURE, conflicting)

        assert (closed.is_merged, conflict.is_merged) == (False, False)
        assert not await stage.base_has(FIX)

    async def test_a_repository_out_of_reach_tells_nothing(self, stage: Stage) -> None:
        name = repository(stage)
        await stage.vanish()

        with pytest.raises(OrchestrdError) as error:
            await stage.forge.look(name, [a_wish(FIX)])

        assert error.value.message

    async def test_it_is_never_asked_more_often_than_usual(self, stage: Stage) -> None:
        assert stage.forge.pause_s(repository(stage), 15.0) >= 15.0


def repository(stage: Stage) -> str:
    """Name the repository of the stage."""
    name = stage.forge.repository_of(stage.remote)
    assert name is not None
    return name


def a_wish(branch: str, known: Change | None = None) -> WantedChange:
    """Ask for one branch."""
    return WantedChange(session=ID, branch=branch, directory="/", known=known)


def of(look: ChangeLook) -> Change:
    """Give what a look has told."""
    assert look.change is not None, look.error
    return look.change


async def seen(stage: Stage, branch: str, known: Change | None = None) -> Change:
    """Look at one branch."""
    (look,) = await stage.forge.look(repository(stage), [a_wish(branch, known)])
    return of(look)


async def proposed(stage: Stage, branch: str) -> str:
    """Push a branch and open its pull request; gives its commit."""
    head = await stage.push(branch)
    await stage.propose(branch)
    return head


async def merge(
    stage: Stage,
    branch: str,
    head: str,
    method: MergeMethod = MergeMethod.MERGE,
    *,
    when: Condition = READY,
    known: Change | None = None,
) -> Merging:
    """Order a merge of what was seen of a branch, but of this commit."""
    known = known or await seen(stage, branch)
    order = MergeOrder(
        repository=repository(stage),
        number=known.number,
        branch=branch,
        base=known.base,
        head=head,
        method=method,
        when=when,
    )
    return await stage.forge.merge(order, a_wish(branch, known))
