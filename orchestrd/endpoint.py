"""How the daemon's unix socket is named, by whoever binds it and whoever connects to it.

The kernel takes 107 bytes for the address of a unix socket. A home may lie deeper than that, so a longer path is named
through a descriptor of its directory, which Linux shows in /proc. Only what is there already is imported: the fast
paths pay nothing.

Who listens need not be a daemon: systemd may hold the socket, and start one for whoever connects.
"""

import _socket
import os
import sys

from orchestrd.model.limits import SOCKET_PATH_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio.trsock import TransportSocket

SUPERVISOR = b"systemd\n"


class Address:
    """An address for `bind` or `connect`, good inside its `with` block. Raises OSError without the directory."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._directory: int | None = None

    def __enter__(self) -> str:
        if len(os.fsencode(self._path)) <= SOCKET_PATH_BYTES_MAX:
            return self._path
        directory, name = os.path.split(self._path)
        self._directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._directory}/{name}"

    def __exit__(self, *_: object) -> None:
        if self._directory is not None:
            os.close(self._directory)
            self._directory = None


def supervisor_behind(connected: "_socket.socket | TransportSocket") -> int | None:
    """Give the pid of the systemd that listens at the other end; null for a daemon, and where nobody can tell."""
    if not hasattr(_socket, "SO_PEERCRED"):
        return None
    peer = connected.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)  # pid, uid and gid of who listens
    pid = int.from_bytes(peer[:4], sys.byteorder)
    try:
        name = os.open(f"/proc/{pid}/comm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return pid if os.read(name, len(SUPERVISOR) + 1) == SUPERVISOR else None
    finally:
        os.close(name)
