"""What a start does before anything is acted on: take the home, sweep, and make journal and records agree again.

What is read must be durable before it is acted on, so the directories are synced first. Then the journal is taken up to
the end of its longest valid beginning, the records are read, and the journal is given what they hold above it. Nothing
is rewritten and all is told apart by number alone, so a crash in the midst of it is mended by doing it again.
"""

import contextlib

from orchestrd.codec import encode_event, sequence_of
from orchestrd.core.layout import Layout
from orchestrd.model.event import Event
from orchestrd.model.ids import is_session_id
from orchestrd.model.instant import Instant
from orchestrd.model.limits import INBOX_TMP_KEPT_S
from orchestrd.store.disk import Disk, Lock
from orchestrd.store.home import HomeFile
from orchestrd.store.journal import Journal, Torn
from orchestrd.store.mending import missing
from orchestrd.store.quarantine import Quarantine
from orchestrd.store.records import Records


def take_home(disk: Disk, layout: Layout) -> Lock:
    """Make the home's directories, private, and take its lock. Raises OSError and RefusedError."""
    for directory in (layout.home, layout.run):
        disk.make_directory(directory)
    lock = disk.lock(layout.lock)
    try:
        for directory in layout.directories():
            disk.make_directory(directory)
    except OSError:
        lock.release()
        raise
    return lock


def sweep(disk: Disk, layout: Layout, now: Instant) -> None:
    """Remove what a crash left unfinished: it was acknowledged to nobody. Raises OSError."""
    for directory in (layout.home, layout.sessions, layout.prompts, layout.secrets):
        for name in disk.scan(directory):
            if name.startswith(".") and name.endswith(".tmp"):
                _remove(disk, f"{directory}/{name}")
    oldest_ns = _oldest_ns(now)
    for name, stamp in disk.scan(layout.inbox_tmp).items():
        if stamp[2] < oldest_ns:  # a younger one may be a client's that is writing it now
            _remove(disk, f"{layout.inbox_tmp}/{name}")


def forget_the_refused(disk: Disk, layout: Layout, now: Instant) -> None:
    """Remove secrets and prompts of spawns that came to nothing: no record, spoiled ones included, and no entry waits.

    Raises OSError. Young ones stay, for a client writes them first.
    """
    known = {_stem(name) for directory in (layout.sessions, layout.quarantine) for name in disk.scan(directory)}
    known.update(_stem(name).partition("-")[2] for name in disk.scan(layout.inbox_new))
    oldest_ns = _oldest_ns(now)
    for directory in (layout.secrets, layout.prompts):
        for name, stamp in disk.scan(directory).items():
            session = _stem(name)
            if is_session_id(session) and session not in known and stamp[2] < oldest_ns:
                _remove(disk, f"{directory}/{name}")


def mend(disk: Disk, layout: Layout, *, journal: Journal, records: Records, home: HomeFile) -> None:
    """Bring journal and records together. Raises OSError, and FaultError when nobody can say what is durable."""
    for directory in (layout.sessions, layout.home, layout.journal):
        disk.sync_directory(directory)
    torn = journal.open()
    held = _numbered(records.load())
    home.load(records)
    events = [event for known in records.known.values() for event in known.session.events]
    events += home.known.events if home.known else ()
    held.update(torn.lines)
    held.update(_held(events, journal.newest))
    _cut(torn, journal, records, Quarantine(layout.quarantine, disk))
    for run in missing(journal.newest, held):
        if run.first > journal.newest + 1:
            records.tell(f"the journal has lost events {journal.newest + 1} to {run.first - 1}", layout.journal)
            journal.skip_to(run.first)
        journal.append(run.lines)
    journal.sync()


def _cut(torn: Torn, journal: Journal, records: Records, quarantine: Quarantine) -> None:
    if not torn.data:
        return
    copy = None
    with contextlib.suppress(OSError):  # a full disk takes no copy; what was whole in it is in the records too
        copy = quarantine.write("journal-tail", torn.data)
    journal.cut()
    records.tell(f"the journal ended in {len(torn.data)} bytes that were not whole lines in order; they are cut", copy)


def _held(events: list[Event], tail: int) -> dict[int, bytes]:
    return {event.sequence: encode_event(event) for event in events if event.sequence > tail}


def _numbered(lines: list[bytes]) -> dict[int, bytes]:
    return {number: line for line in lines if (number := sequence_of(line)) is not None}


def _oldest_ns(now: Instant) -> int:
    """Tell since when a client may still be spooling what it has begun."""
    return int((now.at.timestamp() - INBOX_TMP_KEPT_S) * 1e9)


def _stem(name: str) -> str:
    return name.partition(".")[0]


def _remove(disk: Disk, path: str) -> None:
    with contextlib.suppress(OSError):  # a directory by that name is nothing of ours
        disk.unlink(path)
