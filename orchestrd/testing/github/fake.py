"""The fake: who may ask, how much is left to ask, what goes wrong, and whether all of it is as GitHub describes it.

`violations` lists every request and every answer that GitHub's own descriptions do not allow: a test that ends with one
has found a bug in our client or in this fake.
"""

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.testing.github import graphql
from orchestrd.testing.github.described import Described
from orchestrd.testing.github.http import Request, Response, answer, problem
from orchestrd.testing.github.repository import Repository
from orchestrd.testing.github.rest import Rest

TOKEN = "a-token-that-only-the-fake-knows"  # noqa: S105 - no service knows it
LIMIT = 5_000
HOUR_S = 3_600.0
REQUESTS_KEPT = 10_000


class Budget(Struct, kw_only=True):
    """What one may ask of one interface in an hour."""

    limit: int = LIMIT
    remaining: int = LIMIT
    resets_at: float = 0.0


class FakeGitHub:
    """One GitHub. `take` answers a request; who carries it is no concern of this.

    `descriptions` is a directory with GitHub's own descriptions, see `described`; `clock` gives seconds
    since the epoch.
    """

    def __init__(
        self, descriptions: Path | Described, *, token: str = TOKEN, clock: Callable[[], float] = time.time
    ) -> None:
        self.described = descriptions if isinstance(descriptions, Described) else Described(descriptions)
        self.token = token
        self.base_url = "https://api.github.com"
        self.repositories: dict[str, Repository] = {}
        self.budgets = {name: Budget(resets_at=clock() + HOUR_S) for name in ("core", "graphql")}
        self.faults: deque[Response] = deque()  # each is the answer to one request, in place of the true one
        self.requests: deque[Request] = deque(maxlen=REQUESTS_KEPT)
        self.counted: Counter[str] = Counter()  # requests by `METHOD /path`
        self.violations: list[str] = []
        self._clock = clock
        self._rest = Rest(self.repositories, self.described, lambda: self.base_url)

    def repository(self, full_name: str, *, bare: Path | None = None) -> Repository:
        """Make a repository, or give the one that has this name."""
        known = self.repositories.get(full_name.lower())
        if known is None:
            known = self.repositories[full_name.lower()] = Repository(full_name, self._clock, bare=bare)
        return known

    def fail(self, *statuses: int, **headers: str) -> None:
        """Answer the next requests with these statuses, one each."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for status in statuses:
            said = problem(status, "You have exceeded a secondary rate limit." if status in (403, 429) else "Oops")
            self.faults.append(replace(said, headers=said.headers | named))

    def take(self, request: Request) -> Response:
        """Answer one request."""
        self.requests.append(request)
        self.counted[f"{request.method} {request.path}"] += 1
        if request.path.startswith("/_logs/"):
            return self._log(request)
        budget_name = "graphql" if request.path.endswith("/graphql") else "core"
        response = self._judged(request, budget_name)
        return replace(response, headers=response.headers | self._headers(budget_name))

    def _judged(self, request: Request, budget_name: str) -> Response:
        if self.faults:
            return self.faults.popleft()
        if request.headers.get("authorization") not in (f"Bearer {self.token}", f"token {self.token}"):
            return problem(401, "Bad credentials")
        if not self._spend(budget_name):
            return self._exhausted(budget_name)
        return self._graphql(request) if budget_name == "graphql" else self._described_rest(request)

    def _graphql(self, request: Request) -> Response:
        told = graphql.execute(request.json, self.described, self.repositories, self.budgets["graphql"])
        self.violations += [
            f"GraphQL: {error['message']}"
            for error in told.get("errors", ())
            if error.get("type") not in ("NOT_FOUND", "FORBIDDEN")
        ]
        return answer(told)

    def _described_rest(self, request: Request) -> Response:
        operation = self.described.operation(request.method, request.path)
        if operation is None:
            self.violations.append(f"there is no {request.method} {request.path}")
            return problem(404, "Not Found")
        response = self._rest.take(request)
        wrong = [
            *self.described.wrong_with_request(request, operation),
            *self.described.wrong_with_answer(response, operation),
        ]
        self.violations += [f"{operation.method} {operation.path}: {why}" for why in wrong]
        return self._conditional(request, response)

    def _conditional(self, request: Request, response: Response) -> Response:
        """Answer that nothing has changed, where the asker knows it all; that costs nothing of the budget."""
        if request.method != "GET" or response.status != 200:
            return response
        tag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            self.budgets["core"].remaining += 1
            return Response(status=304, headers={"etag": tag})
        return replace(response, headers=response.headers | {"etag": tag})

    def _log(self, request: Request) -> Response:
        """Whoever stores the logs is another service: it must not be given the token."""
        if "authorization" in request.headers:
            self.violations.append("the token was given to whoever stores the logs")
        return self._rest.log(int(request.path.rpartition("/")[2]))

    def _spend(self, name: str) -> bool:
        budget = self.budgets[name]
        if self._clock() >= budget.resets_at:
            budget.remaining, budget.resets_at = budget.limit, self._clock() + HOUR_S
        if budget.remaining <= 0:
            return False
        budget.remaining -= 1
        return True

    def _exhausted(self, name: str) -> Response:
        if name == "graphql":
            message = "API rate limit already exceeded for user ID 1."
            return answer({"errors": [{"type": "RATE_LIMIT", "message": message}]})
        return problem(403, "API rate limit exceeded for user ID 1.")

    def _headers(self, name: str) -> dict[str, str]:
        budget = self.budgets[name]
        return {
            "x-ratelimit-limit": str(budget.limit),
            "x-ratelimit-remaining": str(budget.remaining),
            "x-ratelimit-used": str(budget.limit - budget.remaining),
            "x-ratelimit-reset": str(int(budget.resets_at)),
            "x-ratelimit-resource": name,
        }
