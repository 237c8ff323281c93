"""A home seen by a doctor: its records, good and bad, and what was rejected; read from the disk, whoever runs there.

The store is imported when it is needed, as by all clients. To look changes nothing.
"""

import contextlib
import os
import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from orchestrd.client.offline import OfflineHome
from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import ID_ALPHABET, ID_CHARS, SessionId
from orchestrd.model.limits import REJECTIONS_LOOKED_AT
from orchestrd.model.session import Session

_KEPT = re.compile(rf"([{ID_ALPHABET}]{{{ID_CHARS}}})\.json\.(\d{{1,9}})", re.ASCII)
REJECTIONS = (EventType.RECORD_REJECTED, EventType.COMMAND_REJECTED)


class Records(Struct, frozen=True, kw_only=True):
    """What lies in sessions/. `shown_only`: ids of records that a newer orchestrd wrote, and how that is known."""

    sessions: dict[str, Session] = {}
    shown_only: dict[str, str] = {}
    damaged: tuple[str, ...] = ()  # paths of files that hold no record, or may not be read
    set_aside: dict[str, str] = {}  # ids of sessions whose only record lies in quarantine, and where

    def knows(self, session: str) -> bool:
        """Tell whether a record bears this id, a damaged one included: of that nobody knows that it has ended.

        So it is with one that was set aside.
        """
        spoiled = (path.rpartition("/")[2].removesuffix(".json") for path in self.damaged)
        return any(session in known for known in (self.sessions, self.shown_only, self.set_aside, spoiled))


def records_of(layout: Layout) -> Records:
    """Read all records; none where the home was never used. Raises OSError where they may not be read."""
    from orchestrd.store.offline import read_home

    found = read_home(layout)
    here = Records(
        sessions={session.id: session for session in found.sessions},
        shown_only={record.id: record.why for record in found.read_only},
        damaged=found.damaged,
    )
    return replace(here, set_aside={session: path for session, path in _kept(layout) if not here.knows(session)})


def _kept(layout: Layout) -> Iterator[tuple[str, str]]:
    """Find what was kept of sessions' records, oldest first: ID.json.NUMBER."""
    try:
        names = os.listdir(layout.quarantine)  # noqa: PTH208 - names, in bulk
    except OSError:  # not there yet, or a finding of its own
        return
    for _, session, name in sorted((int(kept[2]), kept[1], name) for name in names if (kept := _KEPT.fullmatch(name))):
        yield session, f"{layout.quarantine}/{name}"


def is_archived(layout: Layout, session: str) -> bool:
    """Tell whether a session was put away. Raises OSError."""
    from orchestrd.store.attachments import is_put_away
    from orchestrd.store.disk import LOCAL

    return is_put_away(LOCAL, layout, SessionId(session))


def rejections(layout: Layout) -> tuple[Event, ...]:
    """Give the newest rejections of records and commands, oldest first. Raises OrchestrdError (`unreadable`)."""
    home = OfflineHome(layout)
    since = max(0, home.newest() - REJECTIONS_LOOKED_AT)
    told = []
    for line in home.events(since, types=REJECTIONS):
        with contextlib.suppress(msgspec.MsgspecError):  # a gap, or of a newer orchestrd
            told.append(msgspec.json.decode(line, type=Event))
    return tuple(told)


@contextlib.contextmanager
def held(layout: Layout) -> Iterator[bool]:
    """Hold the home as a daemon does, so that none can start meanwhile; gives false where one is there."""
    from orchestrd.store.lock import HomeLock

    try:
        lock = HomeLock(layout.lock)
    except (RefusedError, FileNotFoundError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
