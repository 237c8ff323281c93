"""An ASGI app on a socket: uvicorn's protocol, and nothing of uvicorn's that polls or catches signals.

To stop means, in this order: no new connection, what is open brought to its proper end, requests under way answered,
what is still open after a second cut off.
"""

import asyncio
import socket
from collections.abc import Callable

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

from orchestrd import __version__
from orchestrd.api.connection import Connection
from orchestrd.model.limits import API_STOP_S


class Serving:
    """One app on one socket, each connection of this kind."""

    def __init__(self, app: ASGIApp, connection: type[Connection] = Connection) -> None:
        self._app = app
        self._connection = connection
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._is_stopping = False

    async def start(self, listening: socket.socket) -> None:
        """Answer on this socket from now on."""
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
        self._server = await asyncio.get_running_loop().create_server(
            lambda: self._connection(config, self._state, {}, lambda: self._is_stopping),
            sock=listening,
            backlog=self._connection.connections_max,
        )

    async def stop(self, listening: socket.socket, end_streams: Callable[[], None]) -> None:
        """Answer no more; the socket is closed. `end_streams` ends what would go on by itself."""
        assert self._server is not None, "only what was started is stopped"
        self._is_stopping = True
        asyncio.get_running_loop().remove_reader(listening)
        await asyncio.sleep(0)  # who was accepted a moment ago becomes a connection, and is told; asyncio would lose it
        self._server.close()
        end_streams()
        await self._drained()

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
