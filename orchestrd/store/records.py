"""The records of one home as they stand on disk, with the only cached copy of them.

A file is looked at again when its stamp differs from the one last dealt with, so a scan in which nothing has changed is
one listing and one comparison. The cache holds, for each record, exactly what our last commit made or what was read at
start; whatever else is found in its place was put there by another hand and becomes a `Drift`: adopted when it is a
valid record of a higher revision that leaves the session its run, else kept in quarantine, our last commit written
again.

At start nothing is known of our last commit but the digest that it left in the file. A valid record without the right
one was edited or dropped in while no daemon ran, and is adopted whatever its revision: there is nothing to put in its
place. An end that it claims is not believed where the run may live: the session is lost, and the next probe decides.
One that the disk does not give at that moment is no spoiled one: its session may live, so no daemon starts without it.
"""

import contextlib
import errno

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.codec import Decoded, ReadOnly, Unreadable, decode_session, encode_event, encode_record
from orchestrd.core.adoption import takes_run, unproven
from orchestrd.core.layout import Layout, draft_of
from orchestrd.core.overlay import Overlay
from orchestrd.model.errors import RefusedError, TransientError
from orchestrd.model.ids import SessionId, is_session_id
from orchestrd.model.limits import DRIFTS_MAX, RECORD_BYTES_MAX
from orchestrd.model.session import Session
from orchestrd.ports import Drift, ReadOnlyRecord, Scan
from orchestrd.store.disk import Disk, Stamp, kind_of, undecided
from orchestrd.store.quarantine import Quarantine

_SUFFIX = ".json"
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOENT})  # says nothing about the file
_WITHHELD = frozenset(
    {errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.ETIMEDOUT}
)  # nor does this, for longer


class Withheld(Unreadable, frozen=True):
    """What the disk does not give: that says nothing of what is in it."""


Found = Decoded[Session] | ReadOnly | Unreadable


class Known(Struct, frozen=True):
    """One record as it was last committed or read, and what else its file holds."""

    session: Session
    overlay: Overlay | None


def record_id(name: str) -> SessionId | None:
    """Give the id that the name of a file in sessions/ stands for; null when it is none of ours."""
    stem = name.removesuffix(_SUFFIX)
    return SessionId(stem) if name.endswith(_SUFFIX) and is_session_id(stem) else None


def read_record(disk: Disk, layout: Layout, session: SessionId, stamp: Stamp) -> Found:
    """Read one file of sessions/, however hostile. Raises OSError when that says nothing about the file."""
    if kind := kind_of(stamp):
        return Unreadable(f"it is {kind}")
    if stamp[3] > RECORD_BYTES_MAX:
        return Unreadable(f"it has {stamp[3]} bytes; a record has at most {RECORD_BYTES_MAX}")
    try:
        return decode_session(disk.read(layout.record(session), RECORD_BYTES_MAX), session, layout.log(session))
    except OSError as error:
        if error.errno in _PASSING:
            raise
        kind_of_failure = Withheld if error.errno in _WITHHELD else Unreadable
        return kind_of_failure(f"it cannot be read: {error.strerror or error}")


