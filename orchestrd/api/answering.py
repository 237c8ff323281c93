"""What is answered: values as JSON, pages as text, errors as problem+json with a stable code and the next command."""

from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from orchestrd.api.reading import JSON, TEXT
from orchestrd.core.problem import problem_of
from orchestrd.model.document import Problem
from orchestrd.model.errors import OrchestrdError

PROBLEM = "application/problem+json"
# HTTP has a status of its own for these
STATUS_OF_CODE = {"too_large": 413, "slow_body": 408, "bad_signature": 401, "no_secret": 403}
FAULT = Problem(
    title="A fault of the daemon",
    status=500,
    code="fault",
    detail="the daemon failed to answer; its log says why",
    hint="orch daemon logs",
)


def json(value: msgspec.Struct | list[Any], status: int = 200) -> Response:
    """Answer with a value of the machine contract."""
    return Response(msgspec.json.encode(value), status_code=status, media_type=JSON)


def text(page: str) -> Response:
    """Answer with a page for people."""
    return Response(page, media_type=TEXT)


def problem(error: Exception) -> Problem:
    """Tell an error to the world; what we did not expect is a fault, and says nothing of its inside."""
    match error:
        case OrchestrdError():
            told = problem_of(error)
            return msgspec.structs.replace(told, status=STATUS_OF_CODE.get(told.code, told.status))
        case HTTPException(status_code=405):
            return _of_http(405, "method_not_allowed", "this resource does not take that method")
        case HTTPException():
            return _of_http(error.status_code, "no_such_path", "there is nothing at this path")
        case _:
            return FAULT


def answer_problem(told: Problem, error: Exception) -> Response:
    """Answer with a problem."""
    headers = error.headers if isinstance(error, HTTPException) else None
    return Response(msgspec.json.encode(told), status_code=told.status, headers=headers, media_type=PROBLEM)


def _of_http(status: int, code: str, detail: str) -> Problem:
    return Problem(title="Not part of this API", status=status, code=code, detail=detail, hint="orch --help")
