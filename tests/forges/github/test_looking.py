"""Looking at many branches: what it costs, what is told of each, and what is unknown."""

import asyncio

import httpx
import pytest

from orchestrd.forges.github.adapter import GitHubForge
from orchestrd.model.change import Change, Checks, Mergeable, Pr, Review
from orchestrd.model.errors import NotFoundError, RefusedError, TransientError
from orchestrd.model.limits import CHANGES_AT_ONCE_MAX, CHECK_LOG_CHARS_MAX, FAILED_CHECKS_MAX, FORGE_LOGS_S
from orchestrd.testing.clocks import LoopClock
from orchestrd.testing.github import FakeGitHub, Repository, Request, Response
from orchestrd.testing.github.http import answer
from tests.forges.github.surroundings import (
    OTHER_SHA,
    REPOSITORY,
    SHA,
    change_of,
    connect_to,
    forge_at,
    github_at,
    queries,
    wanted,
)
from tests.github.described import needs_descriptions

pytestmark = needs_descriptions


class Bench:
    """The fake, a repository of it, and a forge that asks it."""

    def __init__(self) -> None:
        self.clock = LoopClock()
        self.github: FakeGitHub = github_at(self.clock)
        self.repository: Repository = self.github.repository("o/r")
        self.forge: GitHubForge = forge_at(self.github, self.clock)
        self.spoilt: dict[str, int] = {}  # what is answered, with this status, to paths with this in them

    def spoil(self, part: str, status: int) -> None:
        """Answer requests with this in their path with this status, from now on."""
        take = self.github.take
        self.spoilt[part] = status

        def taken(request: Request) -> Response:
            found = next((status for part, status in self.spoilt.items() if part in request.path), None)
            return take(request) if found is None else answer({"message": "Spoilt"}, found)

        self.github.take = taken  # type: ignore[method-assign]

    async def look(self, branch: str = "fix", known: Change | None = None) -> Change:
        return await change_of(self.forge, branch, known)

    def asked(self) -> int:
        """Count all requests since the last time."""
        count = sum(self.github.counted.values())
        self.github.counted.clear()
        return count


@pytest.fixture
async def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("count", [1, 10, 100])
async def test_a_round_over_many_sessions_of_one_repository_is_one_request(bench: Bench, count: int) -> None:
    for number in range(count):
        bench.repository.pull(f"fix-{number}", sha=f"{number:040x}")
        bench.repository.check(f"{number:040x}", "test", "success")
    all_of_them = [wanted(f"fix-{number}") for number in range(count)]
    await bench.forge.look(REPOSITORY, all_of_them)
    bench.asked()

    looks = await bench.forge.look(REPOSITORY, all_of_them)

    assert bench.asked() == 1
    assert [look.change.checks for look in looks if look.change] == [Checks.PASSING] * count
    assert bench.github.violations == []


async def test_more_branches_than_fit_into_one_request_are_split(bench: Bench) -> None:
    many = [wanted(f"fix-{number}") for number in range(CHANGES_AT_ONCE_MAX + 1)]

    looks = await bench.forge.look(REPOSITORY, many)

    assert bench.asked() == 2
    assert {look.change.pr for look in looks if look.change} == {Pr.NONE}


async def test_all_of_a_pull_request_is_told(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA, title="Mend\x1b[31m it").review("ann", "APPROVED")
    bench.repository.check(SHA, "test", "success")

    change = await bench.look()

    assert (change.pr, change.number, change.head, change.base) == (Pr.OPEN, 1, SHA, "main")
    assert (change.checks, change.review, change.mergeable) == (Checks.PASSING, Review.APPROVED, Mergeable.CLEAN)
    assert (change.title, change.remarks, change.error) == ("Mend it", (), None)


async def test_a_red_check_is_told_with_its_step_and_the_end_of_its_log_once(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA)
    log = "\n".join(["ok"] * 5_000 + ["##[error]\x1b[31mIt is broken.\x1b[0m", "Cleaning up"])
    bench.repository.check(SHA, "test", "failure", log=log, step="Run tests")

    change = await bench.look()
    bench.asked()
    again = await bench.look(known=change)

    (failed,) = change.failed
    assert (change.checks, failed.name, failed.step) == (Checks.FAILING, "test", "Run tests")
    assert failed.log is not None
    assert failed.log.endswith("ok\nerror: It is broken.")
    assert len(failed.log) <= CHECK_LOG_CHARS_MAX
    assert again == change
    assert bench.asked() == 1
    assert bench.github.violations == []


