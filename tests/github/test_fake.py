"""The fake GitHub: it answers as GitHub describes itself, changes as people change it, and fails when it is told to."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from orchestrd.testing.github import FakeGitHub, GitHubServer, Repository, Request, Response
from orchestrd.testing.github.fake import TOKEN
from tests.github.described import described, needs_descriptions

pytestmark = needs_descriptions

SHA = "a" * 40
PULLS = """query($branch: String!) { rateLimit { remaining cost resetAt } repository(owner: "o", name: "r") {
  defaultBranchRef { name }
  pullRequests(headRefName: $branch, last: 5) { nodes {
    number state isDraft isCrossRepository headRefOid mergeable mergeStateStatus reviewDecision
    reviewThreads(first: 50) { nodes { isResolved comments(first: 1) { nodes { body author { __typename login } } } } }
    latestReviews(first: 20) { nodes { state body author { login } } }
    commits(last: 1) { nodes { commit { oid statusCheckRollup { state contexts(first: 100) { nodes {
      __typename ... on CheckRun { databaseId name conclusion status } ... on StatusContext { context state }
    } } } } } }
  } } } }"""


@pytest.fixture
def github() -> FakeGitHub:
    return FakeGitHub(described(), clock=lambda: 1_000.0)


@pytest.fixture
def repository(github: FakeGitHub) -> Repository:
    return github.repository("o/r")


def ask(github: FakeGitHub, method: str, target: str, body: object = None, **headers: str) -> Response:
    named = {"authorization": f"Bearer {TOKEN}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    written = b"" if body is None else json.dumps(body).encode()
    return github.take(Request(method=method, target=target, headers=named, body=written))


def pulls_of(github: FakeGitHub, branch: str) -> list[dict[str, object]]:
    answered = ask(github, "POST", "/graphql", {"query": PULLS, "variables": {"branch": branch}}).json
    nodes: list[dict[str, object]] = answered["data"]["repository"]["pullRequests"]["nodes"]
    return nodes


def test_a_pull_request_is_told_with_its_checks_reviews_and_threads(github: FakeGitHub, repository: Repository) -> None:
    pull = repository.pull("fix", sha=SHA)
    repository.check(SHA, "test", "failure")
    repository.status(SHA, "ci/other", "success")
    pull.review("ann", "CHANGES_REQUESTED", "No.")
    pull.remark("bot", "A typo.", "a.py", 3, kind="Bot")

    told = pulls_of(github, "fix")[0]

    assert (told["number"], told["state"], told["headRefOid"]) == (1, "OPEN", SHA)
    assert told["reviewDecision"] == "CHANGES_REQUESTED"
    assert "FAILURE" in str(told["commits"])
    assert "'__typename': 'Bot'" in str(told["reviewThreads"])
    assert github.violations == []


def test_a_branch_without_a_pull_request_has_none(github: FakeGitHub, repository: Repository) -> None:
    repository.pull("other", sha=SHA)

    assert pulls_of(github, "fix") == []


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda pull: setattr(pull, "mergeable", "CONFLICTING"), "DIRTY"),
        (lambda pull: setattr(pull, "is_draft", True), "DRAFT"),
        (lambda pull: setattr(pull, "held_back", "BEHIND"), "BEHIND"),
        (lambda _: None, "CLEAN"),
    ],
)
def test_the_word_for_whether_it_may_be_merged_is_githubs(
    github: FakeGitHub, repository: Repository, change: Callable[[object], None], state: str
) -> None:
    change(repository.pull("fix", sha=SHA))

    assert pulls_of(github, "fix")[0]["mergeStateStatus"] == state


def test_a_query_that_the_schema_does_not_allow_is_an_error_and_a_violation(github: FakeGitHub) -> None:
    told = ask(github, "POST", "/graphql", {"query": "{ repository(owner: 1) { nonsense } }"}).json

    assert "data" not in told
    assert github.violations


def test_a_repository_that_is_not_there_is_told_as_github_tells_it(github: FakeGitHub) -> None:
    told = ask(github, "POST", "/graphql", {"query": PULLS, "variables": {"branch": "x"}}).json

    assert told["data"]["repository"] is None
    assert told["errors"][0]["type"] == "NOT_FOUND"
    assert github.violations == []


def test_nodes_are_paged(github: FakeGitHub, repository: Repository) -> None:
    for number in range(5):
        repository.check(SHA, f"test {number}", "success")
    repository.pull("fix", sha=SHA)
    query = """{ repository(owner: "o", name: "r") { pullRequest(number: 1) { statusCheckRollup {
      contexts(first: 2, after: "2") { nodes { ... on CheckRun { name } } pageInfo { hasNextPage endCursor }
    } } } } }"""

    told = ask(github, "POST", "/graphql", {"query": query}).json["data"]["repository"]["pullRequest"]

    contexts = told["statusCheckRollup"]["contexts"]
    assert [node["name"] for node in contexts["nodes"]] == ["test 2", "test 3"]
    assert contexts["pageInfo"] == {"hasNextPage": True, "endCursor": "4"}


def test_a_failed_job_tells_its_step_and_its_log(github: FakeGitHub, repository: Repository) -> None:
    check = repository.check(SHA, "test", "failure", step="Run tests", log="one\ntwo")
    path = f"/repos/o/r/actions/jobs/{check.id}"

    job, redirected = ask(github, "GET", path).json, ask(github, "GET", f"{path}/logs")
    log = github.take(Request(method="GET", target=redirected.headers["location"].removeprefix(github.base_url)))

    assert [step["conclusion"] for step in job["steps"]] == ["success", "failure"]
    assert redirected.status == 302
    assert log.body.decode().splitlines()[-1].endswith("Z two")
    assert github.violations == []


def test_a_check_of_another_app_has_its_output_and_no_job(github: FakeGitHub, repository: Repository) -> None:
    check = repository.check(SHA, "lint", "failure", is_job=False, summary="2 errors", log="a.py:1: no")

    run = ask(github, "GET", f"/repos/o/r/check-runs/{check.id}").json
    annotations = ask(github, "GET", f"/repos/o/r/check-runs/{check.id}/annotations")

    assert run["output"]["text"] == "a.py:1: no"
    assert annotations.json == []
    assert ask(github, "GET", f"/repos/o/r/actions/jobs/{check.id}").status == 404
    assert ask(github, "GET", f"/repos/o/r/actions/jobs/{check.id}/logs").status == 404
    assert github.violations == []


def test_only_the_commit_that_was_named_is_merged(github: FakeGitHub, repository: Repository) -> None:
    repository.pull("fix", sha=SHA)

    other = ask(github, "PUT", "/repos/o/r/pulls/1/merge", {"sha": "b" * 40, "merge_method": "squash"})
    same = ask(github, "PUT", "/repos/o/r/pulls/1/merge", {"sha": SHA, "merge_method": "squash"})
    again = ask(github, "PUT", "/repos/o/r/pulls/1/merge", {"sha": SHA})

    assert (other.status, same.status, again.status) == (409, 200, 405)
    assert repository.pulls[1].state == "MERGED"
    assert github.violations == []


def test_a_pull_request_is_opened_once_for_a_branch(github: FakeGitHub, repository: Repository) -> None:
    wanted = {"head": "fix", "base": "main", "title": "Fix it"}

    first = ask(github, "POST", "/repos/o/r/pulls", wanted)
    second = ask(github, "POST", "/repos/o/r/pulls", wanted)
    shown = ask(github, "GET", "/repos/o/r/pulls/1")

    assert (first.status, second.status) == (201, 422)
    assert shown.json["head"]["ref"] == "fix"
    assert github.violations == []


def test_an_issue_is_told_with_its_comments_page_by_page(github: FakeGitHub, repository: Repository) -> None:
    repository.issue("It breaks", "Here.", comments=[("ann", "one"), ("bob", "two"), ("cid", "three")])

    issue = ask(github, "GET", "/repos/o/r/issues/1").json
    page = ask(github, "GET", "/repos/o/r/issues/1/comments?per_page=2&page=2").json

    assert (issue["title"], issue["body"], issue["comments"]) == ("It breaks", "Here.", 3)
    assert [(one["user"]["login"], one["body"]) for one in page] == [("cid", "three")]
    assert github.violations == []


def test_what_is_not_there_is_not_found(github: FakeGitHub, repository: Repository) -> None:
    targets = ["pulls/9", "issues/9", "issues/9/comments", "check-runs/9", "actions/jobs/9/logs"]
    answers = [ask(github, "GET", f"/repos/o/r/{target}").status for target in targets]

    assert answers == [404] * len(targets)
    assert ask(github, "PUT", "/repos/o/r/pulls/9/merge", {}).status == 404
    assert ask(github, "GET", "/repos/no/where/pulls/1").status == 404
    assert github.take(Request(method="GET", target="/_logs/9")).status == 404
    assert github.violations == []


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/repos/o/r/nonsense/at/all", None),
        ("GET", "/repos/o/r/issues/1?nonsense=1", None),
        ("GET", "/repos/o/r/issues/1", {"a": 1}),
        ("PUT", "/repos/o/r/pulls/1/merge", {"merge_method": "by hand"}),
    ],
)
def test_a_request_that_is_not_described_is_a_violation(
    github: FakeGitHub, repository: Repository, method: str, target: str, body: object
) -> None:
    repository.issue("It breaks")

    ask(github, method, target, body)

    assert github.violations


def test_a_token_that_is_given_to_whoever_stores_the_logs_is_a_violation(github: FakeGitHub) -> None:
    ask(github, "GET", "/_logs/1")

    assert github.violations


def test_what_is_known_already_costs_nothing(github: FakeGitHub, repository: Repository) -> None:
    repository.issue("It breaks")
    tag = ask(github, "GET", "/repos/o/r/issues/1").headers["etag"]

    again = ask(github, "GET", "/repos/o/r/issues/1", if_none_match=tag)
    repository.issues[1].title = "It breaks always"
    changed = ask(github, "GET", "/repos/o/r/issues/1", if_none_match=tag)

    assert (again.status, changed.status) == (304, 200)
    assert again.headers["x-ratelimit-remaining"] == "4999"


def test_who_is_not_known_is_refused(github: FakeGitHub) -> None:
    assert ask(github, "GET", "/repos/o/r/issues/1", authorization="Bearer other").status == 401


def test_who_has_asked_enough_is_refused_until_the_budget_is_new(repository: Repository, github: FakeGitHub) -> None:
    now = [0.0]
    spent = FakeGitHub(described(), clock=lambda: now[0])
    spent.budgets["core"].remaining = spent.budgets["graphql"].remaining = 0

    rest = ask(spent, "GET", "/repos/o/r/issues/1")
    query = ask(spent, "POST", "/graphql", {"query": PULLS, "variables": {"branch": "x"}})
    now[0] = spent.budgets["core"].resets_at
    later = ask(spent, "GET", "/repos/o/r/issues/1")

    assert (rest.status, rest.headers["x-ratelimit-remaining"]) == (403, "0")
    assert query.json["errors"][0]["type"] == "RATE_LIMIT"
    assert (later.status, later.headers["x-ratelimit-remaining"]) == (404, "4999")


def test_it_fails_as_often_as_it_is_told_to(github: FakeGitHub, repository: Repository) -> None:
    repository.issue("It breaks")
    github.fail(502, 403, retry_after="60")

    answers = [ask(github, "GET", "/repos/o/r/issues/1") for _ in range(3)]

    assert [answer.status for answer in answers] == [502, 403, 200]
    assert answers[1].headers["retry-after"] == "60"


def test_a_repository_on_disk_tells_its_own_heads_and_is_merged_into(tmp_path: Path, github: FakeGitHub) -> None:
    bare = tmp_path / "bare.git"

    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.invalid"]
        done = subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q", "--bare", "-b", "main", str(bare))
    git("clone", "-q", str(bare), "work")
    git("-C", "work", "commit", "-q", "--allow-empty", "-m", "one")
    git("-C", "work", "push", "-q", "origin", "HEAD:main")
    (tmp_path / "work" / "file").write_text("new")
    git("-C", "work", "add", "file")
    git("-C", "work", "commit", "-q", "-m", "two")
    git("-C", "work", "push", "-q", "origin", "HEAD:fix")
    repository = github.repository("o/r", bare=bare)
    pull = repository.pull("fix")

    head = repository.head(pull)
    repository.merge(pull)

    assert head == git("-C", "work", "rev-parse", "HEAD")
    assert git("-C", str(bare), "show", "main:file") == "new"


def test_it_answers_on_a_socket(github: FakeGitHub, repository: Repository) -> None:
    repository.issue("It breaks")
    with GitHubServer(github) as server, httpx.Client(headers={"authorization": f"token {TOKEN}"}) as client:
        got = client.get(f"{server.url}/repos/o/r/issues/1")
        missing = client.put(f"{server.url}/repos/o/r/pulls/1/merge", json={})
        told = client.post(f"{server.url}/graphql", json={"query": PULLS, "variables": {"branch": "x"}})

    assert got.json()["title"] == "It breaks"
    assert missing.status_code == 404
    assert told.json()["data"]["repository"]["pullRequests"]["nodes"] == []
