"""The few primitives of a file system that the store is made of, and the real ones.

Everything that the store writes goes through a `Disk`, so that a simulated one can lose what was never synced. The
invariant of each primitive: when it returns, exactly what its docstring says is so, and nothing more is durable.
Whatever is opened may be hostile (a FIFO, a device, a symlink), so nothing here waits or follows.
"""

import contextlib
import errno
import os
import stat
from typing import Protocol

from orchestrd.core.layout import draft_of
from orchestrd.model.errors import FaultError, TransientError
from orchestrd.store.lock import HomeLock

# What tells that a file has changed: mode, inode, time of change in ns, size. A plain tuple, as a scan makes thousands.
Stamp = tuple[int, int, int, int]

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
_KINDS = {
    stat.S_IFREG: None,
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}
_SAFELY = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Lock(Protocol):
    """A lock that is held until it is released, or its process ends."""

    def is_still_named(self) -> bool:
        """Tell whether the next comer will find this lock: not where the home was removed, moved or replaced."""
        ...

    def release(self) -> None:
        """Let go; harmless when it was done before."""
        ...


class Tail(Protocol):
    """The growing end of one file."""

    def append(self, data: bytes) -> None:
        """Write behind the end; nothing is durable yet. After an OSError a part of it may stand there."""
        ...

    def cut(self, size: int) -> None:
        """Shorten the file to this many bytes."""
        ...

    def sync(self) -> None:
        """Make durable what was appended."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class Disk(Protocol):
    """What the store asks of a file system. All raise OSError; paths are absolute."""

    def write(self, path: str, data: bytes) -> Stamp:
        """Make a private file whose content is durable, in place of what was there; its name is not durable yet."""
        ...

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        """Read at most `limit` bytes of a regular file."""
        ...

    def tail(self, path: str) -> Tail:
        """Open a file to append to, made if missing."""
        ...

    def rename(self, source: str, target: str) -> None:
        """Give a file its name, in place of what bears it."""
        ...

    def link(self, source: str, target: str) -> None:
        """Give a file a second name; raises FileExistsError when that is taken."""
        ...

    def unlink(self, path: str) -> None:
        """Remove a name; harmless when it is gone."""
        ...

    def scan(self, directory: str) -> dict[str, Stamp]:
        """List a directory: names, and the stamps of what they name (not of what links lead to)."""
        ...

    def stamp(self, path: str) -> Stamp | None:
        """Look at one file; null when there is none."""
        ...

    def make_directory(self, path: str) -> None:
        """Make sure that a directory is there, private, and durable under its name; its parents too."""
        ...

    def sync_directory(self, path: str) -> None:
        """Make durable which names a directory holds."""
        ...

    def lock(self, path: str) -> Lock:
        """Take the lock of a home. Raises RefusedError (`already_running`, naming the pid)."""
        ...


def stamp_of(status: os.stat_result) -> Stamp:
    """Give the stamp of what was looked at."""
    return status.st_mode, status.st_ino, status.st_mtime_ns, status.st_size


def kind_of(stamp: Stamp) -> str | None:
    """Say what a stamp's file is when it is no regular one; null when it is."""
    return _KINDS.get(stat.S_IFMT(stamp[0]), "a device")


def unwritable(path: str, error: OSError) -> TransientError:
    """Say that a file could not be written, why, and what to do."""
    return TransientError(
        f"cannot write {path}: {error.strerror}",
        hint="orch status shows what is on disk; free space or repair the directory, then try again",
    )


def undecided(directory: str, error: OSError) -> FaultError:
    """Say that nobody can tell whether the names in a directory are durable."""
    return FaultError(
        f"{directory} could not be made durable: {error.strerror}; what is on disk is found out by a new start",
        hint="orch daemon start",
    )


class LocalTail:
    """The end of a file on a real disk. One descriptor for life: an error of the disk is told to those who hold one."""

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFELY
        self._descriptor = os.open(path, flags, PRIVATE_FILE)

    def append(self, data: bytes) -> None:
        _write_all(self._descriptor, data)

    def cut(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


class LocalDisk:
    """The disk that is there."""

    def write(self, path: str, data: bytes) -> Stamp:
        descriptor = _create(path)
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
            return stamp_of(os.fstat(descriptor))
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        finally:
            os.close(descriptor)

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        descriptor = os.open(path, os.O_RDONLY | _SAFELY)
        try:
            status = os.fstat(descriptor)
            if kind := kind_of(stamp_of(status)):
                raise OSError(f"{path} is {kind}")
            return os.pread(descriptor, min(limit, max(0, status.st_size - offset)), offset)
        finally:
            os.close(descriptor)

    def tail(self, path: str) -> Tail:
        return LocalTail(path)

    def rename(self, source: str, target: str) -> None:
        os.rename(source, target)

    def link(self, source: str, target: str) -> None:
        os.link(source, target, follow_symlinks=False)

    def unlink(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

    def scan(self, directory: str) -> dict[str, Stamp]:
        found: dict[str, Stamp] = {}
        with os.scandir(directory) as entries:
            for entry in entries:  # the one loop that every tick runs over every session: nothing is called but stat
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # gone between the listing and the look
                    continue
                found[entry.name] = status.st_mode, status.st_ino, status.st_mtime_ns, status.st_size
        return found

    def stamp(self, path: str) -> Stamp | None:
        try:
            return stamp_of(os.lstat(path))
        except FileNotFoundError:
            return None

    def make_directory(self, path: str) -> None:
        if not os.path.isdir(path):
            self._make_durably(path)
        mode = os.stat(path).st_mode
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        if stat.S_IMODE(mode) & ~PRIVATE_DIRECTORY:
            os.chmod(path, PRIVATE_DIRECTORY)

    def _make_durably(self, path: str) -> None:
        parent = os.path.dirname(path)
        if not os.path.isdir(parent):
            self._make_durably(parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, PRIVATE_DIRECTORY)
        self.sync_directory(parent)

    def sync_directory(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lock(self, path: str) -> Lock:
        return HomeLock(path)


LOCAL = LocalDisk()


def place(disk: Disk, path: str, data: bytes) -> None:
    """Put a file in its place, whole or not at all, and durable under its name. Raises OSError."""
    disk.write(draft_of(path), data)
    disk.rename(draft_of(path), path)
    disk.sync_directory(path.rpartition("/")[0])


def _create(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY
    try:
        return os.open(path, flags, PRIVATE_FILE)
    except FileExistsError:  # left by a crash: O_EXCL, as what bears the name now may be anything
        os.unlink(path)
        return os.open(path, flags, PRIVATE_FILE)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
