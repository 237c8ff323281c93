"""A follower of the event stream: fed from the journal, only woken by the bus.

While it keeps up it takes its lines from the bus; where it is behind, at the start or after losing some, it reads the
journal on from its cursor. So a slow reader costs nobody anything and misses nothing; a gap is told only where the
journal itself no longer reaches back.
"""

import asyncio
from collections.abc import AsyncIterator

from orchestrd.engine.bus import Bus
from orchestrd.model.limits import JOURNAL_PAGE_BYTES
from orchestrd.ports import Store


class JournalFollower:
    """Follows from a cursor until it is closed."""

    def __init__(self, store: Store, bus: Bus, after: int) -> None:
        self._store = store
        self._subscription = bus.subscribe()
        self._cursor = after

    def close(self) -> None:
        """Stop following; a waiting reader sees the end."""
        self._subscription.close()

    async def __aiter__(self) -> AsyncIterator[tuple[bytes, ...]]:
        try:
            while not self._subscription.is_closed:
                async for lines in self._from_journal():
                    yield lines
                async for lines in self._from_bus():
                    yield lines
        finally:
            self.close()

    async def _from_journal(self) -> AsyncIterator[tuple[bytes, ...]]:
        """Read pages until the newest line there is."""
        while True:
            page = await asyncio.to_thread(self._store.read, self._cursor, JOURNAL_PAGE_BYTES)
            if page.gap is not None:
                yield (b'{"type":"gap","from":%d,"to":%d}' % page.gap,)
            if not page.lines:
                return
            self._cursor = page.last
            yield page.lines

    async def _from_bus(self) -> AsyncIterator[tuple[bytes, ...]]:
        """Take what comes, until a line is missing or nothing will come any more."""
        while True:
            await self._subscription.wait()
            fresh = [notice for notice in self._subscription.take() if notice.sequence > self._cursor]
            if fresh and fresh[0].sequence != self._cursor + 1:
                return
            if fresh:
                self._cursor = fresh[-1].sequence
                yield tuple(notice.line for notice in fresh)
            elif self._subscription.is_closed:
                return
