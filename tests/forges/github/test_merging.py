"""Merging: what is seen right before decides, and what GitHub says of it is read into a sentence."""

import pytest

from orchestrd.model.change import Checks, Mergeable, Review
from orchestrd.model.reaction import Condition, MergeMethod, MergeOrder, Refusal
from orchestrd.ports.forge import Merging
from orchestrd.testing.clocks import LoopClock
from orchestrd.testing.github import Request, Response
from orchestrd.testing.github.http import problem
from orchestrd.testing.github.repository import Pull
from tests.forges.github.surroundings import OTHER_SHA, REPOSITORY, SHA, forge_at, github_at, wanted
from tests.github.described import needs_descriptions

pytestmark = needs_descriptions

GREEN = Condition(checks=(Checks.PASSING,), review=(Review.APPROVED,), mergeable=(Mergeable.CLEAN,), remarks=False)


class Bench:
    """A pull request that is approved and green, and a forge."""

    def __init__(self) -> None:
        clock = LoopClock()
        self.github = github_at(clock)
        self.repository = self.github.repository("o/r")
        self.pull: Pull = self.repository.pull("fix", sha=SHA)
        self.pull.review("ann", "APPROVED")
        self.check = self.repository.check(SHA, "test", "success")
        self.forge = forge_at(self.github, clock)

    async def merge(self) -> Merging:
        order = MergeOrder(
            repository=REPOSITORY,
            number=1,
            branch="fix",
            base="main",
            head=SHA,
            method=MergeMethod.SQUASH,
            when=GREEN,
        )
        return await self.forge.merge(order, wanted("fix"))

    def answer_the_order(self, response: Response) -> None:
        """Answer the order itself with this."""
        take = self.github.take
        self.github.take = lambda request: response if request.method == "PUT" else take(request)  # type: ignore[method-assign]

    @property
    def ordered(self) -> bool:
        return any(request.method == "PUT" for request in self.github.requests)


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_what_is_approved_and_green_is_merged_at_that_commit(bench: Bench) -> None:
    merging = await bench.merge()

    order = next(request.json for request in bench.github.requests if request.method == "PUT")
    assert (merging.is_merged, merging.error) == (True, None)
    assert order == {"sha": SHA, "merge_method": "squash"}
    assert bench.github.violations == []


async def test_what_turned_red_since_is_not_merged(bench: Bench) -> None:
    bench.check.conclusion = "failure"

    merging = await bench.merge()

    assert (merging.is_merged, merging.error) == (False, "its checks are failing, not passing")
    assert not bench.ordered


async def test_what_was_pushed_to_since_is_not_merged(bench: Bench) -> None:
    bench.repository.push("fix", OTHER_SHA)

    merging = await bench.merge()

    assert merging.error == "its newest commit is bbbbbbbbbb, and aaaaaaaaaa was to be merged"
    assert not bench.ordered


async def test_what_somebody_merged_at_that_commit_is_merged(bench: Bench) -> None:
    bench.repository.merge(bench.pull)

    merging = await bench.merge()

    assert merging.is_merged
    assert not bench.ordered


async def test_what_somebody_merged_at_another_commit_is_told(bench: Bench) -> None:
    bench.repository.push("fix", OTHER_SHA)
    bench.repository.merge(bench.pull)

    merging = await bench.merge()

    assert (merging.is_merged, merging.error) == (False, f"it was merged already, with its commit {OTHER_SHA}")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (405, "GitHub does not merge #1 by squash, or not yet: 'Squash merges are not allowed'"),
        (409, "the newest commit of #1 is no longer aaaaaaaaaa: 'Squash merges are not allowed'"),
        (422, "GitHub does not take the order to merge #1: 'Squash merges are not allowed'"),
        (418, "GitHub answered the order to merge #1 with 418: 'Squash merges are not allowed'"),
        (403, "#1 is not merged: the token may not: to merge: Squash merges are not allowed"),
        (404, "#1 is not merged: github.com shows no such thing to this token: to merge"),
    ],
)
async def test_a_refusal_is_read_into_a_sentence(bench: Bench, status: int, sentence: str) -> None:
    bench.answer_the_order(problem(status, "Squash merges are not allowed"))

    merging = await bench.merge()

    assert (merging.is_merged, merging.error) == (False, sentence)


async def test_a_refusal_says_what_it_is_for_and_how_github_has_put_it(bench: Bench) -> None:
    bench.answer_the_order(problem(405, "Repository rule violations found\n\nChanges must be made through the queue."))

    merging = await bench.merge()

    assert merging.refusal is Refusal.RULE
    assert merging.words == "Repository rule violations found\n\nChanges must be made through the queue."


async def test_who_may_not_merge_is_told_so_for_good(bench: Bench) -> None:
    bench.answer_the_order(problem(403, "Resource not accessible by personal access token"))

    merging = await bench.merge()

    assert (merging.refusal, merging.words) == (Refusal.RIGHT, "Resource not accessible by personal access token")


async def test_a_host_that_wants_to_be_asked_later_has_not_refused_for_good(bench: Bench) -> None:
    bench.answer_the_order(problem(403, "You have exceeded a secondary rate limit."))

    merging = await bench.merge()

    assert (merging.is_merged, merging.refusal) == (False, None)


async def test_nobody_knows_what_became_of_an_order_that_was_not_answered(bench: Bench) -> None:
    bench.answer_the_order(problem(502, "Bad gateway"))

    merging = await bench.merge()

    assert (merging.is_merged, merging.error) == (None, "github.com failed (502) to merge")


async def test_where_nothing_could_be_seen_nothing_is_merged(bench: Bench) -> None:
    bench.github.fail(502)

    merging = await bench.merge()

    assert merging.is_merged is False
    assert not bench.ordered


@pytest.mark.parametrize(("looks", "is_merged"), [(1, True), (5, False)])
async def test_what_github_has_yet_to_work_out_is_waited_for_a_moment(
    bench: Bench,
    looks: int,
    is_merged: bool,  # noqa: FBT001 - a table
) -> None:
    take, asked = bench.github.take, 0
    bench.pull.mergeable = "UNKNOWN"

    def working_it_out(request: Request) -> Response:
        nonlocal asked
        answered = take(request)
        asked += request.path == "/graphql"
        if asked == 2 * looks:  # each look is two requests: which it is, and what there is to know of it
            bench.pull.mergeable = "MERGEABLE"
        return answered

    bench.github.take = working_it_out  # type: ignore[method-assign]

    merging = await bench.merge()

    assert merging.is_merged is is_merged
    assert merging.error == (None if is_merged else "it is unknown, not clean")
