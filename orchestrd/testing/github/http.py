"""Requests and responses, whatever carries them: a socket, or httpx's MockTransport in virtual time."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct, field

Json = Any


class Request(Struct, frozen=True, kw_only=True):
    """One request. The names of headers are in lower case."""

    method: str
    target: str  # path and query
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path alone."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters behind the path."""
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def json(self) -> Json:
        """The body, where it is JSON. Raises ValueError."""
        return json.loads(self.body or b"null")


class Response(Struct, frozen=True, kw_only=True):
    """One answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Json:
        """The body, where it is JSON. Raises ValueError."""
        return json.loads(self.body)


def answer(body: Json, status: int = 200, **headers: str) -> Response:
    """Write an answer in JSON; underscores in the names of headers become hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        status=status,
        headers={"content-type": "application/json; charset=utf-8"} | named,
        body=json.dumps(body).encode(),
    )


def problem(status: int, message: str, **more: Json) -> Response:
    """Write an error as GitHub writes it."""
    return answer({"message": message, "documentation_url": "https://docs.github.com/rest", **more}, status)
