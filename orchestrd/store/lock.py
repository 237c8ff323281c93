"""One daemon per home: a lock that the kernel releases when its holder ends, however it ends.

The descriptor is not inherited, so nothing that the daemon starts can hold the home after it. The file holds the pid
for people; who really holds it is asked of the kernel where it says so, since a file may be older than its holder.
"""

import contextlib
import fcntl
import os
from pathlib import Path

from orchestrd.model.errors import RefusedError

_TRIES = 8  # each lost only if somebody replaced the file in between


class HomeLock:
    """The lock of one home, held from the moment this is made. Raises RefusedError (`already_running`)."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = _locked(path)
        with contextlib.suppress(OSError):  # a full disk takes no pid, and the lock holds all the same
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)

    def is_still_named(self) -> bool:
        """Tell whether the next comer will find this lock: not where the home was removed, moved or replaced.

        Where nobody can say (a network that is away), it is.
        """
        try:
            return _is_still_named(self._path, self._descriptor)
        except OSError:
            return True

    def release(self) -> None:
        """Let go; harmless when it was done before."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _locked(path: str) -> int:
    for _ in range(_TRIES):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _refusal(path, descriptor, error) from None
        if _is_still_named(path, descriptor):
            return descriptor
        os.close(descriptor)
    raise RefusedError(f"{path} is replaced again and again", code="already_running", hint=f"rm {path}")


def _is_still_named(path: str, descriptor: int) -> bool:
    """Tell whether the file that is locked is the one that the next comer will find."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    return False


def _refusal(path: str, descriptor: int, error: OSError) -> RefusedError:
    try:
        if not isinstance(error, BlockingIOError):
            return RefusedError(f"cannot lock {path}: {error.strerror}", hint="use a home on a local file system")
        holder = _holder(descriptor)
        return RefusedError(
            f"a daemon is already running in this home (pid {holder or 'unknown'})",
            code="already_running",
            hint="orch daemon status",
        )
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    """Name the pid of who holds the lock; the file's own word where the kernel does not say."""
    inode = str(os.fstat(descriptor).st_ino)
    with contextlib.suppress(OSError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            # 1: FLOCK ADVISORY WRITE 1234 fe:00:5678 0 EOF; one that waits has -> in front
            words = line.split()
            if words[1] == "FLOCK" and words[5].rpartition(":")[2] == inode and int(words[4]) > 0:
                return words[4]
    return os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
