"""The server: our own unix socket, uvicorn's protocol on it, and nothing of uvicorn's that polls or catches signals.

The socket is made by us, with mode 0600 before anyone can connect. A stale file is replaced only where nothing answers
on it; when the server stops it removes the file it made, and no other. To stop means, in this order: no new connection,
every event stream brought to its proper end, requests under way answered, what is still open after a second cut off.
"""

import asyncio
import contextlib
import os
import socket
import stat

import structlog
from uvicorn.config import Config
from uvicorn.server import ServerState

from orchestrd import __version__
from orchestrd.api.app import App
from orchestrd.api.connection import Connection
from orchestrd.core.layout import Layout
from orchestrd.endpoint import Address
from orchestrd.model.errors import RefusedError
from orchestrd.model.limits import API_STOP_S, CONNECTIONS_MAX
from orchestrd.ports import Clock, Service

log = structlog.get_logger()

KNOCK_S = 1.0  # whoever holds the socket has accepted or queued a connection by then


class Listener:
    """A bound unix socket and the file it made. Blocking: called from a thread."""

    def __init__(self, path: str) -> None:
        """Bind. Raises RefusedError: `already_running` where someone answers, `no_socket` where it cannot be made."""
        self._path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _clear(path)
            os.fchmod(self.socket.fileno(), 0o600)  # Linux makes the file with this mode: no moment with another
            with Address(path) as address:
                self.socket.bind(address)
            os.chmod(path, 0o600)  # noqa: PTH101 - for the systems that look at the umask instead
            self._file = _identity(path)
        except BaseException as error:
            self.socket.close()
            if isinstance(error, OSError):
                raise RefusedError(
                    f"cannot make {path}: {error.strerror}", code="no_socket", hint=f"ls -ld {path}"
                ) from error
            raise

    def remove(self) -> None:
        """Remove the file, if it is still the one we made."""
        with contextlib.suppress(FileNotFoundError):
            if _identity(self._path) == self._file:
                os.unlink(self._path)  # noqa: PTH108 - a path as bytes of any length


class ApiServer:
    """The API on the socket of one home; started and stopped by the daemon, like any actor."""

    def __init__(self, service: Service, layout: Layout, clock: Clock) -> None:
        self._app = App(service, clock)
        self._path = layout.socket
        self._state = ServerState()
        self._listener: Listener | None = None
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
        self._listener = await asyncio.to_thread(Listener, self._path)
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


def _clear(path: str) -> None:
    """Make room for our socket file. Raises RefusedError when someone answers on it."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISSOCK(mode) and _answers(path):
        raise RefusedError(f"another daemon answers on {path}", code="already_running", hint="orch daemon status")
    os.unlink(path)  # noqa: PTH108 - as above


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock, Address(path) as address:
        knock.settimeout(KNOCK_S)
        try:
            knock.connect(address)
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except (TimeoutError, BlockingIOError):
            return True  # its queue is full: someone is there, and busy
    return True


def _identity(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino
