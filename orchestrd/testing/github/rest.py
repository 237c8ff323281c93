"""The REST interface over the state of the fake: what GraphQL does not have, or a script rather asks this way.

An answer is the example of its description with what is known put in its place, so that it is as whole as GitHub's own.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrd.testing.github.http import Json, Request, Response, answer, problem
from orchestrd.testing.github.repository import Check, Issue, Pull, Repository

if TYPE_CHECKING:
    from orchestrd.testing.github.described import Described, Operation

NOT_FOUND = problem(404, "Not Found")
LOG_LINE = "2026-01-02T03:04:05.1234567Z "  # what stands before each line of the log of a job


class Rest:
    """Answers what it knows, by method and path."""

    def __init__(
        self, repositories: dict[str, Repository], described: "Described", base_url: Callable[[], str]
    ) -> None:
        self._repositories = repositories
        self._described = described
        self._base_url = base_url
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Response]]] = [
            ("GET", re.compile(r"/actions/runs"), self._runs),
            ("GET", re.compile(r"/actions/runs/(\d+)/jobs"), self._jobs),
            ("GET", re.compile(r"/actions/jobs/(\d+)"), self._job),
            ("GET", re.compile(r"/actions/jobs/(\d+)/logs"), self._job_log),
            ("GET", re.compile(r"/check-runs/(\d+)"), self._check_run),
            ("GET", re.compile(r"/check-runs/(\d+)/annotations"), self._annotations),
            ("GET", re.compile(r"/pulls/(\d+)"), self._pull),
            ("POST", re.compile(r"/pulls"), self._open),
            ("PUT", re.compile(r"/pulls/(\d+)/merge"), self._merge),
            ("GET", re.compile(r"/issues/(\d+)"), self._issue),
            ("GET", re.compile(r"/issues/(\d+)/comments"), self._comments),
        ]

    def take(self, request: Request) -> Response:
        """Answer one request."""
        _, _, owner, name, *rest = [*request.path.split("/"), "", "", "", ""]
        repository = self._repositories.get(f"{owner}/{name}".lower())
        operation = self._described.operation(request.method, request.path)
        path = "/" + "/".join(part for part in rest if part)
        for method, pattern, route in self._routes:
            found = pattern.fullmatch(path)
            if repository is not None and operation is not None and method == request.method and found:
                return route(repository, operation, request, *map(int, found.groups()))
        return NOT_FOUND

    def log(self, check: int) -> Response:
        """Give the log behind the redirect."""
        found = self._check(check)
        if found is None:
            return NOT_FOUND
        text = "".join(f"{LOG_LINE}{line}\n" for line in found.log.splitlines())
        return Response(status=200, headers={"content-type": "text/plain; charset=utf-8"}, body=text.encode())

    def _check(self, number: int) -> Check | None:
        checks = (check for repository in self._repositories.values() for check in repository.checks)
        return next((check for check in checks if check.id == number), None)

    # ---- checks ------------------------------------------------------------------------------------------------------

    def _runs(self, repository: Repository, operation: "Operation", request: Request) -> Response:
        """List the runs of a commit: each job is one of its own."""
        told = self._described.example(operation)
        example = told["workflow_runs"][0]
        jobs = [check for check in repository.checks_of(request.query["head_sha"]) if check.is_job]
        told["workflow_runs"] = [
            {**example, "id": job.id, "name": job.name, "head_sha": job.sha, "conclusion": job.conclusion}
            for job in jobs
        ]
        return answer(told | {"total_count": len(jobs)})

    def _jobs(self, _: Repository, operation: "Operation", __: Request, number: int) -> Response:
        check = self._check(number)
        if check is None or not check.is_job:
            return NOT_FOUND
        told = self._described.example(operation)
        return answer({"total_count": 1, "jobs": [self._told_job(check, told["jobs"][0])]})

    def _job(self, _: Repository, operation: "Operation", __: Request, number: int) -> Response:
        check = self._check(number)
        if check is None or not check.is_job:
            return NOT_FOUND
        return answer(self._told_job(check, self._described.example(operation)))

    def _told_job(self, check: Check, example: Json) -> Json:
        told = dict(example)
        ended = check.conclusion is not None
        steps = [_step(1, "Set up job", "success")]
        if check.step is not None:
            steps.append(_step(2, check.step, check.conclusion))
        told |= {
            "id": check.id,
            "name": check.name,
            "head_sha": check.sha,
            "status": "completed" if ended else "in_progress",
            "conclusion": check.conclusion,
            "created_at": told["started_at"],  # its example lacks it
            "steps": steps,
        }
        return told

    def _job_log(self, _: Repository, __: "Operation", ___: Request, number: int) -> Response:
        check = self._check(number)
        if check is None or not check.is_job:
            return NOT_FOUND
        return Response(status=302, headers={"location": f"{self._base_url()}/_logs/{number}?sig=secret"})

    def _check_run(self, _: Repository, operation: "Operation", __: Request, number: int) -> Response:
        check = self._check(number)
        if check is None:
            return NOT_FOUND
        told = self._described.example(operation)
        told |= {"id": check.id, "name": check.name, "head_sha": check.sha, "conclusion": check.conclusion}
        told["output"] |= {"title": check.name, "summary": check.summary, "text": check.log or None}
        return answer(told)

    def _annotations(self, _: Repository, __: "Operation", ___: Request, _number: int) -> Response:
        return answer([])

    # ---- pull requests -----------------------------------------------------------------------------------------------

    def _pull(self, repository: Repository, operation: "Operation", _: Request, number: int) -> Response:
        pull = repository.pulls.get(number)
        return NOT_FOUND if pull is None else answer(self._told(repository, operation, pull))

    def _open(self, repository: Repository, operation: "Operation", request: Request) -> Response:
        wanted = request.json
        known = [pull for pull in repository.pulls.values() if pull.branch == wanted["head"] and pull.state == "OPEN"]
        if known:
            return problem(422, "Validation Failed", errors=[{"code": "custom", "message": "There is one."}])
        pull = repository.pull(wanted["head"], title=wanted["title"], base=wanted["base"])
        return answer(self._told(repository, operation, pull, status=201), 201)

    def _told(self, repository: Repository, operation: "Operation", pull: Pull, status: int = 200) -> Json:
        told = self._described.example(operation, status)
        told |= {
            "number": pull.number,
            "title": pull.title,
            "draft": pull.is_draft,
            "state": "open" if pull.state == "OPEN" else "closed",
            "merged": pull.state == "MERGED",
            "merge_commit_sha": pull.merged_sha,
            "requested_teams": [],
            "html_url": f"https://github.com/{repository.full_name}/pull/{pull.number}",
        }
        told["head"] |= {"ref": pull.branch, "sha": repository.head(pull)}
        told["base"] |= {"ref": pull.base}
        return told

    def _merge(self, repository: Repository, _: "Operation", request: Request, number: int) -> Response:
        pull = repository.pulls.get(number)
        if pull is None:
            return NOT_FOUND
        if pull.state != "OPEN" or pull.is_draft or pull.mergeable != "MERGEABLE" or pull.held_back == "BLOCKED":
            return problem(405, "Pull Request is not mergeable")
        if (request.json or {}).get("sha") not in (None, repository.head(pull)):
            return problem(409, "Head branch was modified. Review and try the merge again.")
        sha = repository.merge(pull)
        return answer({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})

    # ---- issues ------------------------------------------------------------------------------------------------------

    def _issue(self, repository: Repository, operation: "Operation", _: Request, number: int) -> Response:
        issue, pull = repository.issues.get(number), repository.pulls.get(number)
        if issue is None and pull is None:
            return NOT_FOUND
        known = issue or Issue(number=number, title=pull.title if pull else "")
        told = self._described.example(operation)
        told |= {
            "number": number,
            "title": known.title,
            "body": known.body,
            "state": "closed" if known.is_closed else "open",
            "state_reason": "completed" if known.is_closed else None,
            "html_url": f"https://github.com/{repository.full_name}/issues/{number}",
            "comments": len(known.comments),
        }
        told["user"]["login"] = known.author
        if pull is None:
            told.pop("pull_request", None)
        return answer(told)

    def _comments(self, repository: Repository, operation: "Operation", request: Request, number: int) -> Response:
        if number not in repository.issues:
            return NOT_FOUND
        page, size = int(request.query.get("page", 1)), int(request.query.get("per_page", 30))
        comments = repository.issues[number].comments[(page - 1) * size : page * size]
        example = self._described.example(operation)[0]
        return answer(
            [
                {**example, "id": place, "body": text, "user": {**example["user"], "login": author}}
                for place, (author, text) in enumerate(comments, (page - 1) * size + 1)
            ]
        )


def _step(number: int, name: str, conclusion: str | None) -> Json:
    status = "in_progress" if conclusion is None else "completed"
    return {"name": name, "status": status, "conclusion": conclusion, "number": number}
