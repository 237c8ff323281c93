"""Claims: no two sessions work on one issue, unless their user says so.

It is decided where spawns are accepted, from the API and from the inbox alike, and while one is being decided on no
other with the same issue is: of two that come at once, the second finds the first.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from orchestrd.core.document import document
from orchestrd.core.issue import duplicate_of, duplicate_refused
from orchestrd.core.layout import Layout
from orchestrd.engine.roster import Roster
from orchestrd.model.command import Spawn


class Claims:
    """Knows which sessions work on which issues."""

    def __init__(self, roster: Roster, layout: Layout) -> None:
        self._roster = roster
        self._layout = layout
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, spawn: Spawn) -> AsyncIterator[None]:
        """Hold the issue of a spawn while it is accepted. Raises RefusedError (`duplicate_issue`).

        The same spawn once more is no other one, and one that is forced is refused for nobody.
        """
        issue = spawn.spec.issue
        if issue is None:
            yield
            return
        async with self._locks.setdefault(issue, asyncio.Lock()):
            if not spawn.is_forced and self._roster.get(spawn.session) is None:
                self._refuse_duplicate(issue)
            yield

    def _refuse_duplicate(self, issue: str) -> None:
        other = duplicate_of(issue, (document(session, self._layout) for session in self._roster))
        if other is not None:
            raise duplicate_refused(issue, other)
