"""The port of a notifier: one channel over which a person is told."""

from collections.abc import Sequence
from typing import Protocol

from orchestrd.model.notice import Notice


class Notifier(Protocol):
    """One channel, as it is configured: `name` is the user's own for it, `kind` that of its adapter."""

    name: str
    kind: str

    async def tell(self, notices: Sequence[Notice]) -> None:
        """Tell these, together where there are several, bounded in time; the key of each goes along where it can.

        Raises TransientError where another try may help, RefusedError where none will; no secret is in its message.
        """
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
