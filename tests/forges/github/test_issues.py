"""Reading an issue."""

import asyncio

import pytest

from orchestrd.forges.github.adapter import GitHubForge
from orchestrd.model.errors import NotFoundError, RefusedError, TransientError
from orchestrd.model.issue import Comment
from orchestrd.model.limits import FORGE_ERROR_TOLD_S, ISSUE_COMMENTS_MAX
from orchestrd.testing.clocks import LoopClock
from orchestrd.testing.github import FakeGitHub
from tests.forges.github.surroundings import REPOSITORY, forge_at, github_at
from tests.github.described import needs_descriptions

pytestmark = needs_descriptions


@pytest.fixture
async def github() -> FakeGitHub:
    return github_at(LoopClock())


@pytest.fixture
async def forge(github: FakeGitHub) -> GitHubForge:
    return forge_at(github, LoopClock())


async def test_an_issue_is_told_with_its_comments(github: FakeGitHub, forge: GitHubForge) -> None:
    github.repository("o/r").issue("It\tbreaks", "When\x1b[1m I run it.", author="ann", comments=[("bob", "Me too.")])

    issue = await forge.issue(REPOSITORY, 1)

    assert (issue.id, issue.title, issue.body) == ("github.com/o/r#1", "It breaks", "When I run it.")
    assert (issue.author, issue.comments, issue.comments_more) == ("ann", (Comment(author="bob", text="Me too."),), 0)
    assert not issue.is_closed
    assert github.violations == []


async def test_of_very_many_comments_the_newest_are_told_and_the_others_counted(
    github: FakeGitHub, forge: GitHubForge
) -> None:
    comments = [("bob", f"{number}") for number in range(250)]
    github.repository("o/r").issue("Much", is_closed=True, comments=comments)

    issue = await forge.issue(REPOSITORY, 1)

    assert [comment.text for comment in issue.comments] == [f"{number}" for number in range(150, 250)]
    assert (issue.comments_more, issue.is_closed) == (250 - ISSUE_COMMENTS_MAX, True)


async def test_an_issue_that_has_not_changed_costs_nothing_again(github: FakeGitHub, forge: GitHubForge) -> None:
    github.repository("o/r").issue("It breaks")
    first = await forge.issue(REPOSITORY, 1)
    before = github.budgets["core"].remaining

    again = await forge.issue(REPOSITORY, 1)

    assert again == first
    assert github.budgets["core"].remaining == before


async def test_a_pull_request_is_no_issue(github: FakeGitHub, forge: GitHubForge) -> None:
    github.repository("o/r").pull("fix", sha="a" * 40)

    with pytest.raises(RefusedError, match=r"github.com/o/r#1 is a pull request, not an issue"):
        await forge.issue(REPOSITORY, 1)


async def test_an_issue_that_is_not_there_is_not_found(github: FakeGitHub, forge: GitHubForge) -> None:
    github.repository("o/r")

    with pytest.raises(NotFoundError, match=r"github.com shows no such thing to this token: to read the issue"):
        await forge.issue(REPOSITORY, 7)


async def test_what_went_wrong_with_one_issue_is_not_told_of_its_host_for_ever(
    github: FakeGitHub, forge: GitHubForge
) -> None:
    github.fail(502)
    with pytest.raises(TransientError) as failed:
        await forge.issue(REPOSITORY, 1)

    told = [allowance.error for allowance in forge.allowances()]
    await asyncio.sleep(FORGE_ERROR_TOLD_S + 1)

    assert told == [failed.value.message]
    assert forge.allowances() == ()


async def test_who_asks_again_too_soon_is_told_what_went_wrong_and_not_that_nothing_is_left(
    github: FakeGitHub, forge: GitHubForge
) -> None:
    github.fail(502)
    with pytest.raises(TransientError):
        await forge.issue(REPOSITORY, 1)

    with pytest.raises(TransientError) as again:
        await forge.issue(REPOSITORY, 1)

    assert again.value.message == (
        "github.com is not asked for another 5 s, for it answered nothing: github.com failed (502) to read the issue"
        " github.com/o/r#1"
    )


async def test_a_host_that_goes_on_failing_is_told_of_all_the_time(github: FakeGitHub, forge: GitHubForge) -> None:
    github.fail(*[502] * 8)
    told = []

    for _ in range(8):
        with pytest.raises(TransientError):
            await forge.issue(REPOSITORY, 1)
        await asyncio.sleep(FORGE_ERROR_TOLD_S - 1)
        told += [allowance.error for allowance in forge.allowances()]

    assert len(told) == 8
