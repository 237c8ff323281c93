"""A home seen by a doctor: its records, good and bad, and what was rejected; read from the disk, whoever runs there.

The store is imported when it is needed, as by all clients. To look changes nothing.
"""

import contextlib
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from orchestrd.client.offline import OfflineHome
from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import REJECTIONS_LOOKED_AT
from orchestrd.model.session import Session

REJECTIONS = (EventType.RECORD_REJECTED, EventType.COMMAND_REJECTED)


class Records(Struct, frozen=True, kw_only=True):
    """What lies in sessions/. `shown_only`: ids of records that a newer orchestrd wrote, and how that is known."""

    sessions: dict[str, Session] = {}
    shown_only: dict[str, str] = {}
    damaged: tuple[str, ...] = ()  # paths of files that hold no record

    def knows(self, session: str) -> bool:
        """Tell whether a record bears this id, a damaged one included: of that nobody knows that it has ended."""
        spoiled = (path.rpartition("/")[2].removesuffix(".json") for path in self.damaged)
        return session in self.sessions or session in self.shown_only or session in spoiled


def records_of(layout: Layout) -> Records:
    """Read all records; none where the home was never used. Raises OSError where they may not be read."""
    from orchestrd.store.offline import read_home

    found = read_home(layout)
    return Records(
        sessions={session.id: session for session in found.sessions},
        shown_only={record.id: record.why for record in found.read_only},
        damaged=found.damaged,
    )


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
