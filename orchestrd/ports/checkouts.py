"""The port of checkouts: what git says of the worktrees that sessions work in, read off the loop, many at once."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from orchestrd.model.ids import SessionId


class WantedCheckout(Struct, frozen=True, kw_only=True):
    """One worktree to look at."""

    session: SessionId
    path: str


class Checkout(Struct, frozen=True, kw_only=True):
    """What git says of one worktree. Null: it does not say so, or nobody could read it.

    `branch` is null while none is checked out (a rebase, a bisection); then the last one that is known counts.
    """

    remote: str | None = None  # the URL of its remote
    lacks_remote: bool = False  # git itself has said that there is none of that name
    branch: str | None = None
    head: str | None = None  # the newest commit of that branch here ...
    pushed: str | None = None  # ... and of what was pushed of it, as far as this repository knows
    default: str | None = None  # the branch that its remote calls its own


class Checkouts(Protocol):
    """Looks at worktrees."""

    async def look(self, wanted: Sequence[WantedCheckout], remote: str) -> Sequence[Checkout]:
        """Look at all of these, one answer each in the same order; `remote` is the name of the one that counts.

        What cannot be read says nothing; it raises nothing for one of them.
        """
        ...
