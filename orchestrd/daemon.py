"""The composition root: the only file that knows every adapter by name.

It gives the engine its adapters, puts the faces on it, and turns signals and faults into an orderly end. A first
SIGTERM or SIGINT stops gracefully: what waits is committed, and the agents run on. A second one stops at once, which
is as safe as any crash. SIGHUP has the configuration read again, unless the daemon's terminal was closed: that ends it
like SIGTERM. A fault of the disk whose outcome cannot be known ends the daemon with 1; the next start recovers.
"""

import asyncio
import os
import signal
from functools import partial

import structlog

from orchestrd.agents.claude.agent import ClaudeAgent
from orchestrd.agents.gathering import FileGatherer
from orchestrd.agents.shell import ShellAgent
from orchestrd.api.server import ApiServer
from orchestrd.clock import SystemClock
from orchestrd.core.layout import Layout
from orchestrd.engine.actor import Actor
from orchestrd.engine.assembly import Adapters, Engine
from orchestrd.engine.nudges import NudgeFifo
from orchestrd.engine.presence import Settings
from orchestrd.engine.tasks import OnError
from orchestrd.logs import log_error
from orchestrd.model.errors import FaultError
from orchestrd.model.settings import Configuration
from orchestrd.ports import Runtime
from orchestrd.reloading import Flags, Reloading, read_configuration, settings_of
from orchestrd.runtimes.process import ProcessRuntime
from orchestrd.runtimes.tmux import TmuxRuntime
from orchestrd.store.attachments import FileAttachments
from orchestrd.store.files import FileStore
from orchestrd.store.inbox import FileInbox
from orchestrd.workspaces.directory import DirectoryKeeper
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.managed import ManagedWorktrees
from orchestrd.workspaces.worktree import WorktreeKeeper

STDERR = 2

log = structlog.get_logger()


class Api(Actor):
    """The API as the last part to start, and the first to stop."""

    name = "api"

    def __init__(self, server: ApiServer, on_error: OnError) -> None:
        super().__init__(on_error)
        self._server = server

    async def started(self) -> None:
        """Answer from now on."""
        await self._server.started()

    async def stopped(self) -> None:
        """Answer no more."""
        await self._server.stopped()


def run(layout: Layout, flags: Flags) -> int:
    """Run the daemon of one home until a signal or a fault ends it; gives the exit code.

    Raises RefusedError (`already_running`) when the home has a daemon, UsageError where its configuration is wrong.
    """
    return asyncio.run(_serve(layout, flags, read_configuration(flags)))


async def _serve(layout: Layout, flags: Flags, configuration: Configuration) -> int:
    loop = asyncio.get_running_loop()
    ending: asyncio.Future[FaultError | None] = loop.create_future()
    clock = SystemClock()
    runtimes: dict[str, Runtime] = {
        "process": ProcessRuntime(layout, clock),
        "tmux": TmuxRuntime(layout, clock),
    }
    settings = settings_of(configuration, flags)
    engine = _engine(layout, settings, clock, runtimes, ending)
    reloading = _reloading(engine, flags)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, ending)
    loop.add_signal_handler(signal.SIGHUP, _hang_up, ending, reloading, os.isatty(STDERR))
    await engine.start()
    log.info("daemon_started", pid=settings.pid, home=layout.home, version=settings.version)
    fault = await ending
    await engine.stop()
    for runtime in runtimes.values():
        await runtime.close()
    log.info("daemon_stopped", pid=settings.pid, fault=fault.message if fault else None)
    return 1 if fault else 0


def _engine(
    layout: Layout,
    settings: Settings,
    clock: SystemClock,
    runtimes: dict[str, Runtime],
    ending: "asyncio.Future[FaultError | None]",
) -> Engine:
    attachments, git = FileAttachments(layout), Git()
    adapters = Adapters(
        layout=layout,
        clock=clock,
        store=FileStore(layout),
        inbox=FileInbox(layout),
        attachments=attachments,
        runtimes=runtimes,
        gatherer=FileGatherer(),
        agents={"shell": ShellAgent(), "claude": ClaudeAgent()},
        workspaces={"none": DirectoryKeeper(), "worktree": WorktreeKeeper(layout, git)},
        worktrees=ManagedWorktrees(layout.worktrees, git),
        read_screen=attachments.read_screen,
    )
    engine = Engine(adapters, settings, log_error, lambda fault: _end(ending, fault))
    engine.registry.add(NudgeFifo(layout.nudge, engine.service.nudge, log_error))
    engine.registry.add(Api(ApiServer(engine.service, layout, clock), log_error))
    return engine


def _reloading(engine: Engine, flags: Flags) -> Reloading:
    def take(configuration: Configuration) -> None:
        engine.take(settings_of(configuration, flags))
        log.info("settings_taken")

    reloading = Reloading(partial(read_configuration, flags), take, engine.refuse, log_error)
    engine.registry.add(reloading)
    return reloading


def _hang_up(ending: "asyncio.Future[FaultError | None]", reloading: Reloading, had_terminal: bool) -> None:  # noqa: FBT001 - called by the loop
    """Tell a terminal that was closed from a wish to read the configuration again."""
    if had_terminal and not os.isatty(STDERR):
        _end(ending)
    else:
        reloading.want()


def _end(ending: "asyncio.Future[FaultError | None]", fault: FaultError | None = None) -> None:
    """End the daemon; who asks twice is taken at their word."""
    if not ending.done():
        ending.set_result(fault)
    elif fault is None:
        os._exit(1)
