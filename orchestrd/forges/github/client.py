"""What one GitHub is asked, within what it allows: GraphQL and REST, each with a window of its own.

Invariant: nothing is sent that the allowance does not have, and what each answer says of it is taken in before anything
else of that answer.
"""

import asyncio
from collections import OrderedDict
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from orchestrd.core import allowance
from orchestrd.core.allowance import Meter
from orchestrd.forges.github import faults
from orchestrd.forges.github.answers import Whole, decoded
from orchestrd.forges.github.faults import Reply
from orchestrd.forges.github.hosts import Host
from orchestrd.forges.github.query import Query
from orchestrd.forges.github.tokens import FindToken
from orchestrd.forges.github.wire import GRAPHQL, REST, Asked, Connect, Wire
from orchestrd.model.errors import NotFoundError, OrchestrdError, TransientError
from orchestrd.model.limits import CHECK_LOG_BYTES_KEPT, FORGE_ERROR_TOLD_S, FORGE_KEPT_BYTES_MAX, FORGE_KEPT_MAX
from orchestrd.ports import Clock


class _Kept(Struct, frozen=True):
    """An answer that need not be sent again while it is the newest."""

    tag: str
    body: bytes


class Memory:
    """What is known of one host, asked by one token: whoever asks in its place later goes on with it."""

    def __init__(self) -> None:
        self.meters = {REST: Meter(), GRAPHQL: Meter()}
        self.error: str | None = None  # why it answered nothing at all when it was last asked
        self.error_at = 0.0
        self.kept: OrderedDict[str, _Kept] = OrderedDict()


class GitHubClient:
    """Asks one host. `connect` makes what speaks HTTP; it is called when there is something to ask."""

    def __init__(
        self, host: Host, find_token: FindToken, clock: Clock, share: float, connect: Connect, *, memory: Memory
    ) -> None:
        self.host = host
        self.share = share
        self.memory = memory
        self.meters = memory.meters
        self._wire = Wire(host, find_token, connect)
        self._clock = clock
        self._kept = memory.kept

    async def look(self, asked: Query, repository: str) -> Whole:
        """Ask by GraphQL. Raises TransientError, RefusedError or NotFoundError where nothing was told at all."""
        await self._require_token()
        body = msgspec.json.encode({"query": asked.text, "variables": asked.variables})
        what = f"to look at {repository}"
        reply = await self._ask(
            Asked(method="POST", url=self.host.graphql, what=what, body=body, window=GRAPHQL, cost=asked.cost)
        )
        whole = decoded(reply.body, Whole, "answer")
        if faults.is_query_limited(whole):
            self.meters[GRAPHQL] = allowance.penalised(self.meters[GRAPHQL], faults.retry_in_s(reply), _now())
            raise self._closed(GRAPHQL, asked.cost)
        if whole.data is not None and whole.data.rate_limit is not None:
            self._charge(GRAPHQL, whole.data.rate_limit.cost - asked.cost)
        error = faults.refusal_of_query(self.host, repository, whole, has_token=True)
        if error is not None:
            raise error
        return whole

    async def get(self, path: str, what: str) -> Reply:
        """Read by REST; what has not changed costs nothing. Raises as `look`."""
        known = self._kept.get(path)
        asked = Asked(method="GET", url=self.host.rest + path, what=what, tag=known.tag if known else None)
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
            Asked(method="PUT", url=self.host.rest + path, what=what, body=msgspec.json.encode(body))
        )

    async def end_of(self, path: str, what: str) -> str:
        """Read the end of a long text that REST sends us elsewhere for. Raises as `look`."""
        asked = Asked(method="GET", url=self.host.rest + path, what=what)
        reply = await self._ask(asked)
        location = reply.headers.get("location")
        if reply.status == 200:
            return reply.body[-CHECK_LOG_BYTES_KEPT:].decode(errors="replace")
        if location is None:
            raise NotFoundError(f"{self.host.name} has it no more ({reply.status}): {what}")
        return await self._wire.end_of(asked, location)

    @property
    def error(self) -> str | None:
        """Why it answered nothing at all when it was last asked; null where it did."""
        return self.memory.error

    @property
    def is_error_old(self) -> bool:
        """Tell whether nobody has asked it for long since it failed: whether it still does is not known."""
        return self.error is not None and _now() - self.memory.error_at > FORGE_ERROR_TOLD_S

    def pause_s(self, usual_s: float, cost: int) -> float:
        """Say how far apart rounds of looks should be that cost this much together."""
        meter, now = self.meters[GRAPHQL], _now()
        apart_s = allowance.interval_s(meter, self.share, cost, usual_s, now)
        return max(apart_s, allowance.wait_s(meter, self.share, cost, now))

    async def close(self) -> None:
        """Let go of the connection."""
        await self._wire.close()

    # ---- one request -------------------------------------------------------------------------------------------------

    async def _ask(self, asked: Asked) -> Reply:
        window = asked.window
        if allowance.wait_s(self.meters[window], self.share, asked.cost, _now()) > 0:
            raise self._closed(window, asked.cost)
        self._charge(window, asked.cost)
        try:
            reply = await self._wire.send(asked)
        except TransientError as error:
            self.meters[window] = allowance.failed(self.meters[window], _now())
            raise self._noted(error) from error
        self._take(asked, reply)
        is_broken = reply.status == 401 or reply.status >= 500
        if not is_broken:
            self.memory.error = None
        if faults.is_limited(reply):
            raise self._closed(window, asked.cost)
        refusal = faults.refusal(self.host, asked.what, reply, source=await self._wire.token_source())
        if reply.status == 401:
            self._wire.forget_token()
        if refusal is None:
            return reply
        raise self._noted(refusal) if is_broken else refusal

    async def _require_token(self) -> None:
        try:
            source = await self._wire.token_source()
        except OrchestrdError as error:
            raise self._noted(error) from error
        if source is None:
            raise self._noted(faults.no_token(self.host))

    def _keep(self, path: str, reply: Reply) -> None:
        tag = reply.headers.get("etag")
        if reply.status == 200 and tag and len(reply.body) <= FORGE_KEPT_BYTES_MAX:
            self._kept[path] = _Kept(tag, reply.body)
            while len(self._kept) > FORGE_KEPT_MAX:
                self._kept.popitem(last=False)

    # ---- what may be asked -------------------------------------------------------------------------------------------

    def _take(self, asked: Asked, reply: Reply) -> None:
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
        wait_s = allowance.wait_s(self.meters[window], self.share, cost, _now())
        has_failed = self.meters[window].failures > 0 and not self.is_error_old
        return faults.limited(self.host, wait_s, self.error if has_failed else None)

    def _seconds_at(self, reply: Reply) -> float:
        """Tell the time that GitHub has, which its windows end by; ours may be wrong."""
        try:
            told = parsedate_to_datetime(reply.headers.get("date", ""))
        except ValueError:
            told = self._clock.now().at
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()

    def _noted(self, error: OrchestrdError) -> OrchestrdError:
        self.memory.error, self.memory.error_at = error.message, _now()
        return error


def _now() -> float:
    return asyncio.get_running_loop().time()