class Records:
    """The sessions directory of one home."""

    def __init__(self, layout: Layout, disk: Disk, quarantine: Quarantine) -> None:
        self._layout = layout
        self._disk = disk
        self._quarantine = quarantine
        self._seen: dict[str, Stamp] = {}  # by name: what was last dealt with
        self._drifts: list[Drift] = []
        self._told: list[ReadOnlyRecord] = []
        self._gone: list[SessionId] = []
        self.known: dict[SessionId, Known] = {}
        self.read_only: set[SessionId] = set()

    def load(self) -> list[bytes]:
        """Read every record at start; gives the events, as lines, of those that are not known now.

        Raises OSError, and RefusedError (`home_unusable`) where the disk does not give one: its session may live.
        """
        lines: list[bytes] = []
        for name, stamp in sorted(self._disk.scan(self._layout.sessions).items()):
            session = record_id(name)
            if session is None:
                self._look(name, stamp)
                continue
            try:
                found = read_record(self._disk, self._layout, session, stamp)
            except FileNotFoundError:  # gone since it was listed
                continue
            if isinstance(found, Withheld):
                raise _without(self._layout.record(session), found)
            if isinstance(found, Decoded) and not found.is_edited:
                self._take(session, found, stamp)
            elif len(self._drifts) < DRIFTS_MAX:  # what is left over is dealt with by the next scan
                self._deal(session, found, stamp)
            if isinstance(found, ReadOnly):
                lines += found.lines
            elif isinstance(found, Decoded) and found.is_edited:  # most likely ours, before the edit
                lines += map(encode_event, found.record.events)
        return lines

    def scan(self) -> None:
        """Deal with what has changed since the last look, at most DRIFTS_MAX drifts of it.

        Raises TransientError when the directory cannot be listed.
        """
        try:
            found = self._disk.scan(self._layout.sessions)
        except OSError as error:
            raise TransientError(
                f"cannot list {self._layout.sessions}: {error.strerror}", hint=f"ls -ld {self._layout.sessions}"
            ) from error
        if found == self._seen:
            return
        for name in sorted(found.keys() | self._seen.keys()):
            if found.get(name) != self._seen.get(name) and len(self._drifts) < DRIFTS_MAX:
                self._look(name, found.get(name))

    def taken(self) -> Scan:
        """Give what was found since this was last asked."""
        scan = Scan(drifts=tuple(self._drifts), read_only=tuple(self._told), read_only_gone=tuple(self._gone))
        self._drifts, self._told, self._gone = [], [], []
        return scan

    def tell(self, error: str, path: str | None, session: SessionId | None = None) -> None:
        """Have the next scan tell that something was rejected."""
        self._drifts.append(Drift(session=session, replaced=None, error=error, path=path))

    def settle(self, session: SessionId) -> None:
        """Before a record is written: deal with what another hand put in its place since the last look.

        Raises OSError when that cannot be: what is not kept is not written over.
        """
        name = session + _SUFFIX
        stamp = self._disk.stamp(self._layout.record(session))
        if stamp != self._seen.get(name):
            self._deal_with(name, stamp)

    def committed(self, session: Session, overlay: Overlay | None, stamp: Stamp) -> None:
        """Take in what a commit of ours has made."""
        self._take(session.id, Decoded(session, overlay), stamp)

    def forget(self, session: SessionId) -> None:
        """Drop a record that we have moved away."""
        self.known.pop(session, None)
        self._seen.pop(session + _SUFFIX, None)

    def _take(self, session: SessionId, found: Decoded[Session], stamp: Stamp) -> None:
        self.known[session] = Known(found.record, found.overlay)
        self._seen[session + _SUFFIX] = stamp

    def _look(self, name: str, stamp: Stamp | None) -> None:
        """Deal with one name of sessions/; when that fails, nothing is marked and the next scan tries again."""
        with contextlib.suppress(OSError):
            self._deal_with(name, stamp)

    def _deal_with(self, name: str, stamp: Stamp | None) -> None:
        session = record_id(name)
        if session is None:
            self._look_at_foreign(name, stamp)
        elif stamp is None:
            self._look_at_nothing(session)
        else:
            self._deal(session, read_record(self._disk, self._layout, session, stamp), stamp)

    def _look_at_foreign(self, name: str, stamp: Stamp | None) -> None:
        """Leave it alone: it may be half of somebody's edit. Told once, and not at all where names come and go."""
        if stamp is None:
            self._seen.pop(name, None)
            return
        if name not in self._seen and not name.startswith(".") and not name.endswith("~"):
            shown = name.encode("utf-8", "backslashreplace").decode()
            self.tell(f"{shown!r} in sessions/ is no session's record; it is left alone", None)
        self._seen[name] = stamp

    def _look_at_nothing(self, session: SessionId) -> None:
        if session in self.known:
            self._restore(session, is_there=False)
            self.tell(f"the record of {session} was deleted by another hand; it is written again", None, session)
            return
        self._seen.pop(session + _SUFFIX, None)
        self._no_longer_read_only(session)

    def _deal(self, session: SessionId, found: Found, stamp: Stamp) -> None:
        if isinstance(found, Decoded):
            self._deal_with_valid(session, found, stamp)
        elif isinstance(found, ReadOnly) and session not in self.known:
            self._show(session, found, stamp)
        else:
            self._reject(session, found.why, stamp)

    def _deal_with_valid(self, session: SessionId, found: Decoded[Session], stamp: Stamp) -> None:
        known = self.known.get(session)
        if known and (found.record, found.overlay) == (known.session, known.overlay):
            self._take(session, found, stamp)
        elif known and found.record.revision <= known.session.revision:
            why = f"its revision {found.record.revision} is not above the last committed one, {known.session.revision}"
            self._reject(session, why, stamp)
        elif known and takes_run(found.record, known.session):
            self._reject(session, f"it would take its run from it; to end it: orch stop {session}", stamp)
        else:
            self._adopt(session, found, stamp)

    def _adopt(self, session: SessionId, found: Decoded[Session], stamp: Stamp) -> None:
        """Take their record for stored; event numbers are ours alone, so those that we hold stay and theirs do not."""
        known = self.known.get(session)
        record = replace(found.record, events=known.session.events if known else ())
        if known is None and found.is_edited and self._may_run(record):
            record = unproven(record)
        self._take(session, Decoded(record, found.overlay), stamp)
        self._no_longer_read_only(session)
        self._drifts.append(Drift(session=session, replaced=record, error=None, path=None))

    def _may_run(self, record: Session) -> bool:
        """Tell whether anything was ever launched: its order is in the run's directory before it is."""
        return self._disk.stamp(self._layout.run_directory(record.id, record.generation)) is not None

    def _show(self, session: SessionId, found: ReadOnly, stamp: Stamp) -> None:
        self.read_only.add(session)
        self._told.append(ReadOnlyRecord(id=session, document=found.document, why=found.why))
        self._seen[session + _SUFFIX] = stamp

    def _no_longer_read_only(self, session: SessionId) -> None:
        if session in self.read_only:
            self.read_only.discard(session)
            self._gone.append(session)

    def _reject(self, session: SessionId, why: str, stamp: Stamp) -> None:
        """Keep what was found; in its place stands our last commit, or nothing when there is none."""
        if session in self.known:
            copy = self._restore(session, is_there=True)
            told = f"the record of {session} was changed by another hand: {why}; what was last committed stands"
            self.tell(told, copy, session)
        else:
            self._no_longer_read_only(session)
            self._remove(session, why, stamp)

    def _restore(self, session: SessionId, *, is_there: bool) -> str | None:
        known, path = self.known[session], self._layout.record(session)
        stamp = self._disk.write(draft_of(path), encode_record(known.session, known.overlay))
        copy = self._quarantine.keep(path) if is_there else None
        self._disk.rename(draft_of(path), path)
        try:
            self._disk.sync_directory(self._layout.sessions)
        except OSError as error:
            raise undecided(self._layout.sessions, error) from error
        self._seen[session + _SUFFIX] = stamp
        return copy

    def _remove(self, session: SessionId, why: str, stamp: Stamp) -> None:
        path = self._layout.record(session)
        try:
            copy = self._quarantine.move(path)
        except OSError as error:
            self.tell(f"{path} is no record of ours: {why}; it cannot be moved: {error.strerror}", path)
            self._seen[session + _SUFFIX] = stamp
            return
        self._seen.pop(session + _SUFFIX, None)
        self.tell(f"{path} is no record of ours: {why}", copy)


def _without(path: str, found: Withheld) -> RefusedError:
    return RefusedError(
        f"the record {path} cannot be used: {found.why}; its session may live, so no daemon starts without it",
        code="home_unusable",
        hint=f"ls -l {path} (to start without that session, move it away)",
    )
