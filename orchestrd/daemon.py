"""The composition root: it gives the engine the adapters that are installed, and puts the faces on it.

It turns signals and faults into an orderly end. A first SIGTERM or SIGINT stops gracefully: what waits is committed,
and the agents run on. A second one stops at once, which is as safe as any crash. SIGHUP has the configuration read
again, unless the daemon's terminal was closed: that ends it like SIGTERM. A fault of the disk whose outcome cannot be
known ends the daemon with 1; the next start recovers.

A supervisor such as systemd is told that the daemon is ready only when it answers, and when nothing is left to be
imported: from then on files may be replaced under it.
"""

import asyncio
import importlib
import os
import signal
from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog

from orchestrd.agents.gathering import FileGatherer
from orchestrd.api.server import ApiServer
from orchestrd.api.webhooks import WebhookServer
from orchestrd.clock import SystemClock
from orchestrd.core.layout import Layout
from orchestrd.engine.actor import Actor
from orchestrd.engine.adapters import Adapters
from orchestrd.engine.assembly import Engine
from orchestrd.engine.nudges import NudgeFifo
from orchestrd.engine.presence import Settings
from orchestrd.engine.tasks import OnError
from orchestrd.forging import Forging, Made
from orchestrd.logs import log_commit, log_error
from orchestrd.model.errors import FaultError, OrchestrdError
from orchestrd.model.notice_settings import ChannelSettings
from orchestrd.model.settings import Configuration
from orchestrd.notifiers.context import NotifierContext
from orchestrd.notify import NotifySocket, Supervision, take_supervision
from orchestrd.plugins import Plugins
from orchestrd.ports import Agent, Notifier, Runtime
from orchestrd.reloading import Flags, Reloading, read_configuration, settings_of
from orchestrd.runtimes.commands import KeptCommands
from orchestrd.runtimes.context import RuntimeContext
from orchestrd.runtimes.measuring import ProcessMeter
from orchestrd.runtimes.scopes import Scopes, scopes_here
from orchestrd.screens import Found, Screens
from orchestrd.store.attachments import FileAttachments
from orchestrd.store.files import FileStore
from orchestrd.store.inbox import FileInbox
from orchestrd.store.owner import refuse_foreign
from orchestrd.store.pulse import feel_pulse
from orchestrd.watchdog import Watchdog
from orchestrd.workspaces.checkouts import GitCheckouts
from orchestrd.workspaces.context import WorkspaceContext
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.managed import ManagedWorktrees
from orchestrd.workspaces.trees import GitTrees

STDERR = 2
IMPORTED_LATE = ("orchestrd.runtimes.tmux_command", "orchestrd.runtimes.tmux_server")  # by the first who needs them
OF_OTHERS_IMPORTED_LATE = ("httpx", "httpcore", "anyio._backends._asyncio")  # the same; the latter two by httpx itself

log = structlog.get_logger()


class Face(Actor):
    """What the world comes in by, as the last part to start, and the first to stop."""

    def __init__(self, name: str, server: ApiServer | WebhookServer, on_error: OnError) -> None:
        super().__init__(on_error)
        self.name = name
        self._server = server

    async def started(self) -> None:
        """Answer from now on."""
        await self._server.started()

    async def stopped(self) -> None:
        """Answer no more."""
        await self._server.stopped()


def run(layout: Layout, flags: Flags) -> int:
    """Run the daemon of one home until a signal or a fault ends it; gives the exit code.

    Raises RefusedError when the home has a daemon (`already_running`) or is another user's (`foreign_home`), UsageError
    where its configuration is wrong.
    """
    refuse_foreign(layout.home)
    return asyncio.run(_serve(layout, flags, read_configuration(flags)))


async def _serve(layout: Layout, flags: Flags, configuration: Configuration) -> int:
    loop = asyncio.get_running_loop()
    ending: asyncio.Future[FaultError | None] = loop.create_future()
    clock, supervision = SystemClock(), take_supervision(os.environ, os.getpid())
    supervisor = NotifySocket(supervision.address, f"answers on {layout.socket}")

    def tell(error: OrchestrdError | None) -> None:
        loop.call_soon_threadsafe(engine.report, "scopes", error)

    scopes = scopes_here(configuration.limits, clock, tell)
    plugins = Plugins()
    runtimes = plugins.runtimes(RuntimeContext(layout=layout, clock=clock, scopes=scopes))
    settings = settings_of(configuration, flags)
    agents, git = plugins.agents(), Git()
    forging = Forging(configuration.forge, plugins, layout, clock, git)
    engine = _engine(
        layout, settings, clock, plugins, git, runtimes=runtimes, agents=agents, forging=forging, ending=ending
    )
    screens = Screens(agents, os.environ)
    screens.take(await asyncio.to_thread(screens.read), engine.report)
    engine.on_commit(log_commit)
    _open(engine, layout, clock, supervision.sockets)
    webhooks = forging.server(engine)
    engine.registry.add(Face("webhooks", webhooks, log_error))
    reloading = _reloading(
        engine, flags, supervisor, scopes=scopes, screens=screens, forging=forging, webhooks=webhooks
    )
    _watch(engine, layout, supervision, supervisor)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, ending)
    loop.add_signal_handler(signal.SIGHUP, _hang_up, ending, reloading, os.isatty(STDERR))
    await supervisor.status("recovering")
    await engine.start()
    if supervision.address is not None:
        await asyncio.to_thread(_import_all)
    await supervisor.ready()
    log.info("daemon_started", pid=settings.pid, home=layout.home, version=settings.version)
    fault = await ending
    await supervisor.stopping()
    await engine.stop()
    for runtime in runtimes.values():
        await runtime.close()
    supervisor.close()
    log.info("daemon_stopped", pid=settings.pid, fault=fault.message if fault else None)
    return 1 if fault else 0