async def test_a_check_of_another_service_is_told_with_what_it_says_of_itself(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA)
    bench.repository.check(SHA, "scan", "failure", summary="Two holes.", log="See line 3.", is_job=False)
    bench.repository.status(SHA, "ci/old", "error")

    change = await bench.look()

    assert [(failed.name, failed.log) for failed in change.failed] == [
        ("ci/old", "ci/old"),
        ("scan", "scan\nTwo holes.\nSee line 3."),
    ]


async def test_of_many_red_checks_the_first_are_told_and_the_others_counted(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA)
    for number in range(FAILED_CHECKS_MAX + 3):
        bench.repository.check(SHA, f"test {number}", "failure")

    change = await bench.look()

    assert ([failed.name for failed in change.failed][:2], len(change.failed)) == (["test 0", "test 1"], 5)
    assert change.failed_more == 3


async def test_a_log_that_is_gone_is_empty_and_the_change_says_why(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA)
    bench.repository.check(SHA, "test", "failure", step="Run")
    bench.spoil("/logs", 410)

    change = await bench.look()

    assert [failed.log for failed in change.failed] == [""]
    assert change.error is not None
    assert "has it no more (410)" in change.error


async def test_a_log_that_could_not_be_had_this_time_is_fetched_at_the_next_look(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA)
    bench.repository.check(SHA, "test", "failure", log="No.")
    bench.spoil("/actions/", 502)
    first = await bench.look()
    bench.spoilt.clear()
    await asyncio.sleep(600)

    second = await bench.look(known=first)

    assert (first.failed[0].log, second.failed[0].log) == (None, "No.")


async def test_a_remark_is_told_until_it_is_resolved(bench: Bench) -> None:
    pull = bench.repository.pull("fix", sha=SHA)
    thread = pull.remark("ann", "A typo.", "a.py", 3)
    machine = pull.remark("lint", "Unused.", "b.py", kind="Bot")
    before = await bench.look()
    bench.asked()
    steady = await bench.look()
    asked = bench.asked()
    thread.is_resolved = machine.is_resolved = True

    after = await bench.look()

    assert before.remarks is not None
    assert [(one.author, one.text, one.path, one.line, one.is_by_program) for one in before.remarks] == [
        ("ann", "A typo.", "a.py", 3, False),
        ("lint", "Unused.", "b.py", None, True),
    ]
    assert (steady, asked) == (before, 1)
    assert after.remarks == ()


async def test_a_review_that_asks_for_changes_is_a_remark(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA).review("ann", "CHANGES_REQUESTED", "Not like this.")

    change = await bench.look()

    assert change.review is Review.CHANGES_REQUESTED
    assert change.remarks is not None
    assert [(one.author, one.text) for one in change.remarks] == [("ann", "Not like this.")]


@pytest.mark.parametrize(
    ("pulls", "seen"),
    [
        ([("OPEN", True)], Pr.NONE),  # from a fork
        ([("CLOSED", False), ("MERGED", False)], Pr.MERGED),
        ([("OPEN", False), ("CLOSED", False)], Pr.OPEN),
        ([("MERGED", False), ("OPEN", True)], Pr.MERGED),
    ],
)
async def test_of_many_pull_requests_an_open_one_counts_and_then_the_newest(
    bench: Bench, pulls: list[tuple[str, bool]], seen: Pr
) -> None:
    for state, is_from_fork in pulls:
        bench.repository.pull("fix", sha=SHA, state=state, is_from_fork=is_from_fork)

    assert (await bench.look()).pr is seen


async def test_more_forks_than_are_asked_for_hide_what_there_is(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA)
    for _ in range(20):
        bench.repository.pull("fix", sha=SHA, is_from_fork=True)

    change = await bench.look()

    assert change.pr is Pr.UNKNOWN
    assert change.error == "the newest 20 pull requests of this branch are all from forks"


async def test_a_pull_request_that_turns_red_and_green_is_told_at_once(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA)
    check = bench.repository.check(SHA, "test")
    pending = await bench.look()
    check.conclusion = "failure"
    bench.asked()
    red = await bench.look(known=pending)
    asked_for_red = bench.asked()
    bench.repository.push("fix", OTHER_SHA)
    bench.repository.check(OTHER_SHA, "test", "success")

    green = await bench.look(known=red)

    assert (pending.checks, red.checks, green.checks) == (Checks.PENDING, Checks.FAILING, Checks.PASSING)
    assert asked_for_red == 5  # the round, the single checks, the job, its log, and the store of that
    assert (green.head, green.failed) == (OTHER_SHA, ())


