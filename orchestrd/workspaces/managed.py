"""The worktrees below the managed root: looked at, preserved, and removed, one at a time.

Invariant: one is removed only as it was when it was surveyed, while its repository's lock is held and its owner has
said once more that it may go; what is still under way when the daemon ends is finished by the next one.
"""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from shlex import quote
from typing import TypeVar

from orchestrd.core.cleaning import CHANGED
from orchestrd.model.errors import OrchestrdError, RefusedError, TransientError
from orchestrd.model.limits import PLACES_MAX
from orchestrd.model.worktree import Obstacle, Place, Preserved, Removal, Worktree
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.locating import (
    GONE,
    LEAVING,
    Empty,
    Located,
    Obstructed,
    aside,
    leftovers,
    locate,
    places,
    projects,
    unregistered,
)
from orchestrd.workspaces.preserving import preserve
from orchestrd.workspaces.removing import delete, delete_empty, put_back, refuse_users, set_aside
from orchestrd.workspaces.scratch import HIDDEN, Scratch, discard_scratch, empty_scratch
from orchestrd.workspaces.surveying import Survey, survey

T = TypeVar("T")


class ManagedWorktrees:
    """Implements `ports.Worktrees` for one root."""

    def __init__(self, root: str, git: Git) -> None:
        self._root = root
        self._git = git
        self._is_ending = threading.Event()
        self._deleting = asyncio.Lock()
        self._last: Survey | None = None  # what is preserved next need not be read twice

    async def places(self) -> Sequence[Place]:
        return (await asyncio.to_thread(places, self._root))[:PLACES_MAX]

    async def survey(self, place: Place, base: str | None) -> Worktree:
        self._last = None
        try:
            located = await asyncio.to_thread(locate, self._root, place)
            await asyncio.to_thread(refuse_users, place.path)
            async with self._scratch(place) as scratch:
                self._last = await survey(self._git, scratch, located, base)
        except Empty:
            return Worktree(place=place, is_empty=True)
        except (Obstructed, OrchestrdError, OSError) as error:
            return Worktree(place=place, obstacle=_obstacle("it cannot be looked at", error))
        return self._last.worktree

    async def preserve(self, worktree: Worktree) -> Preserved:
        if self._last is None or self._last.worktree != worktree:
            raise TransientError(f"{worktree.place.path} has to be looked at again first", code=CHANGED)
        try:
            async with self._scratch(worktree.place) as scratch:
                return await preserve(self._git, scratch, self._last)
        except Obstructed as error:
            raise RefusedError(error.obstacle.why, hint=error.obstacle.hint) from error
        except OSError as error:
            obstacle = _of_disk(f"{worktree.place.path} cannot be preserved", error)
            raise TransientError(obstacle.why, hint=obstacle.hint) from error

    async def remove(self, worktree: Worktree, refusal: Callable[[], Obstacle | None]) -> Removal:
        try:
            return await self._remove(worktree, refusal)
        except (Obstructed, OrchestrdError, OSError) as error:
            return Removal(obstacle=_obstacle("it cannot be removed", error))

    async def recover(self) -> Sequence[Obstacle]:
        return await self._for_each_left(LEAVING, self._put_back)

    async def finish(self) -> Sequence[Obstacle]:
        async with self._deleting:
            obstacles = await self._for_each_left(GONE, self._finish)
            for project in await asyncio.to_thread(projects, self._root):
                await asyncio.to_thread(delete_empty, project)
        return obstacles

    async def close(self) -> None:
        self._is_ending.set()

    async def _remove(self, worktree: Worktree, refusal: Callable[[], Obstacle | None]) -> Removal:
        place = worktree.place
        if worktree.is_empty:
            is_gone = await asyncio.to_thread(delete_empty, place.path)
            await asyncio.to_thread(delete_empty, place.path.rpartition("/")[0])
            return Removal(freed_bytes=0, has_changed=not is_gone)
        located = await asyncio.to_thread(locate, self._root, place)
        async with self._git.alone(located.common):
            if obstacle := refusal():
                return Removal(obstacle=obstacle)
            if not await _to_the_end(partial(set_aside, located, worktree.stamp)):
                return Removal(has_changed=True)
            await self._forget(located)
        async with self._deleting:
            await self._delete(place, aside(place, GONE))
        return Removal(freed_bytes=worktree.disk_bytes)

    async def _for_each_left(self, ending: str, act: Callable[[Place, str], Awaitable[None]]) -> Sequence[Obstacle]:
        obstacles = []
        for place, left in await asyncio.to_thread(leftovers, self._root, ending):
            try:
                await act(place, left)
            except (Obstructed, OrchestrdError, OSError) as error:
                obstacles.append(_obstacle(f"{left} is left over from a removal", error))
        return obstacles

    async def _put_back(self, place: Place, leaving: str) -> None:
        await _to_the_end(partial(put_back, place, leaving))

    async def _finish(self, place: Place, gone: str) -> None:
        """Go on with a removal that was cut off after its last look."""
        if located := await asyncio.to_thread(unregistered, place, gone):
            async with self._git.alone(located.common):
                if await asyncio.to_thread(unregistered, place, gone):
                    await self._forget(located)
        await self._delete(place, gone)

    async def _forget(self, located: Located) -> None:
        """Have the repository forget it; nothing is at its path, or else git refuses, and the branch stays."""
        await self._git.must(located.common, "worktree", "remove", located.path)

    async def _delete(self, place: Place, gone: str) -> None:
        await asyncio.to_thread(delete, gone, self._is_ending.is_set)
        await asyncio.to_thread(delete_empty, place.path.rpartition("/")[0])

    @asynccontextmanager
    async def _scratch(self, place: Place) -> AsyncIterator[Scratch]:
        above, path = f"{self._root}/{HIDDEN}", f"{self._root}/{HIDDEN}/{place.name}"
        if await asyncio.to_thread(os.path.islink, above):
            raise Obstructed(f"{above} is a symbolic link, which is not followed", f"ls -l {quote(above)}")
        try:
            yield await asyncio.to_thread(empty_scratch, path)
        finally:
            await asyncio.to_thread(discard_scratch, path)
            await asyncio.to_thread(delete_empty, above)


def _obstacle(what: str, error: Obstructed | OrchestrdError | OSError) -> Obstacle:
    """Tell an error as what stands in the way; one of the disk knows nothing of what it stands in the way of."""
    match error:
        case Obstructed():
            return error.obstacle
        case OrchestrdError():
            return Obstacle(why=error.message, hint=error.hint)
        case _:
            return _of_disk(what, error)


def _of_disk(what: str, error: OSError) -> Obstacle:
    """Tell what the disk said, and where one looks next: at its space, or at the file."""
    where = error.filename if isinstance(error.filename, str) else None
    why = f"{what}: {error.strerror or error}" + (f": {where}" if where else "")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Obstacle(why=why, hint="df -h")
    return Obstacle(why=why, hint=f"ls -ld {quote(where)}" if where else "")


async def _to_the_end(act: Callable[[], T]) -> T:
    """Do on a thread what must not go on alone: whoever is called off waits until it is over, and keeps its lock."""
    running = asyncio.get_running_loop().run_in_executor(None, act)
    try:
        return await asyncio.shield(running)
    finally:
        if not running.done():
            await asyncio.wait([running])
