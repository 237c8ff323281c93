"""Reading a home that has no daemon: what its files say, bounded and tolerant, writing nothing.

What is read is the truth: the files of sessions/ are what a daemon would start from. Events that a killed daemon had
not yet appended to the journal are taken from the records, as recovery would.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct

from orchestrd.codec import Decoded, ReadOnly, Unreadable, decode_home, encode_event, sequence_of
from orchestrd.core.layout import Layout
from orchestrd.model.limits import JOURNAL_PAGE_BYTES, RECORD_BYTES_MAX
from orchestrd.model.session import Session
from orchestrd.ports import Page, ReadOnlyRecord
from orchestrd.store.disk import LOCAL, Disk
from orchestrd.store.mending import missing
from orchestrd.store.records import read_record, record_id
from orchestrd.store.segments import read_page


class Offline(Struct, frozen=True, kw_only=True):
    """What the files of a home say. `newest_at` is when the newest record was written, null when there is none."""

    sessions: tuple[Session, ...] = ()
    read_only: tuple[ReadOnlyRecord, ...] = ()
    damaged: tuple[str, ...] = ()  # paths in sessions/ that hold no record of ours
    newest_at: datetime | None = None
    lines: tuple[bytes, ...] = ()  # the events that the records still hold, the home's with them


def read_home(layout: Layout, disk: Disk = LOCAL) -> Offline:
    """Read all records of a home; one that was never used is empty. Raises OSError when it may not be read."""
    sessions: list[Session] = []
    read_only: list[ReadOnlyRecord] = []
    damaged: list[str] = []
    lines = list(_home_lines(layout, disk))
    newest_ns = 0
    for name, stamp in sorted(_listed(layout, disk).items()):
        session = record_id(name)
        if session is None:
            continue
        match read_record(disk, layout, session, stamp):
            case Decoded(record=record):
                sessions.append(record)
                lines += map(encode_event, record.events)
                newest_ns = max(newest_ns, stamp[2])
            case ReadOnly() as found:
                read_only.append(ReadOnlyRecord(id=session, document=found.document, why=found.why))
                lines += found.lines
            case Unreadable():
                damaged.append(layout.record(session))
    return Offline(
        sessions=tuple(sessions),
        read_only=tuple(read_only),
        damaged=tuple(damaged),
        newest_at=datetime.fromtimestamp(newest_ns / 1e9, tz=UTC) if newest_ns else None,
        lines=tuple(lines),
    )


def read_events(layout: Layout, after: int, disk: Disk = LOCAL) -> Iterator[Page]:
    """Give all events above a cursor, page by page, oldest first. Raises OSError when they may not be read."""
    held = {number: line for line in read_home(layout, disk).lines if (number := sequence_of(line)) is not None}
    while (page := _page(layout, after, disk)).lines:
        yield page
        after = page.last
    for run in missing(after, held):
        gap = (after + 1, run.first - 1) if run.first > after + 1 else None
        after = run.first + len(run.lines) - 1
        yield Page(lines=run.lines, last=after, gap=gap)


def _page(layout: Layout, after: int, disk: Disk) -> Page:
    try:
        return read_page(disk, layout.journal, after, JOURNAL_PAGE_BYTES)
    except FileNotFoundError:
        return Page(lines=(), last=after)


def _listed(layout: Layout, disk: Disk) -> dict[str, tuple[int, int, int, int]]:
    try:
        return disk.scan(layout.sessions)
    except FileNotFoundError:
        return {}


def _home_lines(layout: Layout, disk: Disk) -> Iterator[bytes]:
    try:
        found = decode_home(disk.read(layout.home_record, RECORD_BYTES_MAX))
    except OSError:
        return
    if isinstance(found, Decoded):
        yield from map(encode_event, found.record.events)
