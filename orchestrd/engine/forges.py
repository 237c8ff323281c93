"""The forges in use: lent to whoever asks one something, and others in their place when they are set otherwise.

Invariant: what was begun with a forge ends with it. One that was replaced is closed as soon as nobody uses it any more,
and nobody waits for that.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from orchestrd.engine.actor import Actor
from orchestrd.engine.tasks import OnError
from orchestrd.model.limits import FORGE_END_S
from orchestrd.ports import Forge

WHY_NONE = "[forge] kind is none, or what it names is left out"


class Forges(Actor):
    """Those in use, by name, in the order in which a remote is shown to them."""

    name = "forges"

    def __init__(self, forges: Mapping[str, Forge], on_error: OnError) -> None:
        super().__init__(on_error)
        self._current = forges
        self._replaced: list[Forge] = []
        self._uses: Counter[int] = Counter()  # by the identity of each

    @property
    def current(self) -> Mapping[str, Forge]:
        """Give all that are in use now."""
        return self._current

    def take(self, forges: Mapping[str, Forge]) -> None:
        """Go on with these; what is under way goes on with those before."""
        before, self._current = self._current, forges
        kept = {id(forge) for forge in forges.values()}
        self._replaced += [forge for forge in before.values() if id(forge) not in kept]
        self._let_go()

    @contextmanager
    def lent(self, forge: Forge) -> Iterator[Forge]:
        """Use one; it is not closed meanwhile."""
        self._uses[id(forge)] += 1
        try:
            yield forge
        finally:
            self._uses[id(forge)] -= 1
            self._let_go()

    async def stopped(self) -> None:
        """Let go of all of them: nobody asks any more."""
        async with asyncio.TaskGroup() as tasks:
            for forge in (*self._replaced, *self._current.values()):
                tasks.create_task(self._close(forge), name=f"close the forge {forge.name}")

    def _let_go(self) -> None:
        idle = [forge for forge in self._replaced if not self._uses[id(forge)]]
        self._replaced = [forge for forge in self._replaced if self._uses[id(forge)]]
        for forge in idle:
            self._tasks.spawn(f"close the forge {forge.name}", self._close(forge))

    async def _close(self, forge: Forge) -> None:
        try:
            async with asyncio.timeout(FORGE_END_S):
                await forge.close()
        except Exception as error:  # noqa: BLE001 - the border of a forge: what it does at its end costs no other one
            self._on_error(f"the forge {forge.name} did not close cleanly", error)
