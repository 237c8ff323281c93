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

FindForges = Callable[[], Mapping[str, WebhookForge]]

PART = "webhooks"  # as the daemon's troubles name it


class WebhookConnection(Connection):
    """A connection of whoever comes; there are few places, and each is held for a short time only."""

    connections_max = WEBHOOK_CONNECTIONS_MAX

    def is_welcome(self, peer: socket.socket) -> bool:
        """Let everybody knock: what they bring is signed, or refused."""
        return True


class WebhookApp:
    """The one route. `forges` gives those that are in use by then."""

    def __init__(self, forges: FindForges) -> None:
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
        self._named(name)
        body = await whole_body(request, WEBHOOK_BODY_BYTES_MAX)
        headers = {key.lower(): value for key, value in request.headers.items()}
        await self._named(name).take_delivery(headers, body)  # there may be another one by now
        return Response(status_code=202)

    def _named(self, name: str) -> WebhookForge:
        forge = self._forges().get(name)
        if forge is None:
            raise NotFoundError(f"there is no forge {name!r} that sends webhooks", code="no_forge")
        return forge


class WebhookServer:
    """Listens on `address`, a host of this machine and a port; null: nowhere, until it is moved.

    `report` is told whether it can, and the daemon goes on. Started and stopped by the daemon, like any actor.
    """

    def __init__(
        self, address: str | None, forges: FindForges, report: Callable[[str, OrchestrdError | None], None]
    ) -> None:
        self._address = address
        self._app = WebhookApp(forges)
        self._report = report
        self._serving: Serving | None = None
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int | None:
        """Where it listens; null where it does not."""
        return None if self._socket is None else int(self._socket.getsockname()[1])

    async def started(self) -> None:
        """Listen from now on."""
        if self._address is None:
            return
        try:
            listening = await asyncio.to_thread(_listening, self._address)
        except RefusedError as error:
            self._report(PART, error)
        else:
            await self._listen(listening)

    async def stopped(self) -> None:
        """Listen no more. Harmless when it never did."""
        serving, listening, self._serving, self._socket = self._serving, self._socket, None, None
        if serving is not None and listening is not None:
            await serving.stop(listening, lambda: None)

    def bound(self, address: str | None) -> socket.socket | None:
        """Take hold of a place to listen at, before that of now is given up; null where none is needed. Blocking.

        Raises RefusedError. What could not be had at the start is tried again, and keeps nobody from anything.
        """
        if address is None or (address == self._address and self._socket is not None):
            return None
        try:
            return _listening(address)
        except RefusedError:
            if address != self._address:
                raise
            return None

    async def move(self, address: str | None, listening: socket.socket | None) -> None:
        """Listen there, and nowhere else; what was begun where it listened before is answered there."""
        if address == self._address and listening is None:
            return
        self._address = address
        await self.stopped()
        if listening is not None:
            await self._listen(listening)
        else:
            self._report(PART, None)
            log.info("webhooks_stopped")

    async def _listen(self, listening: socket.socket) -> None:
        self._serving, self._socket = Serving(self._app, WebhookConnection), listening
        await self._serving.start(listening)
        self._report(PART, None)
        log.info("webhooks_started", address=self._address)


def _listening(address: str) -> socket.socket:
    """Raises RefusedError (`no_socket`)."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family, backlog=WEBHOOK_CONNECTIONS_MAX)
    except (OSError, OverflowError) as error:
        told = f"cannot listen for webhooks on {address}: {getattr(error, 'strerror', None) or error}"
        raise RefusedError(told, code="no_socket", hint="orch config edit") from error
