"""A forge in the place of another: what still applies of what that knew, and what does not."""

import asyncio
import gc
from weakref import ref

import httpx
import pytest
from msgspec.structs import replace

from orchestrd.core.layout import Layout
from orchestrd.forges.context import ForgeContext
from orchestrd.forges.github.adapter import GitHubForge
from orchestrd.model.errors import TransientError
from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.ports import Forge
from orchestrd.testing.clocks import LoopClock
from orchestrd.testing.github import FakeGitHub
from orchestrd.testing.github.fake import TOKEN
from tests.forges.github.surroundings import REPOSITORY, SHA, change_of, connect_to, github_at, queries, wanted
from tests.github.described import needs_descriptions

pytestmark = needs_descriptions

SHARED = ForgeSettings(token_env="MINE")


class Bench:
    """A GitHub with an open pull request, and whatever asks it."""

    def __init__(self) -> None:
        self.clock = LoopClock()
        self.github: FakeGitHub = github_at(self.clock)
        self.github.repository("o/r").pull("fix", sha=SHA)

    def forge(self, settings: ForgeSettings = SHARED, before: Forge | None = None) -> GitHubForge:
        context = ForgeContext(
            layout=Layout("/nowhere"),
            clock=self.clock,
            settings=settings,
            environ={"MINE": TOKEN, "OTHER": TOKEN, "PATH": "", "HOME": "/nowhere"},
            git=None,  # type: ignore[arg-type] # GitHub needs none
            on_error=lambda _, __: None,
            before={} if before is None else {"github": before},
        )
        return GitHubForge(context, connect_to(self.github))


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_it_goes_on_with_what_is_left_to_ask(bench: Bench) -> None:
    before = bench.forge()
    bench.github.budgets["graphql"].remaining = 2_502
    await change_of(before, "fix")

    after = bench.forge(replace(SHARED, share=0.9), before)
    (allowance,) = after.allowances()

    assert allowance.remaining == 2_500
    with pytest.raises(TransientError, match=r"not asked for another"):
        await after.look(REPOSITORY, [wanted("fix")])


async def test_what_one_asks_while_the_other_has_something_under_way_is_charged_to_both(bench: Bench) -> None:
    before = bench.forge()
    await change_of(before, "fix")
    after = bench.forge(replace(SHARED, share=0.2), before)

    await change_of(after, "fix")
    await change_of(before, "fix")

    (told_by_one,), (told_by_other,) = before.allowances(), after.allowances()
    assert told_by_one.remaining == told_by_other.remaining == bench.github.budgets["graphql"].remaining


async def test_it_asks_as_little_as_the_one_before_would_have(bench: Bench) -> None:
    before = bench.forge()
    known = await change_of(before, "fix")
    first = queries(bench.github)

    await change_of(bench.forge(replace(SHARED, share=0.2), before), "fix", known)

    assert (first, queries(bench.github)) == (2, 3)


async def test_a_host_that_wants_to_be_left_alone_is_left_alone_by_the_other_one_too(bench: Bench) -> None:
    before = bench.forge()
    bench.github.fail(429, retry_after="600")
    with pytest.raises(TransientError):
        await before.look(REPOSITORY, [wanted("fix")])

    after = bench.forge(replace(SHARED, webhook_secret_env="HOOK"), before)

    assert after.pause_s(REPOSITORY, 15.0) == 600.0


@pytest.mark.parametrize(
    "settings",
    [ForgeSettings(token_env="OTHER"), replace(SHARED, github_api="https://github.example/api/v3")],
)
async def test_another_token_or_another_place_has_a_budget_of_its_own(bench: Bench, settings: ForgeSettings) -> None:
    before = bench.forge()
    bench.github.fail(429, retry_after="600")
    with pytest.raises(TransientError):
        await before.look(REPOSITORY, [wanted("fix")])

    after = bench.forge(settings, before)

    assert (after.allowances(), after.pause_s(REPOSITORY, 15.0)) == ((), 15.0)


async def test_the_connection_of_the_one_before_is_closed_with_it_and_with_no_other(bench: Bench) -> None:
    made: list[httpx.AsyncClient] = []

    def connect() -> httpx.AsyncClient:
        made.append(connect_to(bench.github)())
        return made[-1]

    before = bench.forge()
    before._clients["github.com"]._wire._connect = connect
    await change_of(before, "fix")
    after = bench.forge(replace(SHARED, share=0.2), before)
    after._clients["github.com"]._wire._connect = connect
    await change_of(after, "fix")

    await before.close()
    await asyncio.sleep(0)

    assert [one.is_closed for one in made] == [True, False]


async def test_of_those_before_it_nothing_is_kept_but_what_they_knew(bench: Bench) -> None:
    before = bench.forge()
    await change_of(before, "fix")
    after = bench.forge(replace(SHARED, share=0.2), before)
    gone = ref(before)

    del before
    gc.collect()

    assert (gone(), after.name) == (None, "github")


async def test_a_delivery_that_was_taken_before_is_taken_no_second_time(bench: Bench) -> None:
    before = bench.forge()

    assert bench.forge(replace(SHARED, share=0.2), before).taken is before.taken
