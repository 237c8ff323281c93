"""The merger, in virtual time: what is ordered, what is told of it, and who looks again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from msgspec.structs import replace

from orchestrd.engine.forges import Forges
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.merger import Merger
from orchestrd.engine.roster import NO_EVIDENCE, Roster
from orchestrd.model.change import Change, Pr
from orchestrd.model.command import Merged
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.errors import OrchestrdError, RefusedError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import MERGE_S
from orchestrd.model.reaction import Condition, MergeMethod, MergeOrder, Refusal
from orchestrd.ports import Forge
from orchestrd.testing.forge import ScriptedForge
from tests.engine.test_forge_watch import ID, SHOP
from tests.sessions import a_session

ORDER = MergeOrder(
    repository=SHOP,
    number=12,
    branch="fix",
    base=None,
    head="c0ffee",
    method=MergeMethod.SQUASH,
    when=Condition(pr=(Pr.OPEN,)),
)
OPEN = Change(forge="scripted", repository=SHOP, branch="fix", pr=Pr.OPEN, number=12, head="c0ffee", remarks=())


class Bench:
    """A merger with a hand on everything around it."""

    def __init__(self) -> None:
        self.forge = ScriptedForge()
        self.forge.changes["fix"] = OPEN
        self.errors: list[str] = []
        self.roster = Roster(self.on_error)
        self.results: list[Merged] = []
        self.looked: list[str] = []
        self.forges = Forges(cast("dict[str, Forge]", {"scripted": self.forge}), self.on_error)
        self.merger = Merger(
            forges=self.forges,
            look_now=self.looked.append,
            roster=self.roster,
            mailboxes=cast("Mailboxes", self),
            on_error=self.on_error,
        )

    def on_error(self, what: str, error: BaseException | None) -> None:
        self.errors.append(f"{what}: {error}")

    async def submit(self, session: SessionId, result: Merged) -> None:
        assert not self.looked, "it is looked at again once the outcome is on record"
        self.results.append(result)
        self.orders(effects=())

    def orders(self, **changes: Any) -> None:
        effect = Effect(id="1", kind=EffectKind.MERGE, generation=1, merge=ORDER)
        session = a_session(ID, **({"change": OPEN, "effects": (effect,)} | changes))
        self.roster.put(session, NO_EVIDENCE)
        self.roster.tell(session)


@asynccontextmanager
async def merging(bench: Bench) -> AsyncIterator[Bench]:
    await bench.merger.start()
    try:
        yield bench
    finally:
        await bench.merger.stop()


async def outcome(bench: Bench, **changes: Any) -> Merged:
    async with merging(bench):
        bench.orders(**changes)
        await asyncio.sleep(2 * MERGE_S)
    (result,) = bench.results
    return result


async def test_an_order_is_obeyed_once_and_looked_at_then() -> None:
    bench = Bench()

    result = await outcome(bench)

    assert (result.is_merged, result.error, bench.forge.merges, bench.looked) == (True, None, [ORDER], [SHOP])
    assert result.change == replace(OPEN, pr=Pr.MERGED)


async def test_what_the_last_daemon_left_is_found_obeyed() -> None:
    bench = Bench()
    bench.forge.changes["fix"] = replace(OPEN, pr=Pr.MERGED)
    bench.orders()

    async with merging(bench):
        await asyncio.sleep(1)

    assert [result.is_merged for result in bench.results] == [True]


async def test_what_is_not_ready_any_more_is_not_merged_and_says_why() -> None:
    bench = Bench()
    bench.forge.changes["fix"] = replace(OPEN, head="decaf")

    result = await outcome(bench)

    assert (result.is_merged, result.error) == (False, "its newest commit is decaf, and c0ffee was to be merged")


async def test_what_a_forge_says_of_its_refusal_is_told() -> None:
    bench = Bench()
    bench.forge.refuses = (Refusal.RULE, "by the queue")

    result = await outcome(bench)

    assert (result.is_merged, result.refusal, result.words) == (False, Refusal.RULE, "by the queue")


@pytest.mark.parametrize(
    ("error", "is_merged"),
    [
        (RefusedError("no right to merge"), False),
        (TransientError("502 Bad Gateway"), None),
        (cast("OrchestrdError", ValueError("what is this")), None),
    ],
)
async def test_an_error_tells_whether_something_may_have_been_done(error: Any, *, is_merged: bool | None) -> None:
    bench = Bench()
    bench.forge.merge_fails = error

    result = await outcome(bench)

    assert result.is_merged is is_merged
    assert str(error) in (result.error or "")
    assert bench.looked == [SHOP]


async def test_a_forge_that_does_not_answer_leaves_it_unknown() -> None:
    bench = Bench()
    bench.forge.merge_takes_s = MERGE_S + 1

    result = await outcome(bench)

    assert (result.is_merged, result.error) == (None, f"the forge has not answered within {MERGE_S:g} s")


@pytest.mark.parametrize("change", [None, replace(OPEN, branch="other"), replace(OPEN, forge="gone")])
async def test_nobody_is_asked_where_the_order_is_about_something_else_by_now(change: Change | None) -> None:
    bench = Bench()

    result = await outcome(bench, change=change)

    assert (result.is_merged, bench.forge.merges) == (False, [])
    assert result.error


async def test_a_merge_under_way_keeps_nobody_from_stopping_and_is_left_to_the_next_daemon() -> None:
    bench = Bench()
    bench.forge.merge_takes_s = 50.0

    async with merging(bench):
        bench.orders()
        await asyncio.sleep(1)

    assert asyncio.get_running_loop().time() < 2
    assert (bench.results, bench.errors) == ([], [])


async def test_a_merge_under_way_is_finished_by_the_forge_that_began_it() -> None:
    bench, other = Bench(), ScriptedForge()
    bench.forge.merge_takes_s = 10.0

    async with merging(bench):
        bench.orders()
        await asyncio.sleep(1)
        bench.forges.take(cast("dict[str, Forge]", {"scripted": other}))
        await asyncio.sleep(20)

    assert [result.is_merged for result in bench.results] == [True]
    assert (bench.forge.merges, other.merges, bench.errors) == ([ORDER], [], [])
