"""Posting to a server of the user's choice, over httpx: imported when the first notice is posted, on a thread.

Invariant: a redirect is an error and is not followed, for what is posted is signed or bears a token; and neither those
nor a URL that is a secret stands in an error.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from orchestrd import __version__
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.limits import ERROR_CHARS_MAX, NOTIFY_ANSWER_S
from orchestrd.notifiers.failing import failed
from orchestrd.notifiers.secret import without

if TYPE_CHECKING:
    import httpx

# What the server says of this one notice, and would say again. All else may be mended: a token, a path, the server.
_NOT_THIS = frozenset({400, 406, 411, 413, 414, 415, 422, 431})


class Poster:
    """Posts for one channel."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._client: httpx.AsyncClient | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], secrets: tuple[str | None, ...]) -> None:
        """Post, and take the head of the answer for it. Raises RefusedError (`not_taken`) and TransientError."""
        if self._client is None:
            self._client = await asyncio.to_thread(_client)
        try:
            async with (
                asyncio.timeout(NOTIFY_ANSWER_S),
                self._client.stream("POST", url, content=body, headers=dict(headers)) as answer,
            ):
                status, reason = answer.status_code, answer.reason_phrase
        except TimeoutError:
            raise failed(self._channel, f"its server did not answer within {NOTIFY_ANSWER_S:.0f} seconds") from None
        except Exception as error:  # noqa: BLE001 - httpx raises of several families; each may name the URL
            told = _words_of(error, (*secrets, url))
            raise failed(self._channel, f"its server is out of reach: {told}"[:ERROR_CHARS_MAX]) from None
        if not 200 <= status < 300:
            raise self._not_taken(status, reason)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _not_taken(self, status: int, reason: str) -> OrchestrdError:
        said = f"{status} {reason}".strip()[:100]
        if status in _NOT_THIS:
            return RefusedError(f"the channel {self._channel} does not take this: {said}", code="not_taken")
        if 300 <= status < 400:
            why = "and a redirect is not followed: set where it leads to"
            return failed(self._channel, f"its server answers {said}, {why}")
        if status in {401, 403}:
            return failed(self._channel, f"its server answers {said}: look at its token or secret")
        return failed(self._channel, f"its server answers {said}")


def _words_of(error: Exception, secrets: tuple[str | None, ...]) -> str:
    """Say what went wrong on the way. Who cannot read a URL quotes a part of it, which may be the password in it."""
    import httpx  # noqa: PLC0415 - it has raised this

    kind = type(error).__name__
    return without(f"{kind}: {error}", secrets) if isinstance(error, httpx.TransportError) else kind


def _client() -> "httpx.AsyncClient":
    """Make a client, which reads the certificates of this machine. Blocking."""
    import httpx  # noqa: PLC0415 - a daemon that posts nothing need not hold it

    return httpx.AsyncClient(
        timeout=None,  # noqa: S113 - all of it is bounded where it is called
        follow_redirects=False,
        headers={"User-Agent": f"orchestrd/{__version__}"},
        limits=httpx.Limits(max_connections=2, max_keepalive_connections=0),  # notices are rare
    )
