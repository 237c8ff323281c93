"""Reading a session's output while it grows.

Offsets in the file never move: past its bound the daemon punches holes in the head. So a reader that is behind skips
what is gone, counts it, and never takes a hole for a page of zeros.
"""

import errno
import os
from collections.abc import Iterator

CHUNK_BYTES = 64 * 1024


class LogFile:
    """One log, read from `position` on. A log that is not there yet reads as empty."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.position = 0
        self.skipped_bytes = 0  # no longer kept

    def read(self) -> bytes:
        """Read the next piece, at most CHUNK_BYTES; empty at the present end."""
        descriptor = self._open()
        if descriptor is None:
            return b""
        try:
            return self._read(descriptor)
        finally:
            os.close(descriptor)

    def rest(self) -> Iterator[bytes]:
        """Read up to the present end."""
        while piece := self.read():
            yield piece

    def skip_to_last(self, lines: int) -> None:
        """Move to where the last `lines` lines begin."""
        descriptor = self._open()
        if descriptor is None:
            return
        try:
            self.position = _start_of_last(lines, descriptor)
        finally:
            os.close(descriptor)

    def _open(self) -> int | None:
        try:
            return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None

    def _read(self, descriptor: int) -> bytes:
        size = os.fstat(descriptor).st_size
        if size < self.position:  # somebody emptied it: what is there now is new
            self.position = 0
        while (start := _data_from(descriptor, self.position, size)) < size:
            piece = os.pread(descriptor, CHUNK_BYTES, start)
            if _data_from(descriptor, start, size) == start:  # else it was punched away under the read
                self.skipped_bytes += start - self.position
                self.position = start + len(piece)
                return piece
        return b""


def _data_from(descriptor: int, offset: int, size: int) -> int:
    """Give the first offset from here on that holds data; the end if there is none."""
    if offset >= size:
        return size
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError as error:
        return size if error.errno == errno.ENXIO else offset  # a file system that knows no holes has none


def _start_of_last(lines: int, descriptor: int) -> int:
    """Find where the last lines begin, reading backwards; where the head is punched away, the log begins."""
    end = size = os.fstat(descriptor).st_size
    head = _data_from(descriptor, 0, size)
    ends_in_newline = size > head and os.pread(descriptor, 1, size - 1) == b"\n"
    newlines = lines + ends_in_newline
    while newlines and end > head:
        begin = max(head, end - CHUNK_BYTES)
        piece = os.pread(descriptor, end - begin, begin)
        at = len(piece)
        while (at := piece.rfind(b"\n", 0, at)) >= 0:
            newlines -= 1
            if not newlines:
                return begin + at + 1
        end = begin
    return size if lines == 0 else head
