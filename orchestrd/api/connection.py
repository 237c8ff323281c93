"""One connection to the API: uvicorn's HTTP/1.1, for those who may, for a bounded time, in a bounded number.

A peer of another user is turned away before a byte of it is read. Whoever has not finished the head of a request in
time is turned away too, so neither half a request nor an idle connection holds a place for long.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from orchestrd.api.answering import PROBLEM
from orchestrd.model.document import Problem
from orchestrd.model.limits import CONNECTIONS_MAX, REQUEST_HEAD_S, UNTAKEN_BYTES_MAX

_PEER_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
_ROOT = 0

FORBIDDEN = Problem(
    title="Not your daemon",
    status=403,
    code="forbidden",
    detail="this daemon belongs to another user",
    hint="orch daemon start",
)
STOPPING = Problem(
    title="Stopping",
    status=503,
    code="stopped",
    detail="this daemon is stopping",
    hint="orch daemon start",
)
TOO_MANY = Problem(
    title="Too many connections",
    status=503,
    code="too_many_connections",
    detail="the daemon has as many connections already as it takes",
    hint="orch daemon status",
)
TOO_SLOW = Problem(
    title="Out of time",
    status=408,
    code="slow_request",
    detail=f"the head of the request was not complete within {REQUEST_HEAD_S:g} s",
    hint="orch daemon status",
)


def peer_uid(peer: socket.socket) -> int | None:
    """Ask the kernel who is at the other end; null where it cannot tell, and the socket's mode is all there is."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    _, uid, _ = _PEER_CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size))
    return int(uid)


class Connection(H11Protocol):
    """One connection, from accept to close."""

    connections_max = CONNECTIONS_MAX

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        is_stopping: Callable[[], bool],
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._is_stopping = is_stopping
        self._head_timer: asyncio.TimerHandle | None = None
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look who it is before anything is read."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=UNTAKEN_BYTES_MAX)
        if not self.is_welcome(transport.get_extra_info("socket")):
            self._turn_away(FORBIDDEN)
        elif self._is_stopping():  # it was accepted just before
            self._turn_away(STOPPING)
        elif len(self.connections) > self.connections_max:
            self._turn_away(TOO_MANY)
        else:
            self._watch_head()

    def is_welcome(self, peer: socket.socket) -> bool:
        """Tell whether whoever is at the other end may ask anything at all."""
        return peer_uid(peer) in (None, _ROOT, os.geteuid())

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        super().data_received(data)
        self._watch_head()

    def on_response_complete(self) -> None:
        """Wait for the next request, as long as for the first."""
        super().on_response_complete()
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self._forget_head()
        super().connection_lost(exc)
        self.closed.set()

    def shutdown(self) -> None:
        """Close when the answer under way is complete, or at once when there is none."""
        if not self.transport.is_closing():
            super().shutdown()

    def cut(self) -> None:
        """Close at once, whatever is under way."""
        self.transport.abort()

    def _watch_head(self) -> None:
        """Run the timer while no request is being answered. More bytes of the same head do not set it back."""
        if not getattr(self.cycle, "response_complete", True):  # null before the first request
            self._forget_head()
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(REQUEST_HEAD_S, self._turn_away, TOO_SLOW)

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _turn_away(self, told: Problem) -> None:
        body = msgspec.json.encode(told)
        head = (
            f"HTTP/1.1 {told.status} {told.title}\r\ncontent-type: {PROBLEM}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
