"""One walk over a worktree: every file of it, and a stamp that changes with any of them. It follows no link.

Invariant: what the walk does not name is not there, or is nothing that holds bytes (a socket, a FIFO). Where that
cannot be said, it raises Obstructed.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from shlex import quote
from typing import BinaryIO

import psutil

from orchestrd.model.limits import CLEAN_DEPTH_MAX, CLEAN_FILES_MAX, CLEAN_PIECE_BYTES
from orchestrd.workspaces.locating import Obstructed

BLOCK_BYTES = 512  # the unit of `st_blocks`, whatever the file system's own is

# What never changes, though its times do: objects share them with another repository where one was cloned by links, and
# the base of a split index gets new ones whenever the index is read.
OBJECTS = "/.git/objects/"
SHARED_INDEX = "sharedindex."


class Walk:
    """What lies in a directory. Paths are relative to it; `sizes` has the same keys as `modes`.

    A file with `unchanging` in its path is known by its name alone.
    Raises Obstructed for what cannot be read, is too much, or belongs to another file system.
    """

    def __init__(self, top: str, unchanging: str = OBJECTS) -> None:
        self.top = top
        self._unchanging = unchanging
        self.modes: dict[str, int] = {}  # regular files and symbolic links
        self.sizes: dict[str, int] = {}
        self.repositories: set[str] = set()  # directories below with a .git of their own
        self.disk_bytes = 0
        self._sum = 0
        self._linked: set[int] = set()
        self._device = os.lstat(top).st_dev
        refuse_mounts(top)
        waiting = [""]
        while waiting:
            waiting += self._directories_in(waiting.pop())

    @property
    def stamp(self) -> str:
        """Tell this state of the directory from any other."""
        return f"{self._sum:032x}"

    def _directories_in(self, inside: str) -> list[str]:
        """Take in one directory; gives those in it, to be walked too."""
        if inside.count("/") > CLEAN_DEPTH_MAX:
            raise Obstructed(f"it is more than {CLEAN_DEPTH_MAX} directories deep", f"ls {quote(self.top)}")
        found: list[str] = []
        try:
            with os.scandir(f"{self.top}/{inside}") as entries:
                for entry in entries:
                    path, status = inside + entry.name, entry.stat(follow_symlinks=False)
                    if path == ".git":
                        continue  # the link to its repository
                    self._take(path, status)
                    if stat.S_ISDIR(status.st_mode):
                        found.append(f"{path}/")
        except OSError as error:
            where = f"{self.top}/{inside}".rstrip("/")
            raise Obstructed(f"{where} cannot be read: {error.strerror}", f"ls -la {quote(where)}") from error
        return found

    def _take(self, path: str, status: os.stat_result) -> None:
        kind = status.st_mode
        if status.st_dev != self._device:
            raise Obstructed(
                f"another file system is mounted at {path}", f"findmnt --target {quote(f'{self.top}/{path}')}"
            )
        if path.endswith("/.git"):
            self.repositories.add(path.removesuffix("/.git"))
        is_file = stat.S_ISREG(kind) or stat.S_ISLNK(kind)
        if not (is_file or stat.S_ISDIR(kind)) and path.rpartition("/")[2].startswith(".git"):
            raise Obstructed(f"{path} is no file, and git would wait for it", f"ls -l {quote(f'{self.top}/{path}')}")
        if is_file:
            self.modes[path], self.sizes[path] = kind, status.st_size
        if len(self.modes) > CLEAN_FILES_MAX:
            raise Obstructed(f"it has more than {CLEAN_FILES_MAX:,} files", f"du --inodes -d 2 {quote(self.top)}")
        self._count(path, status)

    def _count(self, path: str, status: os.stat_result) -> None:
        if status.st_nlink == 1 or status.st_ino not in self._linked:
            self.disk_bytes += status.st_blocks * BLOCK_BYTES
        if status.st_nlink > 1:
            self._linked.add(status.st_ino)
        seen: tuple[object, ...] = (path, status.st_mode, status.st_ino)
        if (
            not stat.S_ISDIR(status.st_mode) and self._unchanging not in path
        ):  # what is in it tells of a directory's change
            seen = (*seen, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        digest = hashlib.blake2b(repr(seen).encode(errors="surrogateescape"), digest_size=16).digest()
        self._sum = (self._sum + int.from_bytes(digest)) % (1 << 128)  # in whatever order they come


def refuse_mounts(top: str) -> None:
    """Raise Obstructed where anything is mounted below; a directory may be so from the very same file system."""
    above = f"{os.path.realpath(top)}/"
    for partition in psutil.disk_partitions(all=True):
        if partition.mountpoint.startswith(above):
            inside = partition.mountpoint.removeprefix(above)
            raise Obstructed(
                f"another file system is mounted at {inside}", f"findmnt --target {quote(partition.mountpoint)}"
            )


def blob_id(path: str, mode: int, algorithm: str) -> str:
    """Give the name that git has for these very bytes, with no filter in between. Raises OSError."""
    if stat.S_ISLNK(mode):
        target = os.readlink(os.fsencode(path))
        return hashlib.new(algorithm, b"blob %d\0" % len(target) + target).hexdigest()
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        digest = hashlib.new(algorithm, b"blob %d\0" % os.fstat(file.fileno()).st_size)
        for piece in _pieces(file):
            digest.update(piece)
    return digest.hexdigest()


def git_mode(mode: int) -> str:
    """Give the mode that git has for a file."""
    if stat.S_ISLNK(mode):
        return "120000"
    return "100755" if mode & stat.S_IXUSR else "100644"


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(CLEAN_PIECE_BYTES):
        yield piece
