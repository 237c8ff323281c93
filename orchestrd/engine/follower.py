"""A follower of the event stream: fed from the journal, only woken by the bus.

While it keeps up it takes its lines from the bus; where it is behind, at the start or after losing some, it reads the
journal on from its cursor. So a slow reader costs nobody anything and misses nothing; a gap is told only where the
journal itself no longer reaches back.
"""

import asyncio

from orchestrd.engine.bus import Bus
from orchestrd.model.limits import JOURNAL_PAGE_BYTES
from orchestrd.ports import Store

Lines = tuple[bytes, ...]


class JournalFollower:
    """Follows from a cursor until it is closed, or the bus is. Nothing has to be waited for at its end."""

    def __init__(self, store: Store, bus: Bus, after: int) -> None:
        self._store = store
        self._subscription = bus.subscribe()
        self._cursor = after
        self._is_behind = True

    def close(self) -> None:
        """Stop following: the iteration ends, wherever it is."""
        self._subscription.close()

    def __aiter__(self) -> "JournalFollower":
        return self

    async def __anext__(self) -> Lines:
        """Give all lines that are there, as soon as there are any. Raises TransientError when none can be read."""
        while not self._subscription.is_closed:
            lines = await (self._from_journal() if self._is_behind else self._from_bus())
            if lines and not self._subscription.is_closed:
                return lines
        raise StopAsyncIteration

    async def _from_journal(self) -> Lines:
        """Read a page; with nothing left to read it has caught up."""
        page = await asyncio.to_thread(self._store.read, self._cursor, JOURNAL_PAGE_BYTES)
        self._cursor = page.last
        self._is_behind = bool(page.lines)
        if page.gap is None:
            return page.lines
        return (b'{"type":"gap","from":%d,"to":%d}' % page.gap, *page.lines)

    async def _from_bus(self) -> Lines:
        """Take what has come; where a line is missing, none of it: the journal has them all."""
        await self._subscription.wait()
        fresh = [notice for notice in self._subscription.take() if notice.sequence > self._cursor]
        if fresh and fresh[0].sequence != self._cursor + 1:
            self._is_behind = True
            return ()
        self._cursor += len(fresh)
        return tuple(notice.line for notice in fresh)
