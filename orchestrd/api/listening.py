"""The socket that the API listens on: a file of our own in the home, or one that a supervisor holds and passes on.

A file of our own is made with mode 0600 before anyone can connect. A stale one is replaced only where nothing answers
on it, and what is removed in the end is the file that was made here, and no other. A socket that was passed on belongs
to who did: its file is neither made nor removed, and who connects while no daemon runs waits there for the next one.

All of this blocks: called from a thread.
"""

import contextlib
import os
import socket
import stat
from collections.abc import Sequence

from orchestrd.endpoint import Address, supervisor_behind
from orchestrd.model.errors import RefusedError

KNOCK_S = 1.0  # whoever holds the socket has accepted or queued a connection by then


class Listener:
    """A bound unix socket and the file it made."""

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


class InheritedListener:
    """A socket that was passed on, listening, under one of these descriptors."""

    def __init__(self, path: str, descriptors: Sequence[int]) -> None:
        """Take it. Raises RefusedError (`no_socket`) when none of them listens where clients of this home look."""
        self.socket = _inherited(path, descriptors)

    def remove(self) -> None:
        """Leave the file: the next connection has the supervisor start the next daemon."""


def listener_at(path: str, descriptors: Sequence[int]) -> Listener | InheritedListener:
    """Listen on `path`: with what was passed on, if anything was, else with a file of our own. Raises RefusedError."""
    return InheritedListener(path, descriptors) if descriptors else Listener(path)


def _inherited(path: str, descriptors: Sequence[int]) -> socket.socket:
    listening = [passed for descriptor in descriptors if (passed := _taken(descriptor, path)) is not None]
    if not listening:
        raise RefusedError(
            f"the socket that systemd passed on is not {path}, where clients of this home look",
            code="no_socket",
            hint=f"ListenStream={path} in its socket unit",
        )
    return listening[0]  # no two are bound to one file


def _taken(descriptor: int, path: str) -> socket.socket | None:
    """Take a descriptor over; what does not listen at `path` is closed."""
    try:
        passed = socket.socket(fileno=descriptor)
    except OSError:  # no socket at all
        os.close(descriptor)
        return None
    if not _listens_at(passed, path):
        passed.close()
        return None
    passed.set_inheritable(False)
    return passed


def _listens_at(passed: socket.socket, path: str) -> bool:
    if passed.family != socket.AF_UNIX or not passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return False
    try:
        return os.path.samestat(os.stat(passed.getsockname()), os.stat(path))  # noqa: PTH116 - as bound, maybe as bytes
    except OSError:
        return False


def _clear(path: str) -> None:
    """Make room for our socket file. Raises RefusedError when someone answers on it."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISSOCK(mode):
        _refuse_if_held(path)
    os.unlink(path)  # noqa: PTH108 - as above


def _refuse_if_held(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock, Address(path) as address:
        knock.settimeout(KNOCK_S)
        try:
            knock.connect(address)
        except (ConnectionRefusedError, FileNotFoundError):
            return
        except (TimeoutError, BlockingIOError):
            holder = None  # its queue is full: someone is there, and busy
        else:
            holder = supervisor_behind(knock)
    if holder is None:
        raise RefusedError(f"another daemon answers on {path}", code="already_running", hint="orch daemon status")
    raise RefusedError(
        f"systemd (pid {holder}) listens on {path}, and starts the daemon of this home itself",
        code="already_running",
        hint="orch daemon start",
    )


def _identity(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino
