"""A disk that knows what was never synced, and can lose it: by a power cut, at any step, in any part.

Theory. Beside what a process sees (`MemoryDisk`) it keeps what is on the platter: the names that a sync of their
directory has made durable, and the content that a sync of the file has. A power cut leaves the platter, and of the rest
whatever chance decides: of the changes of names a beginning, or any of them; of unsynced content all, nothing, a torn
part, or zeros. A kill leaves all that was written, and it is still unsynced.
"""

import copy
import errno
import os
import random
from collections import Counter
from dataclasses import dataclass
from typing import Self

from orchestrd.store.disk import Stamp, Tail
from orchestrd.store.memory import MemoryDisk, MemoryFile, MemoryTail


@dataclass
class Change:
    """One change of names: what it takes away, what it gives, and to which file. Data, so that a disk can be copied."""

    gone: str | None
    given: str | None
    file: MemoryFile

    def touches(self, directory: str) -> bool:
        """Tell whether a sync of this directory makes it durable."""
        return any(path and path.rpartition("/")[0] == directory for path in (self.gone, self.given))

    def apply(self, names: dict[str, MemoryFile]) -> None:
        """Do it."""
        if self.gone:
            names.pop(self.gone, None)
        if self.given:
            names[self.given] = self.file


class Crash(BaseException):
    """The process is gone; nothing that it wanted to do next is done."""


class SimTail(MemoryTail):
    """A growing end that is torn where it is interrupted."""

    _disk: "SimDisk"

    def append(self, data: bytes) -> None:
        try:
            self._disk.step("append")
        except (Crash, OSError):
            super().append(data[: len(data) // 2])
            raise
        super().append(data)

    def cut(self, size: int) -> None:
        self._disk.step("cut")
        super().cut(size)

    def sync(self) -> None:
        self._disk.step("sync file")
        self._disk.synced[self._file.number] = self._file.content


class SimDisk(MemoryDisk):
    """A memory disk with a platter."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, MemoryFile] = {}  # on the platter
        self.synced: dict[int, bytes] = {}  # content on the platter, by the file's number
        self.pending: list[Change] = []
        self.counts: Counter[str] = Counter()
        self.crash_after: int | None = None  # steps from now
        self.fail_after: int | None = None

    def step(self, kind: str) -> None:
        """Count one act; here it may all end, or the disk be full."""
        self.counts[kind] += 1
        if self.crash_after is not None:
            self.crash_after -= 1
            if self.crash_after < 0:
                raise Crash(kind)
        if self.fail_after is not None:
            self.fail_after -= 1
            if self.fail_after < 0:
                self.fail_after = None
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write(self, path: str, data: bytes) -> Stamp:
        self.step("create")
        super().write(path, data[: len(data) // 2])
        file = self._file(path)
        self.pending.append(Change(None, path, file))
        self.step("sync file")
        self.change(file, data)
        self.synced[file.number] = data
        return file.stamp

    def tail(self, path: str) -> Tail:
        if self.stamp(path) is None:
            self.step("create")
            super().tail(path)
            self.pending.append(Change(None, path, self._file(path)))
        return SimTail(self, self._file(path))

    def rename(self, source: str, target: str) -> None:
        self.step("rename")
        file = self._file(source)
        super().rename(source, target)
        self.pending.append(Change(source, target, file))

    def link(self, source: str, target: str) -> None:
        self.step("link")
        super().link(source, target)
        self.pending.append(Change(None, target, self._file(target)))

    def unlink(self, path: str) -> None:
        self.step("unlink")
        if self.stamp(path):
            self.pending.append(Change(path, None, self._file(path)))
        super().unlink(path)

    def sync_directory(self, path: str) -> None:
        self.step("sync directory")
        super().sync_directory(path)
        for change in self.pending:
            if change.touches(path):
                change.apply(self.names)
        self.pending = [change for change in self.pending if not change.touches(path)]

    def killed(self) -> Self:
        """Give what the next process finds when this one is killed."""
        disk = copy.deepcopy(self)
        disk.locked.clear()
        disk.counts.clear()
        disk.crash_after = disk.fail_after = None
        return disk

    def after_power_cut(self, chance: random.Random, *, reorders: bool) -> Self:
        """Give what is on the platter when the power comes back."""
        disk = type(self)()
        disk.directories = {directory: {} for directory in self.directories}
        names = dict(self.names)
        for change in self._surviving(chance, reorders=reorders):
            change.apply(names)
        for path, file in names.items():
            content = self._fate(file, chance)
            super(SimDisk, disk).write(path, content)
            copied = disk._file(path)
            disk.names[path], disk.synced[copied.number] = copied, content
        return disk

    def _surviving(self, chance: random.Random, *, reorders: bool) -> list[Change]:
        if reorders:
            return [change for change in self.pending if chance.random() < 0.5]
        return self.pending[: chance.randint(0, len(self.pending))]

    def _fate(self, file: MemoryFile, chance: random.Random) -> bytes:
        platter, written = self.synced.get(file.number, b""), file.content
        if platter == written or not written.startswith(platter):  # a cut that was not synced is done or not
            return chance.choice((platter, written))
        kept = written[: chance.randint(len(platter), len(written))]
        return chance.choice((platter, written, kept, kept + b"\0" * (len(written) - len(kept))))