async def test_a_repository_that_the_token_does_not_see_is_an_error_with_a_way_out(bench: Bench) -> None:
    with pytest.raises(NotFoundError) as error:
        await bench.forge.look("github.com/o/other", [wanted("fix")])

    assert error.value.message == "github.com shows no repository github.com/o/other to this token"
    assert error.value.hint == "orch doctor"


async def test_without_a_token_nothing_is_asked(bench: Bench) -> None:
    forge = forge_at(bench.github, bench.clock, environ={"PATH": "", "HOME": "/nowhere"})

    with pytest.raises(RefusedError, match=r"there is no token for github.com") as error:
        await forge.look(REPOSITORY, [wanted("fix")])

    assert error.value.hint == "orch config edit"
    assert bench.asked() == 0
    assert [allowance.error for allowance in forge.allowances()] == [error.value.message]


async def test_a_token_that_is_refused_is_looked_for_anew(bench: Bench) -> None:
    environ = {"GITHUB_TOKEN": "old", "PATH": "", "HOME": "/nowhere"}
    forge = forge_at(bench.github, bench.clock, environ=environ)
    with pytest.raises(RefusedError, match=r"does not take the token \(the variable GITHUB_TOKEN\): Bad cred"):
        await forge.look(REPOSITORY, [wanted("fix")])
    environ["GITHUB_TOKEN"] = bench.github.token

    (look,) = await forge.look(REPOSITORY, [wanted("fix")])

    assert look.change is not None
    assert look.change.pr is Pr.NONE


async def test_a_forge_that_fails_is_left_alone_for_a_while_and_asked_again(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA)
    bench.github.fail(502)
    with pytest.raises(TransientError, match=r"github.com failed \(502\)"):
        await bench.look()
    bench.asked()
    with pytest.raises(TransientError, match="is not asked for another 5 s"):
        await bench.look()
    asked_too_soon = bench.asked()
    pause_s = bench.forge.pause_s(REPOSITORY, 1.0)
    await asyncio.sleep(pause_s)

    change = await bench.look()

    assert (asked_too_soon, pause_s, change.pr) == (0, 5.0, Pr.OPEN)


@pytest.mark.parametrize("headers", [{"retry_after": "120"}, {}])
async def test_a_forge_that_was_asked_too_fast_is_left_alone_for_as_long_as_it_says(
    bench: Bench, headers: dict[str, str]
) -> None:
    bench.github.fail(403, **headers)

    with pytest.raises(TransientError, match="is not asked for another"):
        await bench.look()

    assert bench.forge.pause_s(REPOSITORY, 1.0) == float(headers.get("retry_after", 60))


async def test_half_of_what_may_be_asked_is_left_to_the_agents(bench: Bench) -> None:
    bench.github.budgets["graphql"].remaining = 2_503
    for _ in range(2):
        await bench.look()
    pause_s = bench.forge.pause_s(REPOSITORY, 15.0)
    await bench.look()

    with pytest.raises(TransientError, match=r"is not asked for another 360\d s"):
        await bench.look()

    assert bench.github.budgets["graphql"].remaining == 2_500
    assert pause_s == 3_600.0
    await asyncio.sleep(3_602)
    assert (await bench.look()).pr is Pr.NONE


async def test_the_allowance_is_told(bench: Bench) -> None:
    await bench.look()

    (allowance,) = bench.forge.allowances()

    assert (allowance.host, allowance.limit, allowance.remaining) == ("github.com", 5_000, 4_999)
    assert (allowance.resets_in_s, allowance.interval_s, allowance.error) == (3_600.0, 15.0, None)
    assert queries(bench.github) == 1


async def test_where_the_token_reads_no_checks_actions_tells_which_jobs_have_failed(bench: Bench) -> None:
    bench.repository.hides_checks = True
    bench.repository.pull("fix", sha=SHA)
    bench.repository.check(SHA, "lint", "success")
    bench.repository.check(SHA, "test", "failure", log="It is broken.", step="Run tests")

    change = await bench.look()
    bench.asked()
    again = await bench.look(known=change)

    (failed,) = change.failed
    assert (change.checks, failed.name, failed.step, failed.log) == (
        Checks.FAILING,
        "test",
        "Run tests",
        "It is broken.",
    )
    assert change.error == "Resource not accessible by personal access token"
    assert again == change
    assert bench.asked() == 1
    assert bench.github.violations == []


