"""The store in memory: the same store, on a disk that is a dictionary, for whatever must run without a real one.

It keeps the promises of `Disk` and nothing of the machine: inodes and times are a count of changes, so that two runs of
the same program see the same. A process that is killed leaves its disk as it was: `survivor` is that disk for the next
one, out of reach of the dead.
"""

import copy
import errno
import os
import stat

from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError
from orchestrd.store.disk import PRIVATE_DIRECTORY, PRIVATE_FILE, Stamp, Tail
from orchestrd.store.files import FileStore

HOME = "/home/of/nobody"


class MemoryFile:
    """The content of one file, whatever its names are."""

    def __init__(self, number: int, content: bytes) -> None:
        self.number = number
        self.changed_at = number
        self.content = content

    @property
    def stamp(self) -> Stamp:
        """Give what a scan sees of it."""
        return stat.S_IFREG | PRIVATE_FILE, self.number, self.changed_at, len(self.content)


class MemoryTail:
    """The end of a file in memory."""

    def __init__(self, disk: "MemoryDisk", file: MemoryFile) -> None:
        self._disk = disk
        self._file = file

    def append(self, data: bytes) -> None:
        self._disk.change(self._file, self._file.content + data)

    def cut(self, size: int) -> None:
        self._disk.change(self._file, self._file.content[:size])

    def sync(self) -> None:
        """Nothing to do: there is no power to be cut."""

    def close(self) -> None:
        """Nothing is held."""


class MemoryLock:
    """A lock within one disk."""

    def __init__(self, disk: "MemoryDisk", path: str) -> None:
        self._disk = disk
        self._path = path

    def is_still_named(self) -> bool:
        return self._path in self._disk.locked

    def release(self) -> None:
        self._disk.locked.discard(self._path)


class MemoryDisk:
    """Directories of names of files."""

    def __init__(self) -> None:
        self.directories: dict[str, dict[str, MemoryFile]] = {}
        self.locked: set[str] = set()
        self._changes = 0

    def survivor(self) -> "MemoryDisk":
        """Give the disk as the next process finds it; what the dead one still writes does not reach it."""
        disk = copy.deepcopy(self)
        disk.locked.clear()
        return disk

    def change(self, file: MemoryFile, content: bytes) -> None:
        """Put another content into a file."""
        file.content, file.changed_at = content, self._next()

    def write(self, path: str, data: bytes) -> Stamp:
        file = MemoryFile(self._next(), data)
        self._bind(path, file)
        return file.stamp

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        return self._file(path).content[offset : offset + limit]

    def tail(self, path: str) -> Tail:
        if self.stamp(path) is None:
            self._bind(path, MemoryFile(self._next(), b""))
        return MemoryTail(self, self._file(path))

    def rename(self, source: str, target: str) -> None:
        self._bind(target, self._file(source))
        directory, _, name = source.rpartition("/")
        del self._names(directory)[name]

    def link(self, source: str, target: str) -> None:
        if self.stamp(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        self._bind(target, self._file(source))

    def unlink(self, path: str) -> None:
        directory, _, name = path.rpartition("/")
        self._names(directory).pop(name, None)

    def scan(self, directory: str) -> dict[str, Stamp]:
        found = {name: file.stamp for name, file in list(self._names(directory).items())}  # others may write meanwhile
        return self._directories_in(directory) | found

    def stamp(self, path: str) -> Stamp | None:
        directory, _, name = path.rpartition("/")
        file = self.directories.get(directory, {}).get(name)
        return file.stamp if file else None

    def make_directory(self, path: str) -> None:
        self.directories.setdefault(path, {})

    def sync_directory(self, path: str) -> None:
        self._names(path)

    def lock(self, path: str) -> MemoryLock:
        if path in self.locked:
            raise RefusedError("a daemon is already running in this home (pid unknown)", code="already_running")
        self.locked.add(path)
        return MemoryLock(self, path)

    def _directories_in(self, directory: str) -> dict[str, Stamp]:
        """A directory is as old as the newest change in it."""
        found: dict[str, Stamp] = {}
        for path, names in list(self.directories.items()):
            above, _, name = path.rpartition("/")
            if above == directory:
                changed_at = max((file.changed_at for file in list(names.values())), default=0)
                found[name] = stat.S_IFDIR | PRIVATE_DIRECTORY, 0, changed_at, 0
        return found

    def _bind(self, path: str, file: MemoryFile) -> None:
        directory, _, name = path.rpartition("/")
        self._names(directory)[name] = file

    def _file(self, path: str) -> MemoryFile:
        directory, _, name = path.rpartition("/")
        file = self._names(directory).get(name)
        if file is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return file

    def _names(self, directory: str) -> dict[str, MemoryFile]:
        names = self.directories.get(directory)
        if names is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), directory)
        return names

    def _next(self) -> int:
        self._changes += 1
        return self._changes


class MemoryStore(FileStore):
    """A store that forgets all with its `disk`."""

    def __init__(self, disk: MemoryDisk | None = None) -> None:
        self.disk = disk or MemoryDisk()
        self.layout = Layout(HOME)
        super().__init__(self.layout, self.disk)

    def survivor(self) -> "MemoryStore":
        """Give the store of the next process, after this one was killed."""
        return MemoryStore(self.disk.survivor())
