"""Changes over the whole engine: what a forge tells is shown and explained, and so is its silence."""

import asyncio
from datetime import timedelta

from msgspec.structs import replace

from orchestrd.model.change import Checks, Pr
from orchestrd.model.errors import TransientError
from orchestrd.model.event import EventType
from orchestrd.model.limits import CHANGES_LOOK_S
from orchestrd.model.session import Workspace
from orchestrd.ports import Checkout
from orchestrd.testing.clocks import DAWN
from orchestrd.testing.forge import ScriptedForge
from tests.engine.rig import ID, Rig, running

SHOP = "ada/shop"
PATH = f"/home/me/.orch/worktrees/shop/{ID}"
TREE = Workspace(kind="worktree", path=PATH, branch=f"orch/{ID}-fix", base="main")


def watched() -> tuple[Rig, ScriptedForge]:
    """Give an engine with a forge, and a worktree that it knows."""
    rig, forge = Rig(), ScriptedForge()
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

        assert rig.service.explain(rig.record().id).change_rule == "no forge is asked: [forge] kind is none"
