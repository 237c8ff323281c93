"""HTTP to one GitHub: one connection that is kept, a bounded number of requests at once, each within its time and size.

Invariants: nothing is sent that the allowance does not have; the token goes to the interface of this host and nowhere
else, not even where that sends us on to; an answer that is too long or too late is no answer.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import Struct

from orchestrd import __version__
from orchestrd.core import allowance
from orchestrd.core.allowance import Meter
from orchestrd.forges.github import faults
from orchestrd.forges.github.answers import Whole, decoded
from orchestrd.forges.github.faults import Reply, UnansweredError
from orchestrd.forges.github.hosts import Host
from orchestrd.forges.github.query import Query
from orchestrd.forges.github.tokens import FindToken
from orchestrd.model.errors import NotFoundError, OrchestrdError, TransientError
from orchestrd.model.limits import (
    CHECK_LOG_BYTES_KEPT,
    FORGE_ANSWER_S,
    FORGE_BODY_BYTES_MAX,
    FORGE_KEPT_BYTES_MAX,
    FORGE_KEPT_MAX,
    FORGE_REDIRECTS_MAX,
    FORGE_REQUESTS_AT_ONCE_MAX,
)
from orchestrd.ports import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    import httpx

REST, GRAPHQL = "core", "graphql"  # as GitHub names its windows
_MOVED = frozenset({301, 302, 307, 308})


class _Kept(Struct, frozen=True):
    """An answer that need not be sent again while it is the newest."""

    tag: str
    body: bytes


class _Asked(Struct, frozen=True, kw_only=True):
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


class GitHubClient:
    """Asks one host. `connect` makes what speaks HTTP; it is called when there is something to ask."""

    def __init__(
        self, host: Host, find_token: FindToken, clock: Clock, share: float, connect: "Callable[[], httpx.AsyncClient]"
    ) -> None:
        self.host = host
        self.share = share
        self.meters = {REST: Meter(), GRAPHQL: Meter()}
        self.error: str | None = None  # what was wrong with the newest answer
        self._find_token = find_token
        self._token: str | None = None
        self._clock = clock
        self._connect = connect
        self._http: httpx.AsyncClient | None = None
        self._connecting = asyncio.Lock()
        self._places = asyncio.Semaphore(FORGE_REQUESTS_AT_ONCE_MAX)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def look(self, asked: Query, repository: str) -> Whole:
        """Ask by GraphQL. Raises TransientError, RefusedError or NotFoundError where nothing was told at all."""
        if await self._known_token() is None:
            raise self._noted(faults.no_token(self.host))
        body = msgspec.json.encode({"query": asked.text, "variables": asked.variables})
        what = f"to look at {repository}"
        reply = await self._ask(
            _Asked(method="POST", url=self.host.graphql, what=what, body=body, window=GRAPHQL, cost=asked.cost)
        )
        whole = decoded(reply.body, Whole, "answer")
        if faults.is_query_limited(whole):
            self.meters[GRAPHQL] = allowance.penalised(self.meters[GRAPHQL], faults.retry_in_s(reply), _now())
            raise self._noted(self._closed(GRAPHQL, asked.cost))
        if whole.data is not None and whole.data.rate_limit is not None:
            self._charge(GRAPHQL, whole.data.rate_limit.cost - asked.cost)
        error = faults.refusal_of_query(self.host, repository, whole, has_token=True)
        if error is not None:
            raise self._noted(error)
        return whole

    async def get(self, path: str, what: str) -> Reply:
        """Read by REST; what has not changed costs nothing. Raises as `look`."""
        known = self._kept.get(path)
        asked = _Asked(method="GET", url=self.host.rest + path, what=what, tag=known.tag if known else None)
        reply = await self._ask(asked)
        if reply.status == 304 and known is not None:
            self._charge(REST, -1)
            self._kept.move_to_end(path)
            return Reply(status=200, headers=reply.headers, body=known.body)
        self._keep(path, reply)
        return reply

    async def put(self, path: str, body: dict[str, Any], what: str) -> Reply:
        """Change something by REST. Raises as `look`; UnansweredError where it may have been done."""
        return await self._ask(
            _Asked(method="PUT", url=self.host.rest + path, what=what, body=msgspec.json.encode(body))
        )

    async def end_of(self, path: str, what: str) -> str:
        """Read the end of a long text that REST sends us elsewhere for. Raises as `look`."""
        asked = _Asked(method="GET", url=self.host.rest + path, what=what)
        reply = await self._ask(asked)
        location = reply.headers.get("location")
        if reply.status == 200:
            return reply.body[-CHECK_LOG_BYTES_KEPT:].decode(errors="replace")
        if location is None:
            raise NotFoundError(f"{self.host.name} has it no more ({reply.status}): {what}")
        async with self._answered(asked, location, {}) as response:
            if response.status_code != 200:
                raise TransientError(f"what {self.host.name} leads to does not answer ({response.status_code}): {what}")
            return (await _end(response)).decode(errors="replace")

    async def has_token(self) -> bool:
        """Tell whether there is a token. Raises RefusedError where what is set leads to none."""
        return await self._known_token() is not None

    def pause_s(self, usual_s: float, cost: int) -> float:
        """Say how far apart rounds of looks should be that cost this much together."""
        meter, now = self.meters[GRAPHQL], _now()
        apart_s = allowance.interval_s(meter, self.share, cost, usual_s, now)
        return max(apart_s, allowance.wait_s(meter, self.share, cost, now))

    async def close(self) -> None:
        """Let go of the connection."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    # ---- one request -------------------------------------------------------------------------------------------------

    async def _ask(self, asked: _Asked) -> Reply:
        window = asked.window
        if allowance.wait_s(self.meters[window], self.share, asked.cost, _now()) > 0:
            raise self._closed(window, asked.cost)  # not noted: nothing is wrong
        self._charge(window, asked.cost)
        try:
            reply = await self._sent(asked)
        except TransientError as error:
            self.meters[window] = allowance.failed(self.meters[window], _now())
            raise self._noted(error) from error
        self._take(asked, reply)
        if faults.is_limited(reply):
            raise self._noted(self._closed(window, asked.cost))
        refusal = faults.refusal(self.host, asked.what, reply, has_token=self._token is not None)
        if refusal is None:
            self.error = None
            return reply
        if reply.status == 401:
            self._token = None  # it may have been renewed: whoever asks next looks for it anew
        raise self._noted(refusal)

    async def _sent(self, asked: _Asked) -> Reply:
        """Send it, after a repository that has moved too; never further than this host."""
        url, headers = asked.url, await self._headers(asked)
        for _ in range(FORGE_REDIRECTS_MAX):
            async with self._answered(asked, url, headers) as response:
                reply = Reply(
                    status=response.status_code,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=await _whole(response),
                )
            location = reply.headers.get("location", "")
            if reply.status not in _MOVED or not location.startswith(f"{self.host.rest}/repositories/"):
                return reply
            url = location
        raise TransientError(f"{self.host.name} leads in a circle {asked.what}")

    @asynccontextmanager
    async def _answered(self, asked: _Asked, url: str, headers: dict[str, str]) -> "AsyncIterator[httpx.Response]":
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
            why = f"{self.host.name} is out of reach {asked.what}: {error}"
            raise TransientError(why, code="forge_unreachable", hint="orch doctor") from error
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            why = f"{self.host.name} did not answer {asked.what}: {str(error) or type(error).__name__}"
            raise UnansweredError(why, hint="orch doctor") from error

    async def _connected(self) -> "httpx.AsyncClient":
        """Make what speaks HTTP once, on a thread: it is imported for that, and reads certificates."""
        async with self._connecting:
            if self._http is None:
                self._http = await asyncio.to_thread(self._connect)
        return self._http

    async def _headers(self, asked: _Asked) -> dict[str, str]:
        token = await self._known_token()
        return {
            "accept": "application/vnd.github+json",
            "user-agent": f"orchestrd/{__version__}",
            "x-github-api-version": "2022-11-28",
            **({"authorization": f"Bearer {token}"} if token else {}),
            **({"content-type": "application/json"} if asked.body else {}),
            **({"if-none-match": asked.tag} if asked.tag else {}),
        }

    async def _known_token(self) -> str | None:
        if self._token is None:
            try:
                self._token = await self._find_token()
            except OrchestrdError as error:
                raise self._noted(error) from error
        return self._token

    def _keep(self, path: str, reply: Reply) -> None:
        tag = reply.headers.get("etag")
        if reply.status == 200 and tag and len(reply.body) <= FORGE_KEPT_BYTES_MAX:
            self._kept[path] = _Kept(tag, reply.body)
            while len(self._kept) > FORGE_KEPT_MAX:
                self._kept.popitem(last=False)

    # ---- what may be asked -------------------------------------------------------------------------------------------

    def _take(self, asked: _Asked, reply: Reply) -> None:
        """Take in what an answer says of what may be asked."""
        meter, now = self.meters[asked.window], _now()
        said = faults.allowance_of(reply, self._seconds_at(reply))
        if said is not None:
            meter = allowance.told(meter, said, asked.cost, now)
        if faults.is_limited(reply):
            meter = allowance.penalised(meter, faults.retry_in_s(reply), now)
        elif reply.status >= 500:
            meter = allowance.failed(meter, now)
        else:
            meter = allowance.answered(meter)
        self.meters[asked.window] = meter

    def _charge(self, window: str, cost: int) -> None:
        self.meters[window] = allowance.spent(self.meters[window], cost)

    def _closed(self, window: str, cost: int) -> TransientError:
        return faults.limited(self.host, allowance.wait_s(self.meters[window], self.share, cost, _now()))

    def _seconds_at(self, reply: Reply) -> float:
        """Tell the time that GitHub has, which its windows end by; ours may be wrong."""
        try:
            told = parsedate_to_datetime(reply.headers.get("date", ""))
        except ValueError:
            told = self._clock.now().at
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()

    def _noted(self, error: OrchestrdError) -> OrchestrdError:
        self.error = error.message
        return error


def _now() -> float:
    return asyncio.get_running_loop().time()


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
