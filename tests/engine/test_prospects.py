"""Whether a goal about a pull request could ever be met: refused only where that is certain."""

from typing import Any

import pytest

from orchestrd.engine.forges import Forges
from orchestrd.engine.prospects import Prospects
from orchestrd.model.session import Spec
from orchestrd.model.words import Until
from orchestrd.ports import Checkout
from orchestrd.testing.forge import ScriptedCheckouts, ScriptedForge
from tests.documents import a_spec

SHOP = "/home/me/the shop"


class BrokenForge(ScriptedForge):
    """A forge that cannot even read a remote."""

    def repository_of(self, remote: str) -> str | None:
        raise AssertionError(remote)


def _fail(what: str, error: BaseException | None) -> None:
    raise AssertionError(what) from error


async def refusal(until: Until, *forges: Any, **checkout: Any) -> tuple[str, str, str] | None:
    checkouts = ScriptedCheckouts()
    checkouts.found[SHOP] = Checkout(**checkout)
    in_use = Forges({forge.name: forge for forge in forges}, _fail)
    spec: Spec = a_spec(until=until, project=SHOP)
    found = await Prospects(in_use, checkouts, lambda: "origin").problem_with(spec)
    return None if found is None else (found.code, found.message, found.hint)


@pytest.mark.parametrize("until", [Until.PR_OPEN, Until.PR_MERGED])
async def test_a_goal_that_no_forge_could_ever_tell_of_is_refused_with_the_cause(until: Until) -> None:
    said = f"nobody could ever tell whether the goal {until} is met: "
    gitlab = {"branch": "main", "remote": "https://me:secret@gitlab.com/a/b.git"}

    assert await refusal(until) == (
        "no_forge",
        f"{said}no forge is asked, for [forge] kind is none, or what it names is left out",
        "orch doctor",
    )
    assert await refusal(until, ScriptedForge(), branch="main", lacks_remote=True) == (
        "no_forge",
        f"{said}{SHOP} has no remote 'origin' that it could be pushed to",
        f"git -C '{SHOP}' remote add origin URL",
    )
    assert await refusal(until, ScriptedForge(), **gitlab) == (
        "no_forge",
        f"{said}gitlab.com/a/b is known to no forge that is asked",
        "orch spawn --until turn",
    )
    assert await refusal(until, ScriptedForge(), branch="main", remote="elsewhere") == (
        "no_forge",
        f"{said}its remote is known to no forge that is asked",
        "orch spawn --until turn",
    )


async def test_what_may_be_met_or_could_not_be_looked_at_is_not_refused() -> None:
    assert await refusal(Until.PR_OPEN, ScriptedForge(), branch="main", remote="scripted://ada/shop") is None
    assert await refusal(Until.PR_OPEN, ScriptedForge()) is None
    assert await refusal(Until.PR_OPEN, ScriptedForge(), branch="main") is None
    assert await refusal(Until.PR_OPEN, BrokenForge(), branch="main", remote="elsewhere") is None
    assert await refusal(Until.VERIFY) is None
