"""Changes over the whole engine: what a forge tells is shown, explained and acted on, and so is its silence."""

import asyncio
from datetime import timedelta
from typing import cast

import pytest
from msgspec.structs import replace

from orchestrd.model.change import Checks, Mergeable, Pr, Review
from orchestrd.model.errors import RefusedError, TransientError
from orchestrd.model.event import EventType
from orchestrd.model.limits import CHANGES_LOOK_S
from orchestrd.model.reaction import Act, Condition, Reaction, Refusal
from orchestrd.model.session import Workspace
from orchestrd.model.words import State, Until
from orchestrd.ports import Checkout, Forge
from orchestrd.testing.clocks import DAWN
from orchestrd.testing.forge import ScriptedForge
from orchestrd.testing.world import Script
from tests.engine.rig import ID, OTHER, Rig, running

SHOP = "ada/shop"
PATH = f"/home/me/.orch/worktrees/shop/{ID}"
TREE = Workspace(kind="worktree", path=PATH, branch=f"orch/{ID}-fix", base="main")


MERGES = Reaction(name="ready", when=Condition(review=(Review.APPROVED,)), act=Act.MERGE, attempts=5)


def watched(*reactions: Reaction) -> tuple[Rig, ScriptedForge]:
    """Give an engine with a forge, and a worktree that it knows."""
    rig, forge = Rig(reactions=reactions), ScriptedForge()
    rig.forges["scripted"] = forge
    rig.checkouts.found[PATH] = Checkout(remote=f"scripted://{SHOP}", branch="fix", default="main")
    forge.changes["fix"] = replace(forge.change_of(SHOP, "fix"), pr=Pr.OPEN, number=12, head="c0ffee")
    return rig, forge


async def test_what_a_forge_tells_is_shown_explained_and_written_down() -> None:
    rig, forge = watched()

    async with running(rig):
        await rig.run(ID, workspace=TREE)
        await asyncio.sleep(1)
        forge.changes["fix"] = replace(forge.changes["fix"], checks=Checks.FAILING)
        await asyncio.sleep(CHANGES_LOOK_S)
        told, explained = rig.service.document(rig.record().id), rig.service.explain(rig.record().id)

        assert told.change == forge.changes["fix"]
        assert explained.change_rule.startswith("scripted told of it ")
        assert [event.to for event in rig.events(EventType.CHANGE_CHANGED)] == ["open", "open"]


async def test_a_silent_forge_is_a_trouble_that_says_since_when_and_takes_nothing_back() -> None:
    rig, forge = watched()

    async with running(rig):
        await rig.run(ID, workspace=TREE)
        await asyncio.sleep(1)
        since = DAWN.at + timedelta(seconds=CHANGES_LOOK_S)
        forge.fails[SHOP] = TransientError("502 Bad Gateway")
        await asyncio.sleep(2 * CHANGES_LOOK_S)

        said = f"scripted tells nothing of {SHOP} since {since:%H:%M:%S}Z: 502 Bad Gateway"
        assert rig.service.facts().trouble == said
        assert rig.service.explain(rig.record().id).change_rule.endswith(f"; since then: {said}")
        assert rig.record().change == forge.changes["fix"]


async def test_without_a_forge_it_is_said_that_none_is_asked() -> None:
    async with running() as rig:
        await rig.run(ID, workspace=TREE)

        assert (
            rig.service.explain(rig.record().id).change_rule
            == "no forge is asked: [forge] kind is none, or what it names is left out"
        )


async def test_of_whom_a_forge_is_asked_is_told_though_it_has_not_answered() -> None:
    rig, forge = watched()
    forge.fails[SHOP] = TransientError("502 Bad Gateway")

    async with running(rig):
        await rig.run(ID, workspace=TREE)
        await rig.run(OTHER)
        await asyncio.sleep(1)

        assert rig.record().change is None
        assert list(rig.service.asked_about()) == [ID]


async def test_a_goal_that_no_forge_can_tell_of_is_refused_but_not_for_a_session_that_is_there() -> None:
    rig, _ = watched()
    other = Workspace(kind="worktree", path=PATH.replace(ID, OTHER), branch=f"orch/{OTHER}", base="main")

    async with running(rig):
        await rig.spawn(ID, workspace=TREE, until=Until.PR_OPEN)
        rig.checkouts.found[rig.record().spec.project] = Checkout(branch="main", lacks_remote=True)
        again = await rig.spawn(ID, workspace=TREE, until=Until.PR_OPEN)
        with pytest.raises(RefusedError) as refused:
            await rig.spawn(OTHER, workspace=other, until=Until.PR_OPEN)

        assert (again.id, rig.state(OTHER), refused.value.code) == (ID, None, "no_forge")


