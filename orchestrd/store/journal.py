"""The journal's one writer: every event of the home, one line each, in the order of their numbers.

Three marks, never out of order: `synced` (durable in the journal), `written` (in the file), `newest` (known; durable in
a record). A record may forget an event once it is `synced`. Lines that could not be written wait here and are written
first when the disk takes them again; a line that was written in part is cut off before. Segments are made durable
before the next one begins, so that a crash can tear the last one only.
"""

import contextlib
from collections.abc import Mapping, Sequence

from msgspec import Struct

from orchestrd.codec import sequence_of
from orchestrd.model.errors import FaultError
from orchestrd.model.limits import JOURNAL_SEGMENT_BYTES, JOURNAL_SEGMENTS_KEPT
from orchestrd.ports import Page
from orchestrd.store.disk import Disk, Tail
from orchestrd.store.segments import consecutive, read_page, segment_name, segments_in


class Torn(Struct, frozen=True):
    """What stood behind the last whole line: all of it, and the lines in it that are whole, by number."""

    data: bytes = b""
    lines: Mapping[int, bytes] = {}


class _Edge(Struct, frozen=True):
    """Number of the last line in the file, and the lines that wait to follow it; one value, as readers are threads."""

    written: int
    waiting: tuple[bytes, ...] = ()


class Journal:
    """The journal of one home, in `directory`."""

    def __init__(self, directory: str, disk: Disk) -> None:
        self._directory = directory
        self._disk = disk
        self._segments: tuple[int, ...] = ()
        self._file: Tail | None = None
        self._size = 0  # bytes of whole lines in the last segment
        self._is_torn = False  # something may stand behind them
        self._edge = _Edge(0)
        self.synced = 0
        self.fault: FaultError | None = None  # a sync failed: nobody can say what is durable

    @property
    def newest(self) -> int:
        """Number of the newest event."""
        return self._edge.written + len(self._edge.waiting)

    def open(self) -> Torn:
        """Find the end of the longest valid beginning, and give what stands behind it. Raises OSError."""
        self._segments = segments_in(self._disk.scan(self._directory))
        if not self._segments:
            return Torn()
        first = self._segments[-1]
        stamp = self._disk.stamp(self._path(first))
        data = self._disk.read(self._path(first), stamp[3] if stamp else 0)
        lines = consecutive(data.split(b"\n")[:-1], first)
        self._size = sum(len(line) + 1 for line in lines)
        self._edge = _Edge(first + len(lines) - 1)
        self._file = self._disk.tail(self._path(first))
        rest = data[self._size :]
        return Torn(rest, _whole_lines(rest)) if rest else Torn()

    def cut(self) -> None:
        """Remove what stands behind the last whole line. Raises OSError."""
        if self._file:
            self._file.cut(self._size)

    def append(self, lines: Sequence[bytes]) -> None:
        """Take these lines in, numbered on from `newest`; they are durable in their records already."""
        self._edge = _Edge(self._edge.written, (*self._edge.waiting, *lines))
        self._write()

    def skip_to(self, number: int) -> None:
        """Go on with this number, in a segment of its own: what lies between is lost. Raises OSError or FaultError."""
        self.sync()
        self._edge = _Edge(number - 1)
        self._begin_segment()

    def sync(self) -> None:
        """Make durable what is written. Raises FaultError when nobody can say whether it is; never tried twice."""
        self._write()
        self._sync_file()

    def _sync_file(self) -> None:
        if self.fault:
            raise self.fault
        if self._file is None or self.synced == self._edge.written:
            return
        try:
            self._file.sync()
        except OSError as error:
            raise self._broken(error) from error
        self.synced = self._edge.written

    def read(self, after: int, limit_bytes: int) -> Page:
        """Read lines above a cursor, from any thread; those that still wait for the disk are read from memory."""
        edge = self._edge
        page = read_page(self._disk, self._directory, after, limit_bytes)
        if page.lines or after < edge.written or not edge.waiting:
            return page
        lines = edge.waiting[after - edge.written :]
        return Page(lines=lines, last=after + len(lines))

    def close(self) -> None:
        """Let go of the file."""
        if self._file:
            self._file.close()
            self._file = None

    def _write(self) -> None:
        """Write what waits. What cannot be written now waits on: a full disk loses nothing."""
        if not self._edge.waiting:
            return
        if self._file is None or self._size >= JOURNAL_SEGMENT_BYTES:
            with contextlib.suppress(OSError, FaultError):
                self._rotate()
        if self._file is None:
            return
        data = b"".join(line + b"\n" for line in self._edge.waiting)
        with contextlib.suppress(OSError):
            if self._is_torn:
                self._file.cut(self._size)
            self._is_torn = True
            self._file.append(data)
            self._is_torn = False
            self._size += len(data)
            self._edge = _Edge(self.newest)

    def _rotate(self) -> None:
        self._sync_file()
        self._begin_segment()
        for old in self._segments[:-JOURNAL_SEGMENTS_KEPT]:
            self._disk.unlink(self._path(old))
        self._segments = self._segments[-JOURNAL_SEGMENTS_KEPT:]

    def _begin_segment(self) -> None:
        first = self._edge.written + 1
        file = self._disk.tail(self._path(first))
        self.close()
        self._file, self._size = file, 0
        self._segments = (*(old for old in self._segments if old < first), first)
        try:
            self._disk.sync_directory(self._directory)
        except OSError as error:
            raise self._broken(error) from error

    def _broken(self, error: OSError) -> FaultError:
        self.fault = FaultError(
            f"the journal in {self._directory} could not be made durable: {error.strerror}",
            hint="orch daemon start",
        )
        return self.fault

    def _path(self, first: int) -> str:
        return f"{self._directory}/{segment_name(first)}"


def _whole_lines(rest: bytes) -> dict[int, bytes]:
    lines = rest.split(b"\n")[:-1]
    return {number: line for line in lines if (number := sequence_of(line)) is not None}
