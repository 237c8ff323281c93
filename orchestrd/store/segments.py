"""Reading the journal: bounded segments of whole lines, each named by the number of its first.

Inside a segment numbers rise by one; between two of them numbers may be missing, and that is a gap. A reader keeps no
place in any file: it finds its cursor by bisection, which costs some tens of small reads however long the journal is.
So any number of readers may read, in any thread or process, while the one writer appends and removes old segments. What
is not a whole line with the next number is not there yet, or was torn by a crash: the journal ends before it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from orchestrd.codec import sequence_of
from orchestrd.model.limits import JOURNAL_SEGMENT_BYTES, SEQUENCE_MAX
from orchestrd.ports import Page
from orchestrd.store.disk import Disk

_DIGITS = 20
_SUFFIX = ".jsonl"
_LOOK_BYTES = 4 * 1024  # most lines are shorter than a tenth of it
_LINE_BYTES_MAX = JOURNAL_SEGMENT_BYTES
_TRIES = 8  # each lost only if the segment was removed in between, being the oldest


def segment_name(first: int) -> str:
    """Name the segment that begins with this number."""
    return f"{first:0{_DIGITS}d}{_SUFFIX}"


def segments_in(names: Iterable[str]) -> tuple[int, ...]:
    """Give the first numbers of the segments among these names, oldest first."""
    stems = [name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)]
    return tuple(sorted(int(stem) for stem in stems if len(stem) == _DIGITS and stem.isascii() and stem.isdigit()))


def read_page(disk: Disk, directory: str, after: int, limit_bytes: int) -> Page:
    """Read lines with numbers above `after`, about `limit_bytes` of them and at least one if there is any.

    Raises OSError when the journal cannot be read.
    """
    for _ in range(_TRIES):
        try:
            return _page(disk, directory, segments_in(disk.scan(directory)), after, limit_bytes)
        except FileNotFoundError:
            continue
    return Page(lines=(), last=after)


def _page(disk: Disk, directory: str, segments: Sequence[int], after: int, limit_bytes: int) -> Page:
    place = max(0, bisect_right(segments, after + 1) - 1)
    for first in segments[place:]:
        path = f"{directory}/{segment_name(first)}"
        lines = _lines_after(disk, path, after, limit_bytes)
        begins = sequence_of(lines[0]) if lines else None
        if begins is not None:
            gap = (after + 1, begins - 1) if begins > after + 1 else None
            return Page(lines=lines, last=begins + len(lines) - 1, gap=gap)
    return Page(lines=(), last=after)


def _lines_after(disk: Disk, path: str, after: int, limit_bytes: int) -> tuple[bytes, ...]:
    """Give whole lines of one segment, of consecutive numbers, all above `after`."""
    stamp = disk.stamp(path)
    if stamp is None:
        raise FileNotFoundError(path)
    offsets = range(stamp[3] + 1)
    at = bisect_left(offsets, after + 1, key=lambda offset: _line_from(disk, path, offset)[1])
    start, number = _line_from(disk, path, at)
    while number <= after:  # written since the bisection looked there
        start, number = _line_from(disk, path, start + 1)
    while True:
        data = disk.read(path, limit_bytes, start)
        whole = data[: data.rfind(b"\n") + 1]
        if whole or len(data) < limit_bytes or limit_bytes >= _LINE_BYTES_MAX:
            return consecutive(whole.split(b"\n")[:-1])
        limit_bytes *= 4  # one line is longer than the limit


def _line_from(disk: Disk, path: str, offset: int) -> tuple[int, int]:
    """Find the first line that begins here or further on: where, and its number; beyond all when there is none."""
    begin = max(0, offset - 1)  # the newline that ends the line before
    size = _LOOK_BYTES
    while True:
        data = disk.read(path, size, begin)
        start = data.find(b"\n") + 1 if offset else 0
        end = data.find(b"\n", start) if start or not offset else -1
        if end >= 0:
            number = sequence_of(data[start:end])
            return begin + start, SEQUENCE_MAX + 1 if number is None else number
        if len(data) < size or size >= _LINE_BYTES_MAX:
            return begin + len(data), SEQUENCE_MAX + 1
        size *= 4


def consecutive(lines: Sequence[bytes], first: int | None = None) -> tuple[bytes, ...]:
    """Give the longest beginning of these lines whose numbers rise by one, from `first` if that is given."""
    expected = first
    for index, line in enumerate(lines):
        number = sequence_of(line)
        if number is None or (expected is not None and number != expected):
            return tuple(lines[:index])
        expected = number + 1
    return tuple(lines)
