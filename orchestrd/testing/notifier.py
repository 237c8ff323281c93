"""A notifier that tells nobody: it remembers what it was told, and fails as it is asked to."""

import asyncio
from collections.abc import Sequence

from orchestrd.core.notice_words import one_notice
from orchestrd.model.notice import Notice


class ScriptedNotifier:
    """Takes notices after `takes_s`, or raises `error`; `told` is what it took, a tuple for each time it was asked."""

    kind = "scripted"

    def __init__(self, name: str = "phone") -> None:
        self.name = name
        self.takes_s = 0.0
        self.error: Exception | None = None
        self.told: list[tuple[Notice, ...]] = []
        self.tries = 0
        self.is_closed = False

    @property
    def shown(self) -> list[Notice]:
        """What a person has seen of it: one notice for each time."""
        return [one_notice(notices) for notices in self.told]

    async def tell(self, notices: Sequence[Notice]) -> None:
        """See the port."""
        self.tries += 1
        await asyncio.sleep(self.takes_s)
        if self.error is not None:
            raise self.error
        self.told.append(tuple(notices))

    async def close(self) -> None:
        """See the port."""
        self.is_closed = True
