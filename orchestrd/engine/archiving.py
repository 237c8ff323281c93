"""Archiving: ended sessions are put away, by their age or because somebody asks for it.

Invariant: nothing is told as archived before it is durably so, and nobody's work is put out of sight: on request a
session whose worktree holds anything that is nowhere else stays, until a clean has preserved it.
"""

import asyncio

from orchestrd.core.layout import Layout
from orchestrd.engine.cleaning import Clean, Cleaning
from orchestrd.engine.ledger import Ledger
from orchestrd.engine.roster import Roster
from orchestrd.model.document import Archived, CleanedWorktree, CleanRequest
from orchestrd.model.errors import RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.model.words import Deed
from orchestrd.ports import Store

HARMLESS = (Deed.REMOVE, Deed.ABSENT)  # what a clean would do where a worktree holds nothing of its own


class Archiving:
    """Puts sessions away, and knows which are."""

    def __init__(self, *, layout: Layout, store: Store, ledger: Ledger, roster: Roster, cleaning: Cleaning) -> None:
        self._layout = layout
        self._store = store
        self._ledger = ledger
        self._roster = roster
        self._cleaning = cleaning

    async def find(self, text: str) -> SessionId | None:
        """Find a session that has been put away by its id, its name or the beginning of its id."""
        return await asyncio.to_thread(self._store.find_archived, text)

    async def put_away(self, session: SessionId) -> None:
        """Move an ended session into the archive; the store refuses it where it was revived meanwhile.

        Raises RefusedError, NotFoundError, or TransientError where the disk takes nothing.
        """
        await self._ledger.on_thread(self._store.archive, session)
        self._roster.remove(session)

    async def put_away_on_request(self, session: SessionId) -> Archived:
        """The same for a person, who is told where it went. Raises RefusedError (`not_ended`, `unpreserved`) too."""
        record = self._roster.require(session)
        if not record.is_terminal:
            raise RefusedError(
                f"session {session} has not ended: it is {record.state}", code="not_ended", hint=f"orch stop {session}"
            )
        left = await self._worktree_of(session)
        if left.deed not in HARMLESS:
            raise _unpreserved(left)
        await self.put_away(session)
        return self.told(session, worktree=left.path or None)

    def told(self, session: SessionId, *, worktree: str | None = None) -> Archived:
        """Say where an archived session lies."""
        return Archived(session=session, path=self._layout.archived(session), worktree=worktree)

    async def _worktree_of(self, session: SessionId) -> CleanedWorktree:
        report = await self._cleaning.ask(Clean(CleanRequest(dry_run=True, sessions=(session,))))
        return report.worktrees[0]


def _unpreserved(left: CleanedWorktree) -> RefusedError:
    """Say what keeps a worktree, and the next command: a clean, or what a clean itself would ask for."""
    if left.deed == Deed.PRESERVE:
        why, hint = f"holds work that is nowhere else: {left.why}", f"orch clean {left.session}"
    else:
        why, hint = f"may hold work: {left.why}", left.hint
    return RefusedError(f"the worktree of session {left.session} {why}", code="unpreserved", hint=hint)