async def test_where_the_token_may_not_read_actions_either_only_that_something_failed_is_told(bench: Bench) -> None:
    bench.repository.hides_checks = True
    bench.repository.pull("fix", sha=SHA)
    bench.repository.check(SHA, "test", "failure")
    bench.spoil("/actions/runs", 403)

    change = await bench.look()

    assert (change.checks, change.failed) == (Checks.FAILING, ())
    assert change.error == "Resource not accessible by personal access token"


async def test_logs_that_take_too_long_hold_nothing_up_and_come_with_a_later_look(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA)
    for name in ("one", "two"):
        bench.repository.check(SHA, name, "failure", log=f"{name} is broken.")
    take = connect_to(bench.github)()
    slow = FORGE_LOGS_S * 0.6  # so that both are not had in time

    async def slowly(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(slow if request.url.path.endswith("/logs") else 0)
        return await take.send(
            httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        )

    bench.forge = forge_at(None, bench.clock, connect=lambda: httpx.AsyncClient(transport=httpx.MockTransport(slowly)))

    first = await bench.look()
    second = await bench.look(known=first)

    assert [failed.log for failed in first.failed] == [None, None]
    assert [failed.log for failed in second.failed] == ["one is broken.", "two is broken."]


async def test_only_so_many_repositories_are_remembered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrd.forges.github.adapter.FORGE_REPOSITORIES_MAX", 2)
    for name in ("r", "s", "t"):
        bench.github.repository(f"o/{name}")
        await bench.forge.look(f"github.com/o/{name}", [wanted("fix")])

    assert list(bench.forge._looks) == ["github.com/o/s", "github.com/o/t"]


async def test_a_repository_of_another_host_is_none_of_ours(bench: Bench) -> None:
    with pytest.raises(NotFoundError, match=r"git.example.com is no GitHub that is set"):
        await bench.forge.look("git.example.com/o/r", [wanted("fix")])


async def test_what_a_later_request_did_not_tell_is_unknown_and_what_an_earlier_one_told_stands(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA)
    take, asked = bench.github.take, 0

    def failing_then(request: Request) -> Response:
        nonlocal asked
        asked += 1
        return take(request) if asked == 1 else answer({"message": "Bad gateway"}, 502)

    bench.github.take = failing_then  # type: ignore[method-assign]

    change = await bench.look()

    assert (change.pr, change.head) == (Pr.OPEN, SHA)
    assert (change.checks, change.review, change.remarks) == (Checks.UNKNOWN, Review.UNKNOWN, None)
    assert change.error is not None
    assert change.error.startswith("github.com failed (502)")


async def test_a_branch_that_is_renamed_takes_its_pull_request_along(bench: Bench) -> None:
    pull = bench.repository.pull("fix", sha=SHA)
    before = await bench.look()
    pull.branch = "mend"

    looks = await bench.forge.look(REPOSITORY, [wanted("fix", before), wanted("mend")])

    assert [(look.change.pr, look.change.number) for look in looks if look.change] == [(Pr.NONE, None), (Pr.OPEN, 1)]


async def test_two_sessions_on_one_branch_are_asked_for_once_and_told_the_same(bench: Bench) -> None:
    bench.repository.pull("fix", sha=SHA)

    looks = await bench.forge.look(REPOSITORY, [wanted("fix"), wanted("fix", session="bbbbbbbb")])

    assert [look.session for look in looks] == ["aaaaaaaa", "bbbbbbbb"]
    assert looks[0].change == looks[1].change


async def test_a_pull_request_that_is_opened_anew_takes_the_place_of_the_closed_one(bench: Bench) -> None:
    first = bench.repository.pull("fix", sha=SHA)
    before = await bench.look()
    first.state = "CLOSED"
    closed = await bench.look(known=before)
    bench.repository.pull("fix", sha=OTHER_SHA)
    bench.repository.check(OTHER_SHA, "test", "success")

    again = await bench.look(known=closed)

    assert (before.number, closed.pr, again.pr, again.number, again.checks) == (
        1,
        Pr.CLOSED,
        Pr.OPEN,
        2,
        Checks.PASSING,
    )
