"""Where files go that are not what they should be: whole, under a name of their own, never deleted.

A file is linked there when something takes its place next, so that at no moment its name leads nowhere; it is moved
when nothing does, or when it cannot be linked (a directory, a file of another user).
"""

import contextlib
import re

from orchestrd.store.disk import Disk

_STRANGE = re.compile(r"[^A-Za-z0-9._-]")
_NAME_CHARS_MAX = 100
_TRIES = 1_000


class Quarantine:
    """One home's quarantine directory."""

    def __init__(self, directory: str, disk: Disk) -> None:
        self._directory = directory
        self._disk = disk
        self._count = 0

    def count(self) -> int:
        """Tell how many files lie here, whoever put them here; none where nobody can say."""
        with contextlib.suppress(OSError):
            return len(self._disk.scan(self._directory))
        return 0

    def keep(self, path: str) -> str:
        """Give the file a second name in here, to be replaced by the caller; returns that. Raises OSError."""
        target = self._free(path)
        try:
            self._disk.link(path, target)
        except OSError:
            self._disk.rename(path, target)
        self._disk.sync_directory(self._directory)
        return target

    def move(self, path: str) -> str:
        """Take the file away from where it is; returns where it is now. Raises OSError."""
        target = self._free(path)
        self._disk.rename(path, target)
        self._disk.sync_directory(self._directory)
        return target

    def write(self, name: str, data: bytes) -> str:
        """Keep bytes that were cut out of a file of ours; returns where they are. Raises OSError."""
        target = self._free(name)
        self._disk.write(target, data)
        self._disk.sync_directory(self._directory)
        return target

    def _free(self, path: str) -> str:
        """Give a name that nothing bears: what the file was called, as far as that can be shown, and a number."""
        name = _STRANGE.sub("_", path.rpartition("/")[2])[:_NAME_CHARS_MAX]
        self._disk.make_directory(self._directory)
        self._count = self._count or len(self._disk.scan(self._directory))
        for _ in range(_TRIES):
            self._count += 1
            target = f"{self._directory}/{name}.{self._count}"
            if self._disk.stamp(target) is None:
                return target
        raise FileExistsError(f"{self._directory} has no free name for {name}")
