"""How the daemon's unix socket is named, by whoever binds it and whoever connects to it.

The kernel takes 107 bytes for the address of a unix socket. A home may lie deeper than that, so a longer path is named
through a descriptor of its directory, which Linux shows in /proc. Only `os` is imported: the fast paths pay nothing.
"""

import os

from orchestrd.model.limits import SOCKET_PATH_BYTES_MAX


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
