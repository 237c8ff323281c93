"""The engine in this process, over real files, with runs that follow a script: what it costs without any process."""

import contextlib
import os
from collections.abc import AsyncIterator, Mapping

from benchmarks.homes import fill, running
from orchestrd.agents.shell import ShellAgent
from orchestrd.clock import SystemClock
from orchestrd.core.layout import Layout
from orchestrd.engine.adapters import Adapters
from orchestrd.engine.assembly import Engine
from orchestrd.engine.presence import Settings
from orchestrd.model.errors import FaultError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import MAX_RUNNING
from orchestrd.model.reaction import Reaction
from orchestrd.ports import Runtime, Store
from orchestrd.store.attachments import FileAttachments
from orchestrd.store.inbox import FileInbox
from orchestrd.testing.forge import ScriptedCheckouts
from orchestrd.testing.gatherer import ScriptedGatherer
from orchestrd.testing.meter import ScriptedMeter
from orchestrd.testing.outside import ScriptedChannels, ScriptedRunner, ScriptedTrees
from orchestrd.testing.runtime import ScriptedRuntime
from orchestrd.testing.worktrees import ScriptedWorktrees
from orchestrd.testing.world import Script, ScriptedRun, World
from orchestrd.workspaces.directory import DirectoryKeeper

SCRIPTED = "scripted"


def populated(layout: Layout, number: int) -> tuple[World, tuple[SessionId, ...]]:
    """Put running sessions into a home, and make the world in which their runs live."""
    world, sessions = World(SystemClock()), [running(SCRIPTED) for _ in range(number)]
    now = world.clock.now()
    for pid, session in enumerate(sessions):
        world.runs[session.id, session.generation] = ScriptedRun(Script(), pid, now.boot, now.up_s)
    fill(layout, sessions)
    return world, tuple(session.id for session in sessions)


def engine_over(
    layout: Layout,
    runtimes: Mapping[str, Runtime],
    store: Store,
    *,
    interval_s: float,
    reactions: tuple[Reaction, ...] = (),
) -> Engine:
    """Put the engine together, without faces. What fails in it fails the measurement."""
    attachments = FileAttachments(layout)
    adapters = Adapters(
        layout=layout,
        clock=SystemClock(),
        store=store,
        inbox=FileInbox(layout),
        attachments=attachments,
        runtimes=runtimes,
        agents={"shell": ShellAgent()},
        gatherer=ScriptedGatherer(),
        workspaces={"none": DirectoryKeeper()},
        worktrees=ScriptedWorktrees(),
        checkouts=ScriptedCheckouts(),
        trees=ScriptedTrees(),
        forges={},
        make_notifier=ScriptedChannels().make,
        runner=ScriptedRunner(),
        meter=ScriptedMeter(),
        read_screen=attachments.read_screen,
    )
    settings = Settings(
        interval_s=interval_s, max_running=MAX_RUNNING, reactions=reactions, pid=os.getpid(), version="benchmark"
    )
    return Engine(adapters, settings, fail, fail_with)


@contextlib.asynccontextmanager
async def living(engine: Engine, runtimes: Mapping[str, Runtime]) -> AsyncIterator[None]:
    """Let it live as long as the block."""
    await engine.start()
    try:
        yield
    finally:
        await engine.stop()
        for runtime in runtimes.values():
            await runtime.close()


def scripted(world: World) -> Mapping[str, Runtime]:
    """Give the runtimes of an engine that lives in a scripted world."""
    return {SCRIPTED: ScriptedRuntime(world)}


def fail(what: str, error: BaseException | None) -> None:
    """Take nothing lightly: what a daemon would log and live with, a measurement must not hide."""
    raise RuntimeError(what) from error


def fail_with(fault: FaultError) -> None:
    """The same for what ends a daemon."""
    raise fault
