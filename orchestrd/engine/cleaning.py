"""Cleaning: the worktrees of ended sessions are looked at, judged, preserved where they hold anything new, and removed.

One clean at a time. Invariant: whether a session has ended is asked once more while its repository is held, so that no
run begins in a directory that vanishes; and what was preserved is looked at once more before it is removed.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from orchestrd.core.cleaning import (
    ARCHIVED,
    CHANGED,
    SHOWN_ONLY,
    Owner,
    Verdict,
    judge,
    merged_commit,
    preserve_ref,
    spared,
    way_back,
)
from orchestrd.engine.actor import Actor, Message
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.model.document import CleanedWorktree, CleanReport, CleanRequest, Document
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.ids import SessionId, is_session_id
from orchestrd.model.limits import CLEAN_ATTEMPTS_MAX
from orchestrd.model.words import Deed
from orchestrd.model.worktree import Obstacle, Place, Worktree
from orchestrd.ports import Store, Worktrees


class Clean(Message[CleanReport]):
    """Clean these worktrees; sessions are named by their ids."""

    def __init__(self, request: CleanRequest) -> None:
        self.request = request


class Cleaning(Actor):
    """Cleans when it is asked to. What a crash has cut off is undone at the start, or gone on with."""

    name = "cleaning"

    def __init__(
        self,
        *,
        worktrees: Worktrees,
        roster: Roster,
        read_only: Mapping[SessionId, Document],
        store: Store,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._worktrees = worktrees
        self._roster = roster
        self._read_only = read_only
        self._store = store

    async def started(self) -> None:
        """Put worktrees back that lie aside, before anything is launched in them."""
        for obstacle in await self._worktrees.recover():
            self._on_error(f"a worktree could not be put back: {obstacle.why}", None)
        self._tasks.spawn("removals that were cut off", self._finish())

    async def stop(self) -> None:
        """Finish the step under way; what is being deleted is left to the next daemon."""
        await self._worktrees.close()
        await super().stop()

    async def receive(self, message: Message[Any]) -> CleanReport:
        """Clean."""
        assert isinstance(message, Clean)
        request = message.request
        troubles = [] if request.dry_run else [*await self._worktrees.recover(), *await self._worktrees.finish()]
        rows = [await self._clean(place, is_dry=request.dry_run) for place in await self._places(request.sessions)]
        rows += _absent(set(request.sessions) - {row.session for row in rows})
        return CleanReport(
            dry_run=request.dry_run,
            worktrees=tuple(rows),
            freed_bytes=sum(row.bytes for row in rows if row.deed in (Deed.REMOVE, Deed.PRESERVE)),
            troubles=tuple(_as_text(obstacle.why) for obstacle in troubles),
        )

    async def _places(self, sessions: tuple[str, ...]) -> list[Place]:
        places = await self._worktrees.places()
        return [place for place in places if not sessions or place.name in sessions]

    async def _finish(self) -> None:
        for obstacle in await self._worktrees.finish():
            self._on_error(f"a worktree could not be removed: {obstacle.why}", None)

    async def _clean(self, place: Place, *, is_dry: bool) -> CleanedWorktree:
        """Clean one, trying again where it changes meanwhile."""
        owner = await self._owner(place)
        if verdict := spared(place, owner, self._roster):
            return _row(Worktree(place=place), verdict)
        for _ in range(1 if is_dry else CLEAN_ATTEMPTS_MAX):
            worktree = await self._worktrees.survey(place, owner.base if owner else None)
            verdict = judge(worktree, owner)
            if is_dry or verdict.deed is Deed.KEEP:
                return _row(worktree, verdict, preserve_ref(place.name) if verdict.deed is Deed.PRESERVE else None)
            if row := await self._carried_out(worktree, verdict):
                return row
        return _row(Worktree(place=place), Verdict(Deed.KEEP, "it changes while it is cleaned", "orch clean"))

    async def _carried_out(self, worktree: Worktree, verdict: Verdict) -> CleanedWorktree | None:
        """Preserve and remove, as it was judged; null where it has changed meanwhile."""
        ref = None
        if verdict.deed is Deed.PRESERVE:
            try:
                ref = (await self._worktrees.preserve(worktree)).ref
            except OrchestrdError as error:
                if error.code == CHANGED:
                    return None
                return _row(worktree, Verdict(Deed.KEEP, f"it could not be preserved: {error.message}", error.hint))
        removal = await self._worktrees.remove(worktree, lambda: self._refusal(worktree.place))
        if removal.has_changed:
            return None
        if removal.obstacle is not None:
            verdict = Verdict(Deed.KEEP, removal.obstacle.why, removal.obstacle.hint)
        return _row(worktree, verdict, ref)

    def _refusal(self, place: Place) -> Obstacle | None:
        """Say why a worktree must stay after all: its session was revived, or another one has begun in it."""
        session = self._roster.get(SessionId(place.name))
        owner = Owner(session=session.id, standing=session.state, is_over=session.is_terminal) if session else None
        verdict = spared(place, owner, self._roster)
        return Obstacle(why=verdict.why, hint=verdict.hint) if verdict else None

    async def _owner(self, place: Place) -> Owner | None:
        """Find the session that a worktree was made for, wherever its record is now."""
        name = SessionId(place.name)
        if session := self._roster.get(name):
            return Owner(
                session=name,
                standing=session.state,
                is_over=session.is_terminal,
                base=session.spec.workspace.base,
                merged=merged_commit(session),
            )
        if name in self._read_only:
            return Owner(session=name, standing=SHOWN_ONLY, is_over=False)
        if is_session_id(name) and await asyncio.to_thread(self._store.is_archived, name):
            return Owner(session=name, standing=ARCHIVED, is_over=True)
        return None


def _absent(sessions: set[str]) -> list[CleanedWorktree]:
    return [
        CleanedWorktree(session=session, path="", deed=Deed.ABSENT, why="it has no worktree (any more)")
        for session in sorted(sessions)
    ]


def _row(worktree: Worktree, verdict: Verdict, ref: str | None = None) -> CleanedWorktree:
    is_leaving = verdict.deed in (Deed.REMOVE, Deed.PRESERVE)
    return CleanedWorktree(
        session=_as_text(worktree.place.name),
        path=_as_text(worktree.place.path),
        deed=verdict.deed,
        why=_as_text(verdict.why),
        hint=_as_text(way_back(worktree, ref) if is_leaving else verdict.hint),
        project=_as_text(worktree.project) if worktree.project else None,
        branch=_as_text(worktree.branch) if worktree.branch else None,
        ref=_as_text(ref) if ref else None,
        bytes=worktree.disk_bytes,
        ignored=tuple(replace(one, path=_as_text(one.path)) for one in worktree.ignored),
        ignored_files=worktree.ignored_files,
        ignored_bytes=worktree.ignored_bytes,
    )


def _as_text(name: str) -> str:
    """Write out what is no text in the name of a file or a branch; JSON could not carry it."""
    return name.encode("utf-8", "backslashreplace").decode()
