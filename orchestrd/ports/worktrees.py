"""The port of the worktrees below the managed root: what a clean asks of git and the disk."""

from collections.abc import Callable, Sequence
from typing import Protocol

from orchestrd.model.worktree import Obstacle, Place, Preserved, Removal, Worktree


class Worktrees(Protocol):
    """The worktrees below the managed root, looked at and removed. Git and the disk are asked off the loop."""

    async def recover(self) -> Sequence[Obstacle]:
        """Undo the removals that a crash has cut off before their last look; gives what stands in the way of one."""
        ...

    async def finish(self) -> Sequence[Obstacle]:
        """Go on with those that were cut off after it; gives what stands in the way of one."""
        ...

    async def places(self) -> Sequence[Place]:
        """Name every directory where a worktree of ours could be, in order; at most PLACES_MAX."""
        ...

    async def survey(self, place: Place, base: str | None) -> Worktree:
        """Look at one, and change nothing; what cannot be looked at has an obstacle."""
        ...

    async def preserve(self, worktree: Worktree) -> Preserved:
        """Have its whole state held by a ref of its repository: the one surveyed last, as it was then.

        Raises TransientError where it has changed since; any OrchestrdError means that nothing may be removed.
        """
        ...

    async def remove(self, worktree: Worktree, refusal: Callable[[], Obstacle | None]) -> Removal:
        """Remove it as it was surveyed, but for its branch; `refusal` is asked once its repository is held."""
        ...

    async def close(self) -> None:
        """Leave what is being deleted to the next daemon."""
        ...
