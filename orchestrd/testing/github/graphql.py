"""GraphQL over the state of the fake, executed against GitHub's own schema: only what that allows is answered."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from graphql import GraphQLError, execute_sync, parse, validate

from orchestrd.testing.github.http import Json
from orchestrd.testing.github.repository import BOT, Check, Issue, Pull, Repository, Review, Status, Thread

if TYPE_CHECKING:
    from orchestrd.testing.github.described import Described

Node = dict[str, Any]
HIDDEN = "Resource not accessible by personal access token"


class Budget(Protocol):
    """What is left to ask."""

    limit: int
    remaining: int
    resets_at: float


def execute(query: Json, described: "Described", repositories: dict[str, Repository], budget: Budget) -> Json:
    """Answer a query. One that the schema does not allow is an error, as it is to GitHub."""
    document = parse(query["query"])
    errors = validate(described.schema, document)
    if errors:
        return {"errors": [error.formatted for error in errors]}
    root = {"repository": lambda _, owner, name, **__: _found(repositories, owner, name), "rateLimit": _rate(budget)}
    done = execute_sync(described.schema, document, root, variable_values=query.get("variables"))
    told: Json = {"data": done.data}
    if done.errors:
        told["errors"] = [_formatted(error) for error in done.errors]
    return told


def _formatted(error: GraphQLError) -> Json:
    kind = (error.extensions or {}).get("type")
    return {**error.formatted, **({"type": kind} if kind else {})}


def _found(repositories: dict[str, Repository], owner: str, name: str) -> Node:
    repository = repositories.get(f"{owner}/{name}".lower())
    if repository is None:
        message = f"Could not resolve to a Repository with the name '{owner}/{name}'."
        raise GraphQLError(message, extensions={"type": "NOT_FOUND"})
    return _repository(repository)


def _rate(budget: Budget) -> Callable[..., Node]:
    def told(*_: object, **__: object) -> Node:
        return {
            "limit": budget.limit,
            "remaining": budget.remaining,
            "used": budget.limit - budget.remaining,
            "cost": 1,
            "nodeCount": 0,
            "resetAt": _time(budget.resets_at),
        }

    return told


def _repository(repository: Repository) -> Node:
    def pull_requests(_: object, **asked: Any) -> Node:
        found = [pull for pull in repository.pulls.values() if _is_asked_for(pull, asked)]
        order = asked.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
        found.sort(key=lambda pull: pull.updated_at if order["field"] == "UPDATED_AT" else pull.number)
        if order["direction"] == "DESC":
            found.reverse()
        return _connection([_pull(repository, pull) for pull in found], asked)

    return {
        "id": f"R_{repository.full_name}",
        "name": repository.name,
        "nameWithOwner": repository.full_name,
        "owner": {"__typename": "User", "login": repository.owner},
        "url": f"https://github.com/{repository.full_name}",
        "isArchived": False,
        "defaultBranchRef": {"name": repository.default_branch},
        "pullRequests": pull_requests,
        "pullRequest": lambda _, number: _one(repository, repository.pulls.get(number), number),
        "issue": lambda _, number: _issue(repository.issues[number]) if number in repository.issues else None,
    }


def _is_asked_for(pull: Pull, asked: dict[str, Any]) -> bool:
    is_of_branch = asked.get("headRefName") in (None, pull.branch)
    is_of_base = asked.get("baseRefName") in (None, pull.base)
    return is_of_branch and is_of_base and (not asked.get("states") or pull.state in asked["states"])


def _one(repository: Repository, pull: Pull | None, number: int) -> Node:
    if pull is None:
        message = f"Could not resolve to a PullRequest with the number of {number}."
        raise GraphQLError(message, extensions={"type": "NOT_FOUND"})
    return _pull(repository, pull)


def _pull(repository: Repository, pull: Pull) -> Node:
    sha = repository.head(pull)
    reviews = [_review(review) for review in pull.reviews]
    return {
        "id": f"PR_{pull.number}",
        "number": pull.number,
        "url": f"https://github.com/{repository.full_name}/pull/{pull.number}",
        "title": pull.title,
        "state": pull.state,
        "isDraft": pull.is_draft,
        "isCrossRepository": pull.is_from_fork,
        "headRefName": pull.branch,
        "headRefOid": sha,
        "baseRefName": pull.base,
        "headRepository": {"nameWithOwner": "fork/of" if pull.is_from_fork else repository.full_name},
        "merged": pull.state == "MERGED",
        "mergedAt": _time(pull.updated_at) if pull.state == "MERGED" else None,
        "mergeCommit": {"oid": pull.merged_sha} if pull.merged_sha else None,
        "mergeable": pull.mergeable,
        "mergeStateStatus": _merge_state(pull),
        "reviewDecision": pull.decision,
        "updatedAt": _time(pull.updated_at),
        "createdAt": _time(pull.updated_at),
        "reviewThreads": lambda _, **asked: _connection([_thread(one) for one in pull.threads], asked),
        "reviews": lambda _, **asked: _connection(_in_states(reviews, asked), asked),
        "latestReviews": lambda _, **asked: _connection(_latest(reviews), asked),
        "latestOpinionatedReviews": lambda _, **asked: _connection(_opinionated(reviews), asked),
        "commits": lambda _, **asked: _connection([{"commit": _commit(repository, sha)}], asked),
        "statusCheckRollup": _rollup(repository, sha),
    }


def _merge_state(pull: Pull) -> str:
    if pull.is_draft:
        return "DRAFT"
    words = {"CONFLICTING": "DIRTY", "UNKNOWN": "UNKNOWN"}
    return words.get(pull.mergeable) or pull.held_back or "CLEAN"


def _commit(repository: Repository, sha: str) -> Node:
    return {"oid": sha, "statusCheckRollup": _rollup(repository, sha)}


def _rollup(repository: Repository, sha: str) -> Node | None:
    checks = list(repository.checks_of(sha))
    statuses = [status for status in repository.statuses if status.sha == sha]
    if not checks and not statuses:
        return None
    nodes: list[Any] = [*map(_check, checks), *map(_status, statuses)]
    if repository.hides_checks:
        nodes = [GraphQLError(HIDDEN, extensions={"type": "FORBIDDEN"}) for _ in nodes]
    return {"state": _state(checks, statuses), "contexts": lambda _, **asked: _connection(nodes, asked)}


def _state(checks: Sequence[Check], statuses: Sequence[Status]) -> str:
    words = [one.state.upper() for one in statuses]
    for check in checks:
        ended_well = check.conclusion in ("success", "neutral", "skipped")
        words.append("SUCCESS" if ended_well else "PENDING" if check.conclusion is None else "FAILURE")
    return next((word for word in ("ERROR", "FAILURE", "PENDING") if word in words), "SUCCESS")


def _check(check: Check) -> Node:
    ended = check.conclusion is not None
    return {
        "__typename": "CheckRun",
        "id": f"CR_{check.id}",
        "databaseId": check.id,
        "name": check.name,
        "status": "COMPLETED" if ended else "IN_PROGRESS",
        "conclusion": check.conclusion.upper() if check.conclusion else None,
        "detailsUrl": f"https://github.com/checks/{check.id}",
        "url": f"https://github.com/checks/{check.id}",
        "permalink": f"https://github.com/checks/{check.id}",
        "startedAt": _time(check.at),
        "completedAt": _time(check.at) if ended else None,
        "title": check.summary or None,
        "summary": check.summary or None,
        "text": None,
        "isRequired": lambda *_, **__: True,
        "checkSuite": {
            "app": {"slug": "github-actions" if check.is_job else "another-app", "name": "An app"},
            "workflowRun": {"workflow": {"name": "CI"}, "databaseId": check.id, "event": "push"}
            if check.is_job
            else None,
        },
        "annotations": lambda _, **asked: _connection([], asked),
    }


def _status(status: Status) -> Node:
    return {
        "__typename": "StatusContext",
        "id": f"SC_{status.context}",
        "context": status.context,
        "state": status.state.upper(),
        "description": status.context,
        "targetUrl": "https://ci.invalid/",
        "createdAt": _time(0),
        "isRequired": lambda *_, **__: True,
    }


def _actor(login: str, kind: str) -> Node:
    return {"__typename": BOT if kind == BOT else "User", "login": login}


def _review(review: Review) -> Node:
    return {
        "id": f"PRR_{review.id}",
        "databaseId": review.id,
        "author": _actor(review.author, review.kind),
        "state": review.state,
        "body": review.body,
        "bodyText": review.body,
        "submittedAt": _time(review.id),
        "url": f"https://github.com/reviews/{review.id}",
        "comments": lambda _, **asked: _connection([], asked),
    }


def _in_states(reviews: Sequence[Node], asked: dict[str, Any]) -> list[Node]:
    return [one for one in reviews if not asked.get("states") or one["state"] in asked["states"]]


def _latest(reviews: Sequence[Node]) -> list[Node]:
    return list({one["author"]["login"]: one for one in reviews}.values())


def _opinionated(reviews: Sequence[Node]) -> list[Node]:
    opinions = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
    return _latest([one for one in reviews if one["state"] in opinions])


def _thread(thread: Thread) -> Node:
    comment = {
        "id": f"PRRC_{thread.id}",
        "databaseId": thread.id,
        "author": _actor(thread.author, thread.kind),
        "body": thread.body,
        "bodyText": thread.body,
        "path": thread.path,
        "line": thread.line,
        "url": f"https://github.com/comments/{thread.id}",
        "createdAt": _time(thread.id),
    }
    return {
        "id": f"PRRT_{thread.id}",
        "isResolved": thread.is_resolved,
        "isOutdated": False,
        "path": thread.path,
        "line": thread.line,
        "comments": lambda _, **asked: _connection([comment], asked),
    }


def _issue(issue: Issue) -> Node:
    return {
        "id": f"I_{issue.number}",
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "state": "CLOSED" if issue.is_closed else "OPEN",
        "author": _actor(issue.author, "User"),
        "comments": lambda _, **asked: _connection(
            [
                {"id": f"IC_{n}", "body": text, "author": _actor(who, "User")}
                for n, (who, text) in enumerate(issue.comments)
            ],
            asked,
        ),
    }


def _connection(nodes: Sequence[Node], asked: dict[str, Any]) -> Node:
    """Page by `first` and `after`, or take the `last` ones; cursors are places in the list."""
    after = int(asked.get("after") or 0)
    if asked.get("first") is None and asked.get("last") is None:
        raise GraphQLError("You must provide a `first` or `last` value to properly paginate.")
    shown = nodes[after : after + asked["first"]] if asked.get("first") is not None else nodes[-asked["last"] :]
    end = after + len(shown)
    return {
        "nodes": list(shown),
        "edges": [{"node": node, "cursor": str(number)} for number, node in enumerate(shown, after + 1)],
        "totalCount": len(nodes),
        "pageInfo": {
            "hasNextPage": end < len(nodes),
            "hasPreviousPage": after > 0,
            "startCursor": str(after),
            "endCursor": str(end),
        },
    }


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
