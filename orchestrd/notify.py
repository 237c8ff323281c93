"""What a supervisor such as systemd passes to the daemon, and what the daemon tells it: sd_notify(3), in datagrams.

Without a supervisor nothing is told and nothing is opened. What was passed is taken out of the environment, so that
nobody the daemon starts takes it for theirs.

A message is only as useful as the daemon is quick: a supervisor that takes none for NOTIFY_S is not waited for.

For the unit of the service: `Type=notify` (`Type=notify-reload` fits as well: a reload is told with its time),
`NotifyAccess=main`, `WatchdogSec=` at will, and `TimeoutStartSec=infinity`, since recovering waits for the disk, and
on one that hangs a start that is killed would only be the first of many. A socket of its own is `ListenStream=` the
home's `run/daemon.sock`, with `SocketMode=0600` and `DirectoryMode=0700`.
"""

import asyncio
import contextlib
import socket
from collections.abc import MutableMapping

from msgspec import Struct

from orchestrd.model.limits import NOTIFY_S

FIRST_SOCKET = 3  # descriptors that are passed begin here
MICROSECONDS = 1_000_000


class Supervision(Struct, frozen=True, kw_only=True):
    """What this process was given: where to tell, how often to say that it is well, and sockets that listen."""

    address: str | None = None
    watchdog_s: float | None = None
    sockets: tuple[int, ...] = ()


def take_supervision(environ: MutableMapping[str, str], pid: int) -> Supervision:
    """Take out of the environment what a supervisor has put there for the process `pid`; what is not for it is none."""
    address = environ.pop("NOTIFY_SOCKET", "")
    is_watched = environ.pop("WATCHDOG_PID", str(pid)) == str(pid)
    watchdog = _number(environ.pop("WATCHDOG_USEC", ""))
    is_given = environ.pop("LISTEN_PID", "") == str(pid)
    sockets = _number(environ.pop("LISTEN_FDS", ""))
    environ.pop("LISTEN_FDNAMES", None)
    return Supervision(
        address=address if address.startswith(("/", "@")) else None,
        watchdog_s=watchdog / MICROSECONDS if watchdog and is_watched else None,
        sockets=tuple(range(FIRST_SOCKET, FIRST_SOCKET + sockets)) if is_given else (),
    )


class NotifySocket:
    """Tells the supervisor how the daemon is; silent where there is none. `at_work` is its status while all is well."""

    def __init__(self, address: str | None, at_work: str) -> None:
        self._at_work = at_work
        self._socket: socket.socket | None = None
        if address is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
            with contextlib.suppress(OSError):  # nobody is there: telling finds that out each time, and says nothing
                self._socket.connect("\0" + address[1:] if address.startswith("@") else address)

    async def ready(self) -> None:
        """The start, or a reload, is complete."""
        await self._tell("READY=1", f"STATUS={self._at_work}")

    async def reloading(self) -> None:
        """What can be set is read anew; `ready` follows."""
        now = int(asyncio.get_running_loop().time() * MICROSECONDS)
        await self._tell("RELOADING=1", f"MONOTONIC_USEC={now}")

    async def stopping(self) -> None:
        """The end has begun."""
        await self._tell("STOPPING=1", "STATUS=stopping")

    async def status(self, status: str | None) -> None:
        """One line for people; null: all is well."""
        await self._tell(f"STATUS={status or self._at_work}")

    async def well(self) -> None:
        """Feed the watchdog."""
        await self._tell("WATCHDOG=1")

    def close(self) -> None:
        """Tell nothing any more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _tell(self, *lines: str) -> None:
        if self._socket is None:
            return
        message = "\n".join(line.replace("\n", " ") for line in lines).encode("utf-8", "replace")
        with contextlib.suppress(OSError):  # a timeout is one
            async with asyncio.timeout(NOTIFY_S):
                await asyncio.get_running_loop().sock_sendall(self._socket, message)


def _number(text: str) -> int:
    """Read a count as a supervisor writes it; anything else is none."""
    return int(text) if text.isascii() and text.isdigit() else 0
