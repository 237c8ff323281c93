"""Worktrees over nothing but what a test says: what would be found below the managed root, and what is done with it."""

from collections.abc import Callable, Sequence

from orchestrd.core.cleaning import CHANGED, preserve_ref
from orchestrd.model.errors import OrchestrdError, TransientError
from orchestrd.model.worktree import Obstacle, Place, Preserved, Removal, Worktree


class ScriptedWorktrees:
    """Finds `found`, by name. `meanwhile` is called, once, right before a removal is decided for good."""

    def __init__(self) -> None:
        self.found: dict[str, Worktree] = {}
        self.left: list[Obstacle] = []  # what stands in the way of removals that were cut off
        self.fails: OrchestrdError | None = None  # what preserving comes to
        self.changes = 0  # so often a worktree is not as it was
        self.meanwhile: Callable[[], None] = lambda: None
        self.done: list[str] = []

    async def recover(self) -> Sequence[Obstacle]:
        """See the port."""
        self.done.append("recover")
        return ()

    async def finish(self) -> Sequence[Obstacle]:
        """See the port."""
        self.done.append("finish")
        return self.left

    async def places(self) -> Sequence[Place]:
        """See the port."""
        return [worktree.place for worktree in self.found.values()]

    async def survey(self, place: Place, base: str | None) -> Worktree:
        """See the port."""
        self.done.append(f"survey {place.name} against {base}")
        return self.found[place.name]

    async def preserve(self, worktree: Worktree) -> Preserved:
        """See the port."""
        if self.fails is not None:
            raise self.fails
        if self._has_changed():
            raise TransientError("it changes", code=CHANGED)
        self.done.append(f"preserve {worktree.place.name}")
        return Preserved(worktree=worktree, ref=preserve_ref(worktree.place.name), commit="c0ffee")

    async def remove(self, worktree: Worktree, refusal: Callable[[], Obstacle | None]) -> Removal:
        """See the port."""
        self.meanwhile()
        if obstacle := refusal():
            return Removal(obstacle=obstacle)
        if self._has_changed():
            return Removal(has_changed=True)
        del self.found[worktree.place.name]
        self.done.append(f"remove {worktree.place.name}")
        return Removal(freed_bytes=worktree.disk_bytes)

    async def close(self) -> None:
        """See the port."""

    def _has_changed(self) -> bool:
        self.changes -= 1
        return self.changes >= 0
