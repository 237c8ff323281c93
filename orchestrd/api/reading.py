"""What a request says: its body, its query, and the form in which its answer is wanted.

Everything from outside is bounded and typed here; what does not fit raises UsageError naming the field.
"""

import asyncio
from contextlib import aclosing
from typing import TypeVar

import msgspec
from starlette.requests import Request

from orchestrd.model.errors import TimedOutError, UsageError
from orchestrd.model.limits import BODY_BYTES_MAX, REQUEST_BODY_S, SEQUENCE_MAX

T = TypeVar("T")

JSON = "application/json"
TEXT = "text/plain"
NDJSON = "application/x-ndjson"
SSE = "text/event-stream"


async def read_body(request: Request, kind: type[T]) -> T:
    """Read a JSON body as `kind`; unknown fields are ignored. An empty body counts as `{}`."""
    data = await whole_body(request, BODY_BYTES_MAX)
    try:
        return msgspec.json.decode(data or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"the body does not fit: {error}", code="invalid") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the body is not JSON: {error}", code="malformed") from error


def preferred(request: Request, *offered: str) -> str:
    """Choose the media type that the Accept header names first; the first one offered where it names none of them."""
    for part in request.headers.get("accept", "").split(","):
        wanted = part.partition(";")[0].strip().lower()
        if wanted in offered:
            return wanted
    return offered[0]


def flag(request: Request, name: str, *, default: bool) -> bool:
    """Read a query parameter that is 0 or 1."""
    text = request.query_params.get(name)
    if text not in (None, "0", "1"):
        raise UsageError(f"the query parameter {name} is {text[:40]!r}: give 0 or 1", code="invalid")
    return default if text is None else text == "1"


def number(request: Request, name: str) -> int | None:
    """Read a query parameter that is a number from 0."""
    return as_number(f"the query parameter {name}", request.query_params.get(name))


def as_number(what: str, text: str | None) -> int | None:
    """Read a number from 0 to the largest number an event can have; null stays null."""
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= SEQUENCE_MAX:
        return int(text)
    raise UsageError(f"{what} is {text[:40]!r}: give a number from 0 to {SEQUENCE_MAX}", code="invalid")


async def whole_body(request: Request, bytes_max: int) -> bytes:
    """Read a body as it is. Raises UsageError (`too_large`), TimedOutError (`slow_body`)."""
    body = bytearray()
    try:
        async with asyncio.timeout(REQUEST_BODY_S), aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > bytes_max:
                    raise UsageError(f"the body is larger than {bytes_max} bytes: send less", code="too_large")
    except TimeoutError as error:
        raise TimedOutError(
            f"the body was not complete within {REQUEST_BODY_S:g} s: send it whole", code="slow_body"
        ) from error
    return bytes(body)