def _engine(
    layout: Layout,
    settings: Settings,
    clock: SystemClock,
    plugins: Plugins,
    git: Git,
    *,
    runtimes: dict[str, Runtime],
    agents: dict[str, Agent],
    forging: Forging,
    ending: "asyncio.Future[FaultError | None]",
) -> Engine:
    attachments = FileAttachments(layout)
    adapters = Adapters(
        layout=layout,
        clock=clock,
        store=FileStore(layout),
        inbox=FileInbox(layout),
        attachments=attachments,
        runtimes=runtimes,
        gatherer=FileGatherer(layout),
        agents=agents,
        workspaces=plugins.workspaces(WorkspaceContext(layout=layout, git=git)),
        worktrees=ManagedWorktrees(layout.worktrees, git),
        checkouts=GitCheckouts(git),
        trees=GitTrees(git),
        forges=forging.forges,
        runner=KeptCommands(layout, attachments),
        meter=ProcessMeter(layout),
        make_notifier=partial(_notifier, plugins, layout, clock),
        read_screen=attachments.read_screen,
    )
    engine = Engine(adapters, settings, log_error, lambda fault: _end(ending, fault))
    for trouble in (*plugins.troubles, *forging.troubles):
        engine.report(trouble.part, trouble.error)
    return engine


def _notifier(plugins: Plugins, layout: Layout, clock: SystemClock, name: str, settings: ChannelSettings) -> Notifier:
    """Make the notifier of one channel."""
    context = NotifierContext(
        name=name, settings=settings, layout=layout, clock=clock, environ=os.environ, on_error=log_error
    )
    return plugins.notifier(context)


def _open(engine: Engine, layout: Layout, clock: SystemClock, sockets: Sequence[int]) -> None:
    """Let the world in."""
    engine.registry.add(NudgeFifo(layout.nudge, engine.service.nudge, log_error))
    engine.registry.add(Face("api", ApiServer(engine.service, layout, clock, sockets), log_error))


def _import_all() -> None:
    for name in (*IMPORTED_LATE, *OF_OTHERS_IMPORTED_LATE):
        importlib.import_module(name)


def _watch(engine: Engine, layout: Layout, supervision: Supervision, supervisor: NotifySocket) -> None:
    """Have the supervisor's watchdog fed, where it has one."""
    if supervision.watchdog_s is not None:
        watchdog = Watchdog(
            watchdog_s=supervision.watchdog_s,
            supervisor=supervisor,
            sign_due_s=lambda: engine.sign_due_s,
            look=partial(feel_pulse, f"{layout.run}/pulse"),
            on_error=log_error,
        )
        engine.registry.add(watchdog)


def _reloading(
    engine: Engine,
    flags: Flags,
    supervisor: NotifySocket,
    *,
    scopes: Scopes | None,
    screens: Screens,
    forging: Forging,
    webhooks: WebhookServer,
) -> Reloading[tuple[Configuration, Found, Made | None]]:
    def read() -> tuple[Configuration, Found, Made | None]:
        configuration, rules = read_configuration(flags), screens.read()
        return configuration, rules, forging.remade(configuration.forge, webhooks)

    async def take(found: tuple[Configuration, Found, Made | None]) -> None:
        configuration, rules, made = found
        if made is not None:
            await forging.take(made, engine, webhooks)
        engine.take(settings_of(configuration, flags))
        if scopes is not None:
            scopes.take(configuration.limits)
        screens.take(rules, engine.report)
        log.info("settings_taken")

    reloading = Reloading(read, take, engine.refuse, supervisor, log_error)
    engine.registry.add(reloading)
    return reloading


def _hang_up(ending: "asyncio.Future[FaultError | None]", reloading: Reloading[Any], had_terminal: bool) -> None:  # noqa: FBT001 - called by the loop
    """Tell a terminal that was closed from a wish to read the configuration again."""
    if not had_terminal or os.isatty(STDERR):
        reloading.want()
    elif not ending.done():  # kernel and shell both tell of it: that is no second wish
        _let_go_of_terminal()
        _end(ending)


def _let_go_of_terminal() -> None:
    """Give what is still to be said somewhere to go."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, STDERR):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _end(ending: "asyncio.Future[FaultError | None]", fault: FaultError | None = None) -> None:
    """End the daemon; who asks twice is taken at their word."""
    if not ending.done():
        ending.set_result(fault)
    elif fault is None:
        os._exit(1)
