"""Webhooks of forges: one route on a TCP socket of its own, on loopback, and nothing else of the API there.

Anybody on this machine can reach it, and a tunnel may let the world in: so a delivery is only believed in so far as it
is signed, and then only makes the next look come at once. Each is bounded in size and time.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from orchestrd.api.answering import FAULT, answer_problem, problem
from orchestrd.api.connection import Connection
from orchestrd.api.reading import whole_body
from orchestrd.api.serving import Serving
from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError
from orchestrd.model.limits import WEBHOOK_BODY_BYTES_MAX, WEBHOOK_CONNECTIONS_MAX
from orchestrd.ports.forge import WebhookForge

log = structlog.get_logger()

PART = "webhooks"  # as the daemon's troubles name it


class WebhookConnection(Connection):
    """A connection of whoever comes; there are few places, and each is held for a short time only."""

    connections_max = WEBHOOK_CONNECTIONS_MAX

    def is_welcome(self, peer: socket.socket) -> bool:
        """Let everybody knock: what they bring is signed, or refused."""
        return True


class WebhookApp:
    """The one route."""

    def __init__(self, forges: Mapping[str, WebhookForge]) -> None:
        self._forges = forges
        route = Route("/v1/webhooks/{forge}", self._take, methods=["POST"])
        self._router = Router([route], redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._router({**scope, "app": self}, receive, send)
        except ClientDisconnect:
            return
        except Exception as error:
            told = problem(error)
            if told.status == FAULT.status:
                log.exception("webhook_failed", path=scope["path"])
            await answer_problem(told, error)(scope, receive, send)

    async def _take(self, request: Request) -> Response:
        name = request.path_params["forge"]
        if name not in self._forges:
            raise NotFoundError(f"there is no forge {name!r} that sends webhooks", code="no_forge")
        body = await whole_body(request, WEBHOOK_BODY_BYTES_MAX)
        await self._forges[name].take_delivery({key.lower(): value for key, value in request.headers.items()}, body)
        return Response(status_code=202)


class WebhookServer:
    """Listens on `address`, a host of this machine and a port. `report` is told whether it can, and the daemon goes on.

    Started and stopped by the daemon, like any actor.
    """

    def __init__(
        self, address: str, forges: Mapping[str, WebhookForge], report: Callable[[str, OrchestrdError | None], None]
    ) -> None:
        self._address = address
        self._serving = Serving(WebhookApp(forges), WebhookConnection)
        self._report = report
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int | None:
        """Where it listens; null where it does not."""
        return None if self._socket is None else int(self._socket.getsockname()[1])

    async def started(self) -> None:
        """Listen from now on."""
        try:
            self._socket = await asyncio.to_thread(_listening, self._address)
        except OSError as error:
            told = f"cannot listen for webhooks on {self._address}: {error.strerror or error}"
            self._report(PART, RefusedError(told, code="no_socket", hint="orch config edit"))
            return
        await self._serving.start(self._socket)
        self._report(PART, None)
        log.info("webhooks_started", address=self._address)

    async def stopped(self) -> None:
        """Listen no more. Harmless when it never did."""
        if self._socket is not None:
            await self._serving.stop(self._socket, lambda: None)
            self._socket = None


def _listening(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, int(port)), family=family, backlog=WEBHOOK_CONNECTIONS_MAX)
