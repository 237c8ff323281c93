"""One daemon of the simulation: the real engine on the real store, with everything below it simulated."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from orchestrd.agents.shell import ShellAgent
from orchestrd.core.layout import Layout
from orchestrd.engine.adapters import Adapters
from orchestrd.engine.assembly import Engine
from orchestrd.model.errors import FaultError, OrchestrdError
from orchestrd.store.attachments import FileAttachments
from orchestrd.store.inbox import FileInbox
from orchestrd.testing.gatherer import ScriptedGatherer
from orchestrd.testing.meter import ScriptedMeter
from orchestrd.testing.worktrees import ScriptedWorktrees
from tests.sim.checking import CheckedStore
from tests.sim.troubles import CALM, Trouble, TroubledKeeper
from tests.store.simdisk import Crash

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation

LAYOUT = Layout("/sim")


class End(Enum):
    """How a daemon can end."""

    KILLED = auto()
    POWER_CUT = auto()
    STOPPED = auto()


class Daemon:
    """Lives on a loop of its own; its end cuts it off from disk and world at once."""

    def __init__(self, simulation: "Simulation") -> None:
        self._sim = simulation
        self._ended: asyncio.Future[End] | None = None
        self._is_cut_off = False
        self._store = CheckedStore(LAYOUT, simulation.disk, simulation.checker)
        self._runtime = simulation.runtime()
        self._keeper = TroubledKeeper(simulation.chance, simulation.troubles)
        self._outside = outside = simulation.outside()
        adapters = Adapters(
            layout=LAYOUT,
            clock=simulation.clock,
            store=self._store,
            inbox=FileInbox(LAYOUT, simulation.disk),
            attachments=FileAttachments(LAYOUT, simulation.disk),
            runtimes={"scripted": self._runtime},
            agents={"shell": ShellAgent()},
            gatherer=ScriptedGatherer(),
            workspaces={"none": self._keeper, "worktree": self._keeper},
            worktrees=ScriptedWorktrees(),
            checkouts=outside.checkouts,
            trees=outside.trees,
            forges=outside.forges,
            make_notifier=outside.make_notifier,
            runner=outside.runner,
            meter=ScriptedMeter(),
            read_screen=lambda _: "the end of its output",
        )
        self.engine = Engine(adapters, simulation.settings(), self._on_error, self._on_fault)

    async def live(self, life: Callable[["Daemon"], Awaitable[None]]) -> None:
        """Live this life to its end, or to the one that comes first."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_loop_error)
        self._ended = loop.create_future()
        async with asyncio.TaskGroup() as group:
            living = group.create_task(self._live(life))
            end = await self._ended
            if end is End.STOPPED:
                await self.engine.stop()
                await self._runtime.close()
            self._cut_off(end)
            living.cancel()

    def end(self, end: End) -> None:
        """End it, unless it has ended already."""
        assert self._ended is not None
        if end is not End.STOPPED:
            self._cut_off(end)
        if not self._ended.done():
            self._ended.set_result(end)

    def calm(self) -> None:
        """Spare it all trouble from now on."""
        self._runtime.troubles = self._keeper.troubles = CALM
        self._outside.calm()

    async def _live(self, life: Callable[["Daemon"], Awaitable[None]]) -> None:
        try:
            await life(self)
        except OrchestrdError:  # it could not even start
            self.end(End.KILLED)

    def _cut_off(self, end: End) -> None:
        if not self._is_cut_off:
            self._is_cut_off = self._store.is_dead = self._runtime.is_dead = True
            self._outside.cut_off()
            self._sim.cut_off(end)

    def _on_fault(self, fault: FaultError) -> None:
        self.end(self._sim.chance.choice((End.KILLED, End.STOPPED)))

    def _on_error(self, what: str, error: BaseException | None) -> None:
        """An error that nobody has planned is a violation."""
        if not self._is_cut_off:
            planned = error is None or isinstance(error, OrchestrdError | TimeoutError | Trouble)
            self._sim.judge.must(planned, f"{what}: {error!r}")

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Crash):
            self.end(self._sim.chance.choice((End.KILLED, End.POWER_CUT)))
        elif not self._is_cut_off:
            self._sim.judge.violations.append(f"{context.get('message')}: {error!r}")
