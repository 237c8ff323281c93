"""`home.json`: the epoch, and the events that belong to no session. Committed like a session; nobody else edits it.

Whatever another hand does to it is kept in quarantine and our last commit stands. Only at start it can be lost: the
epoch then rises above every one that a session's record names.
"""

from orchestrd.codec import Unreadable, decode_home, schema_of
from orchestrd.core.layout import Layout
from orchestrd.core.overlay import Overlay
from orchestrd.model.errors import RefusedError
from orchestrd.model.limits import RECORD_BYTES_MAX
from orchestrd.model.session import SCHEMA, Home
from orchestrd.store.disk import Disk, Stamp, kind_of
from orchestrd.store.quarantine import Quarantine
from orchestrd.store.records import Records


class HomeFile:
    """The record of one home; `known` is null until it was loaded or first committed."""

    def __init__(self, layout: Layout, disk: Disk, quarantine: Quarantine) -> None:
        self._path = layout.home_record
        self._disk = disk
        self._quarantine = quarantine
        self._stamp: Stamp | None = None
        self.known: Home | None = None
        self.overlay: Overlay | None = None

    def load(self, records: Records) -> None:
        """Read it at start. Raises OSError, and RefusedError (`newer_home`) when a newer orchestrd wrote it."""
        stamp = self._disk.stamp(self._path)
        if stamp is None:
            return
        data = b"" if kind_of(stamp) else self._disk.read(self._path, RECORD_BYTES_MAX)
        found = decode_home(data)
        if not isinstance(found, Unreadable):
            self.committed(found.record, found.overlay, stamp)
            return
        if (schema_of(data) or 0) > SCHEMA:
            raise RefusedError(
                f"{self._path} was written by a newer orchestrd: {found.why}",
                code="newer_home",
                hint="install that version, or name another home in ORCH_HOME",
            )
        copy = self._quarantine.move(self._path)
        records.tell(f"{self._path} cannot be read: {kind_of(stamp) or found.why}", copy)

    def settle(self, records: Records) -> None:
        """Before it is written: keep what another hand put in its place. Raises OSError when that cannot be."""
        stamp = self._disk.stamp(self._path)
        if stamp != self._stamp:
            copy = self._quarantine.keep(self._path) if stamp else None
            records.tell("home.json was changed by another hand; what was last committed stands", copy)
            self._stamp = stamp

    def committed(self, home: Home, overlay: Overlay | None, stamp: Stamp) -> None:
        """Take in what is on disk now."""
        self.known, self.overlay, self._stamp = home, overlay, stamp
