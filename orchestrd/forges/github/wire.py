"""One request to GitHub over the wire, and its answer: bounded in time, in size and in how many there are at once.

Invariants: the token goes to the interface of this host and nowhere else, not even where that sends us on to; an answer
that is too long or too late is no answer. The connection is kept, and made when there is something to ask.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from orchestrd import __version__
from orchestrd.forges.github.faults import Reply, UnansweredError
from orchestrd.forges.github.hosts import Host
from orchestrd.forges.github.tokens import FindToken, Token
from orchestrd.model.errors import TransientError
from orchestrd.model.limits import (
    CHECK_LOG_BYTES_KEPT,
    FORGE_ANSWER_S,
    FORGE_BODY_BYTES_MAX,
    FORGE_REDIRECTS_MAX,
    FORGE_REQUESTS_AT_ONCE_MAX,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    import httpx

Connect = Callable[[], "httpx.AsyncClient"]  # blocking: it imports, and reads certificates

REST, GRAPHQL = "core", "graphql"  # as GitHub names its windows
_MOVED = frozenset({301, 302, 307, 308})


class Asked(Struct, frozen=True, kw_only=True):
    """What is asked, in which window it counts and how much; `what` completes the sentence "it failed ...".

    `tag` names the answer that we have: it need not come again.
    """

    method: str
    url: str
    what: str
    body: bytes | None = None
    window: str = REST
    cost: int = 1
    tag: str | None = None


class Wire:
    """Sends requests to one host, with the token of that host."""

    def __init__(self, host: Host, find_token: FindToken, connect: Connect) -> None:
        self._host = host
        self._find_token = find_token
        self._token: Token | None = None
        self._connect = connect
        self._http: httpx.AsyncClient | None = None
        self._connecting = asyncio.Lock()
        self._places = asyncio.Semaphore(FORGE_REQUESTS_AT_ONCE_MAX)

    async def token_source(self) -> str | None:
        """Say where the token is from, if there is one. Raises RefusedError where what is set leads to none."""
        token = await self._known_token()
        return token.source if token else None

    def forget_token(self) -> None:
        """Look for it anew: it was refused, and may have been renewed."""
        self._token = None

    async def send(self, asked: Asked) -> Reply:
        """Send it, after a repository that has moved too; never further than this host.

        Raises UnansweredError where it may have been taken, another TransientError where it was not, RefusedError where
        what is set leads to no token.
        """
        url, headers = asked.url, await self._headers(asked)
        for _ in range(FORGE_REDIRECTS_MAX):
            async with self._answered(asked, url, headers) as response:
                reply = Reply(
                    status=response.status_code,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=await _whole(response),
                )
            location = reply.headers.get("location", "")
            if reply.status not in _MOVED or not location.startswith(f"{self._host.rest}/repositories/"):
                return reply
            url = location
        raise TransientError(f"{self._host.name} leads in a circle {asked.what}")

    async def end_of(self, asked: Asked, url: str) -> str:
        """Read the end of what is elsewhere, without the token. Raises TransientError."""
        async with self._answered(asked, url, {}) as response:
            if response.status_code != 200:
                told = f"what {self._host.name} leads to does not answer ({response.status_code})"
                raise TransientError(f"{told} {asked.what}")
            return (await _end(response)).decode(errors="replace")

    async def close(self) -> None:
        """Let go of the connection."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    @asynccontextmanager
    async def _answered(self, asked: Asked, url: str, headers: dict[str, str]) -> "AsyncIterator[httpx.Response]":
        """Send one request. Raises UnansweredError where it may have been taken, TransientError where it was not."""
        http = await self._connected()
        import httpx  # noqa: PLC0415 - 12 MB, for those who ask a forge; it was imported on a thread right before

        try:
            async with (
                self._places,
                asyncio.timeout(FORGE_ANSWER_S),
                http.stream(asked.method, url, content=asked.body, headers=headers) as response,
            ):
                yield response
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            why = f"{self._host.name} is out of reach {asked.what}: {error}"
            raise TransientError(why, code="forge_unreachable", hint="orch doctor") from error
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            why = f"{self._host.name} did not answer {asked.what}: {str(error) or type(error).__name__}"
            raise UnansweredError(why, hint="orch doctor") from error

    async def _connected(self) -> "httpx.AsyncClient":
        """Make what speaks HTTP once, on a thread: it is imported for that, and reads certificates."""
        async with self._connecting:
            if self._http is None:
                self._http = await asyncio.to_thread(self._connect)
        return self._http

    async def _headers(self, asked: Asked) -> dict[str, str]:
        token = await self._known_token()
        return {
            "accept": "application/vnd.github+json",
            "user-agent": f"orchestrd/{__version__}",
            "x-github-api-version": "2022-11-28",
            **({"authorization": f"Bearer {token.text}"} if token else {}),
            **({"content-type": "application/json"} if asked.body else {}),
            **({"if-none-match": asked.tag} if asked.tag else {}),
        }

    async def _known_token(self) -> Token | None:
        if self._token is None:
            self._token = await self._find_token()
        return self._token


async def _whole(response: "httpx.Response") -> bytes:
    """Read a body. Raises TransientError for one that is longer than any that makes sense."""
    body = bytearray()
    async with aclosing(_pieces(response)) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > FORGE_BODY_BYTES_MAX:
                raise TransientError(f"an answer has more than {FORGE_BODY_BYTES_MAX} bytes", code="bad_answer")
    return bytes(body)


async def _end(response: "httpx.Response") -> bytes:
    """Read a body to its end, however long that takes within the time of an answer, and keep no more than the end."""
    kept = bytearray()
    async for piece in response.aiter_bytes():
        kept += piece
        del kept[: max(0, len(kept) - CHECK_LOG_BYTES_KEPT)]
    return bytes(kept)


def _pieces(response: "httpx.Response") -> "AsyncGenerator[bytes, None]":
    return cast("AsyncGenerator[bytes, None]", response.aiter_bytes())  # it is one, and so can be left half-way
