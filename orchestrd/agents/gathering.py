"""Reads what agents write down themselves: a state file as a whole, a transcript from where the last look ended.

Invariants: only regular files are read, bounded bytes a look, without following a last link and without blocking the
loop: all of it happens on one thread, and a disk that does not answer costs a look its files and GATHER_S. What cannot
be read says nothing. A transcript is given in whole lines, each once; of more than one look can hold only the end.

Offsets count on when another file takes a transcript's place (it was rewritten, or the agent began another
conversation): what a session has recorded of them never goes back, and what is new is read from its beginning.
"""

import asyncio
import os
import re
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from orchestrd.core.layout import Layout
from orchestrd.core.lines import whole_lines
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import GATHER_S, STATE_BYTES_MAX, TRANSCRIPT_FOLDERS_MAX, TRANSCRIPT_READ_BYTES_MAX
from orchestrd.model.run import Gathered, Wanted

_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class FileGatherer:
    """Remembers for each run where its files lie and what they held; losing that costs nothing but another look."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gatherer")
        self._reading: asyncio.Future[list[Gathered]] | None = None
        self._states: dict[tuple[SessionId, int], WholeFile] = {}
        self._transcripts: dict[tuple[SessionId, int], GrowingFile] = {}

    async def gather(self, wanted: Sequence[Wanted]) -> Sequence[Gathered]:
        try:
            async with asyncio.timeout(GATHER_S):
                return await self._gathered(tuple(wanted))
        except TimeoutError:
            return [Gathered(transcript_offset=want.transcript_offset) for want in wanted]

    def forget(self, session: SessionId, generation: int) -> None:
        self._states.pop((session, generation), None)
        self._transcripts.pop((session, generation), None)

    async def _gathered(self, wanted: tuple[Wanted, ...]) -> list[Gathered]:
        """Read after who reads already: behind a disk that hangs others wait here, where they can be given up."""
        while self._reading is not None and not self._reading.done():
            await asyncio.wait([self._reading])
        self._reading = asyncio.get_running_loop().run_in_executor(self._thread, self._read_all, wanted)
        return await asyncio.shield(self._reading)

    def _read_all(self, wanted: tuple[Wanted, ...]) -> list[Gathered]:
        return [self._read(want) for want in wanted]

    def _read(self, want: Wanted) -> Gathered:
        run, files = (want.session, want.generation), want.files
        state, lines, offset = None, tuple[bytes, ...](), want.transcript_offset
        if files.state is not None:
            state = self._states.setdefault(run, WholeFile()).read(self._place(want, files.state))
        if files.transcript is not None:
            path = self._place(want, files.transcript)
            lines, offset = self._transcripts.setdefault(run, GrowingFile()).read(path, offset)
        return Gathered(state=state, transcript_lines=lines, transcript_offset=offset)

    def _place(self, want: Wanted, path: str) -> str:
        here = path.startswith("/")
        return path if here else f"{self._layout.run_directory(want.session, want.generation)}/{path}"


class WholeFile:
    """A small file that is replaced or rewritten at each change; while it stays as it was, a look costs one `lstat`.

    Two writes within one step of the file system's clock may look the same. So what was read is read once more at the
    next look before it is relied upon.
    """

    def __init__(self) -> None:
        self._seen: tuple[object, ...] | None = None
        self._is_certain = False
        self._content: bytes | None = None

    def read(self, path: str) -> bytes | None:
        """Give what the file holds, null when it is not there, no file, or too large to be one of ours."""
        found = _regular(path)
        if found is None or found.st_size > STATE_BYTES_MAX:
            self._seen = self._content = None
            return None
        seen = (path, found.st_ino, found.st_size, found.st_mtime_ns)
        if seen != self._seen or not self._is_certain:
            self._is_certain = seen == self._seen
            self._seen, self._content = seen, _read(path, 0, STATE_BYTES_MAX)
        return self._content


class GrowingFile:
    """A file that grows by lines. Its folder is looked for until it is there, and then known."""

    def __init__(self) -> None:
        self._pattern: str | None = None
        self._path: str | None = None
        self._inode: int | None = None
        self._origin = 0  # the offset at which this file begins

    def read(self, pattern: str, offset: int) -> tuple[tuple[bytes, ...], int]:
        """Give the whole lines that are new behind `offset`, and where to go on from."""
        self._turn_to(pattern, offset)
        self._path = self._path or find(pattern)
        found = None if self._path is None else _regular(self._path)
        if self._path is None or found is None:
            self._path = None
            return (), offset
        if self._is_another(found, offset - self._origin):
            self._origin = offset
        self._inode = found.st_ino
        start = offset - self._origin
        if found.st_size == start:
            return (), offset
        lines, end = _fresh_lines(self._path, max(start, found.st_size - TRANSCRIPT_READ_BYTES_MAX))
        return lines, self._origin + max(start, end)

    def _turn_to(self, pattern: str, offset: int) -> None:
        if pattern != self._pattern:
            self._origin = 0 if self._pattern is None else offset
            self._pattern, self._path, self._inode = pattern, None, None

    def _is_another(self, found: os.stat_result, start: int) -> bool:
        is_replaced = self._inode is not None and found.st_ino != self._inode
        return is_replaced or not 0 <= start <= found.st_size


def find(pattern: str) -> str | None:
    """Find the file of a path in which `*` stands for any part of a name; of several the one that was written last."""
    if "*" not in pattern:
        return pattern
    places = [""]
    for part in pattern.split("/")[1:]:
        named = (f"{place}/{name}" for place in places for name in _names(place, part))
        places = list(islice(named, TRANSCRIPT_FOLDERS_MAX))
    found = [(kept.st_mtime_ns, path) for path in places if (kept := _regular(path)) is not None]
    return max(found)[1] if found else None


def _names(folder: str, part: str) -> Iterator[str]:
    """Give the names in a folder that are meant by a part of a path."""
    if "*" not in part:
        yield part
        return
    meant = re.compile(".*".join(map(re.escape, part.split("*"))), re.DOTALL)
    try:
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries if meant.fullmatch(entry.name))
    except OSError:
        return


def _regular(path: str) -> os.stat_result | None:
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _fresh_lines(path: str, start: int) -> tuple[tuple[bytes, ...], int]:
    before = min(start, 1)  # one byte back: it tells whether a line begins here
    data = _read(path, start - before, TRANSCRIPT_READ_BYTES_MAX + before)
    if not data:
        return (), start
    return whole_lines(data, before, start, read_max=TRANSCRIPT_READ_BYTES_MAX, line_max=TRANSCRIPT_READ_BYTES_MAX)


def _read(path: str, offset: int, size: int) -> bytes | None:
    """Read a part of a file; null when it cannot be, or is no plain file (any more)."""
    try:
        file = os.open(path, _READING)
    except OSError:
        return None
    try:
        return os.pread(file, size, offset) if stat.S_ISREG(os.fstat(file).st_mode) else None
    except OSError:
        return None
    finally:
        os.close(file)
