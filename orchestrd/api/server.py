"""The server: one unix socket, uvicorn's protocol on it, and nothing of uvicorn's that polls or catches signals.

To stop means, in this order: no new connection, every event stream brought to its proper end, requests under way
answered, what is still open after a second cut off.
"""

import asyncio
from collections.abc import Sequence

import structlog
from uvicorn.config import Config
from uvicorn.server import ServerState

from orchestrd import __version__
from orchestrd.api.app import App
from orchestrd.api.connection import Connection
from orchestrd.api.listening import InheritedListener, Listener, listener_at
from orchestrd.core.layout import Layout
from orchestrd.model.limits import API_STOP_S, CONNECTIONS_MAX
from orchestrd.ports import Clock, Service

log = structlog.get_logger()


class ApiServer:
    """The API on the socket of one home; started and stopped by the daemon, like any actor.

    `descriptors` are sockets that a supervisor has passed on, one of them that of the home.
    """

    def __init__(self, service: Service, layout: Layout, clock: Clock, descriptors: Sequence[int] = ()) -> None:
        self._app = App(service, clock)
        self._path = layout.socket
        self._descriptors = descriptors
        self._state = ServerState()
        self._listener: Listener | InheritedListener | None = None
        self._server: asyncio.Server | None = None
        self._is_stopping = False

    async def started(self) -> None:
        """Answer from now on. Raises RefusedError (`already_running`) when another daemon answers on the socket."""
        config = Config(
            self._app,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",  # what comes in is not our doing; what fails in us is logged by the app
            access_log=False,
            date_header=False,
            server_header=False,
            headers=[("orch-version", __version__)],  # on every answer: clients compare it with their own
        )
        config.load()
        self._state.default_headers = config.encoded_headers
        self._listener = await asyncio.to_thread(listener_at, self._path, self._descriptors)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(config, self._state, {}, lambda: self._is_stopping),
            sock=self._listener.socket,
            backlog=CONNECTIONS_MAX,
        )
        log.info("api_started", socket=self._path)

    async def stopped(self) -> None:
        """Answer no more. Harmless when it was never started."""
        if self._server is None or self._listener is None:
            return
        self._is_stopping = True
        asyncio.get_running_loop().remove_reader(self._listener.socket)
        await asyncio.sleep(0)  # who was accepted a moment ago becomes a connection, and is told; asyncio would lose it
        self._server.close()
        self._app.close_streams()
        await self._drained()
        await asyncio.to_thread(self._listener.remove)
        self._server = self._listener = None
        log.info("api_stopped", socket=self._path)

    async def _drained(self) -> None:
        open_now = [connection for connection in self._state.connections if isinstance(connection, Connection)]
        for connection in open_now:
            connection.shutdown()
        try:
            async with asyncio.timeout(API_STOP_S):
                for connection in open_now:
                    await connection.closed.wait()
        except TimeoutError:
            for connection in open_now:
                connection.cut()
            if self._state.tasks:
                await asyncio.wait(self._state.tasks, timeout=API_STOP_S)
