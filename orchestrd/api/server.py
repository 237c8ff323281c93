"""The server of the API: its app on the one unix socket of a home."""

import asyncio
from collections.abc import Sequence

import structlog

from orchestrd.api.app import App
from orchestrd.api.listening import InheritedListener, Listener, listener_at
from orchestrd.api.serving import Serving
from orchestrd.core.layout import Layout
from orchestrd.ports import Clock, Service

log = structlog.get_logger()


class ApiServer:
    """The API on the socket of one home; started and stopped by the daemon, like any actor.

    `descriptors` are sockets that a supervisor has passed on, one of them that of the home.
    """

    def __init__(self, service: Service, layout: Layout, clock: Clock, descriptors: Sequence[int] = ()) -> None:
        self._app = App(service, clock)
        self._serving = Serving(self._app)
        self._path = layout.socket
        self._descriptors = descriptors
        self._listener: Listener | InheritedListener | None = None

    async def started(self) -> None:
        """Answer from now on. Raises RefusedError (`already_running`) when another daemon answers on the socket."""
        self._listener = await asyncio.to_thread(listener_at, self._path, self._descriptors)
        await self._serving.start(self._listener.socket)
        log.info("api_started", socket=self._path)

    async def stopped(self) -> None:
        """Answer no more. Harmless when it was never started."""
        if self._listener is None:
            return
        await self._serving.stop(self._listener.socket, self._app.close_streams)
        await asyncio.to_thread(self._listener.remove)
        self._listener = None
        log.info("api_stopped", socket=self._path)