async def test_an_exit_before_a_goal_that_no_forge_has_told_of_says_why() -> None:
    rig, _ = watched()
    rig.checkouts.found[PATH] = Checkout(branch="fix", lacks_remote=True)

    async with running(rig):
        await rig.run(ID, Script(exits_after_s=5.0), workspace=TREE, until=Until.PR_OPEN)
        ended = await rig.until(ID, State.FAILED)

    assert "is known to be open (its repository has no remote 'origin');" in str(ended.error)


async def test_a_forge_that_tells_again_what_it_told_before_is_not_said_to_be_silent() -> None:
    rig, forge = watched()
    forge.changes["fix"] = replace(forge.changes["fix"], pr=Pr.NONE)

    async with running(rig):
        await rig.run(ID, workspace=TREE, until=Until.PR_OPEN)
        await rig.when(lambda: rig.record().change)
        forge.fails[SHOP] = TransientError("502 Bad Gateway")
        silent = await rig.when(lambda: rig.service._roster.evidence(rig.record().id).untold)
        del forge.fails[SHOP]
        await asyncio.sleep(2 * CHANGES_LOOK_S)

        assert "502 Bad Gateway" in silent
        assert rig.service._roster.evidence(rig.record().id).untold is None


def approves(forge: ScriptedForge) -> None:
    """Let its pull request be approved, green and free of conflicts."""
    ready = {"checks": Checks.PASSING, "review": Review.APPROVED, "mergeable": Mergeable.CLEAN}
    forge.changes["fix"] = replace(forge.changes["fix"], **ready)


async def test_a_merge_that_is_refused_for_good_is_told_to_a_person_at_once_and_never_ordered_again() -> None:
    rig, forge = watched(MERGES)
    approves(forge)
    forge.refuses = (Refusal.RULE, "Changes must be made through the queue.")

    async with running(rig):
        await rig.run(ID, workspace=TREE)
        await rig.when(lambda: rig.events(EventType.REACTION_ESCALATED))
        at_once = asyncio.get_running_loop().time()
        await asyncio.sleep(24 * 3_600)

    assert at_once < CHANGES_LOOK_S
    assert (len(forge.merges), len(rig.events(EventType.REACTION_ESCALATED))) == (1, 1)


async def test_a_merge_is_ordered_once_though_another_forge_comes_while_it_is_under_way() -> None:
    rig, forge = watched(MERGES)
    approves(forge)
    forge.merge_takes_s = 10.0
    other = ScriptedForge()
    other.changes = forge.changes

    async with running(rig):
        await rig.run(ID, workspace=TREE)
        await rig.when(lambda: forge.merges)
        rig.engine.ask(cast("dict[str, Forge]", {"scripted": other}))
        rig.engine.take(rig.settings)
        is_closed = forge.is_closed
        await rig.when(lambda: rig.events(EventType.MERGE_SETTLED))
        await asyncio.sleep(CHANGES_LOOK_S)
        hosts = [allowance.host for allowance in rig.service.facts().allowances]

    (settled,) = rig.events(EventType.MERGE_SETTLED)
    assert (settled.to, len(forge.merges), other.merges) == ("merged", 1, [])
    assert (is_closed, forge.is_closed, hosts) == (False, True, ["scripted"])
    assert other.looks


async def test_nothing_is_merged_by_what_a_forge_has_told_that_is_gone() -> None:
    rig, forge = watched()
    approves(forge)

    async with running(rig):
        await rig.run(ID, workspace=TREE)
        await asyncio.sleep(1)
        rig.engine.ask({})
        rig.engine.take(rig.settings)
        await asyncio.sleep(1)
        rig.engine.take(replace(rig.settings, reactions=(MERGES,)))
        await asyncio.sleep(10 * CHANGES_LOOK_S)

    assert rig.record().change == forge.changes["fix"]
    assert (forge.merges, rig.events(EventType.REACTION_FIRED)) == ([], [])
