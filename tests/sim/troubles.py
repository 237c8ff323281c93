"""What goes wrong, and how often: a disk that is full, answers that come late or not at all, a runtime that is blind.

Each seed draws its own mixture, so that some days are calm and others have one trouble only.
"""

import asyncio
import errno
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from orchestrd.model.errors import TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Sighted
from orchestrd.model.run import Look, Order, Run, Sweep
from orchestrd.model.session import Spec
from orchestrd.model.words import Liveness, Receipt
from orchestrd.testing.runtime import ScriptedRuntime
from tests.sim.world import SimWorld
from tests.store.simdisk import SimDisk


class Trouble(Exception):
    """What a runtime may raise at any time."""


class Troubles(Struct, frozen=True, kw_only=True):
    """Chances of each trouble, per occasion."""

    full_disk: float = 0.0  # a write of a file fails
    torn_journal: float = 0.0  # an append to the journal fails
    broken_sync: float = 0.0  # nobody can say what is durable
    late: float = 0.0  # the runtime answers after its deadline
    error: float = 0.0  # the runtime raises, before or after the act
    false_death: float = 0.0  # a look finds a living run dead
    workspace: float = 0.0  # the workspace cannot be prepared


CALM = Troubles()


def drawn(chance: random.Random) -> Troubles:
    """Draw the troubles of one seed: each of them half of the time, from rare to frequent."""

    def often(most: float) -> float:
        return chance.choice((0.0, most * chance.random()))

    return Troubles(
        full_disk=often(0.1),
        torn_journal=often(0.2),
        broken_sync=often(0.004),
        late=often(0.05),
        error=often(0.1),
        false_death=often(0.3),
        workspace=often(0.2),
    )


class TroubledDisk(SimDisk):
    """A disk with troubles; the chance and the troubles are its user's to set."""

    chance: random.Random | None = None
    troubles = CALM

    def step(self, kind: str) -> None:
        """Count one act, and let it fail by chance."""
        super().step(kind)
        if self.chance is None:
            return
        if kind in ("create", "sync file") and self._strikes(self.troubles.full_disk):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if kind == "append" and self._strikes(self.troubles.torn_journal):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if kind == "sync directory" and self._strikes(self.troubles.broken_sync):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    @contextmanager
    def at_peace(self) -> Iterator[None]:
        """Let another process use the disk: it has no part in the troubles of the daemon."""
        chance, crash_after = self.chance, self.crash_after
        self.chance = self.crash_after = None
        try:
            yield
        finally:
            self.chance, self.crash_after = chance, crash_after

    def _strikes(self, probability: float) -> bool:
        return self.chance is not None and self.chance.random() < probability


class TroubledRuntime(ScriptedRuntime):
    """A runtime that is late, raises, and sees what is not there. Once its daemon is dead it does nothing any more."""

    def __init__(self, world: SimWorld, name: str, chance: random.Random, troubles: Troubles) -> None:
        super().__init__(world, name)
        self.troubles = troubles
        self.is_dead = False
        self._sim = world
        self._chance = chance

    async def launch(self, order: Order) -> str:
        handle = await super().launch(order)
        await self._may_fail_after()
        return handle

    async def probe(self, runs: Sequence[Run]) -> Sequence[Look]:
        looks = await super().probe(runs)
        if self._strikes(self.troubles.false_death):
            share = self._chance.choice((0.2, 1.0))
            looks = [_with_false_death(look) if self._strikes(share) else look for look in looks]
        await self._may_fail_after()
        return looks

    async def terminate(self, run: Run) -> bool:
        self._sim.check_ending(run)
        never_ran = await super().terminate(run)
        await self._may_fail_after()
        return never_ran

    async def kill(self, run: Run) -> Sweep:
        self._sim.check_ending(run)
        sweep = await super().kill(run)
        await self._may_fail_after()
        return sweep

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        self._sim.check_typing(run)
        receipt, error = await super().deliver(run, text)
        if receipt is not Receipt.REFUSED:
            self._sim.count_typing(text)
            self._sim.answer(run)
        await self._may_fail_after()
        return receipt, error

    async def _answer(self) -> None:
        await asyncio.sleep(self._chance.random() * 0.02)
        if self.is_dead:
            await asyncio.Event().wait()
        if self._strikes(self.troubles.error):
            raise Trouble("the runtime failed before it acted")

    async def _may_fail_after(self) -> None:
        if self._strikes(self.troubles.late):
            await asyncio.sleep(self._chance.random() * 60.0)
        if self._strikes(self.troubles.error):
            raise Trouble("the runtime failed after it acted")

    def _strikes(self, probability: float) -> bool:
        return self._chance.random() < probability


class TroubledKeeper:
    """A workspace that is not always there."""

    kind = "none"

    def __init__(self, chance: random.Random, troubles: Troubles) -> None:
        self._chance = chance
        self.troubles = troubles

    async def prepare(self, session: SessionId, spec: Spec) -> None:
        """See the port."""
        await asyncio.sleep(self._chance.random() * 0.05)
        if self._chance.random() < self.troubles.workspace:
            raise TransientError("the workspace is not there", hint="try again")


def _with_false_death(look: Look) -> Look:
    facts = tuple(
        Sighted(generation=fact.generation, observer=fact.observer, verdict=Liveness.DEAD, excerpt="not seen")
        if isinstance(fact, Sighted)
        else fact
        for fact in look.observations
    )
    return Look(run=look.run, observations=facts, hook_lines=look.hook_lines, hooks_offset=look.hooks_offset)
