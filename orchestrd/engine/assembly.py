"""The assembly: the engine put together from ports, in the order its parts start; it knows no adapter by name.

Started in this order and stopped in the reverse: the ledger takes the home over before anything else and lets go of
it last; what waited in the inbox is taken in before the lifecycle ticks; faces are added by the composition root,
behind all this.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.engine.actor import Actor, Registry
from orchestrd.engine.actuator import Actuator, ReadScreen
from orchestrd.engine.bus import Bus
from orchestrd.engine.deadlines import Deadlines
from orchestrd.engine.home_events import HomeEvents
from orchestrd.engine.intake import Intake
from orchestrd.engine.lane import Lane
from orchestrd.engine.launching import Launching
from orchestrd.engine.ledger import Ledger
from orchestrd.engine.lifecycle import Lifecycle, LifecycleManager
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.presence import Presence, Settings
from orchestrd.engine.prober import Prober
from orchestrd.engine.roster import Roster
from orchestrd.engine.service import EngineService
from orchestrd.engine.tasks import OnError
from orchestrd.engine.upkeep import Upkeep
from orchestrd.model.errors import FaultError
from orchestrd.ports import Agent, Attachments, Clock, Inbox, Runtime, Store, WorkspaceKeeper


class Adapters(Struct, frozen=True, kw_only=True):
    """Everything of the world that the engine is given."""

    layout: Layout
    clock: Clock
    store: Store
    inbox: Inbox
    attachments: Attachments
    runtimes: Mapping[str, Runtime]
    agents: Mapping[str, Agent]
    workspaces: Mapping[str, WorkspaceKeeper]
    read_screen: ReadScreen


class Engine:
    """All parts of the engine. `registry` starts and stops them; `service` is what faces are built on."""

    def __init__(
        self, adapters: Adapters, settings: Settings, on_error: OnError, on_fault: Callable[[FaultError], None]
    ) -> None:
        clock, store = adapters.clock, adapters.store
        bus, roster = Bus(), Roster(on_error)
        self._bus = bus
        ledger = Ledger(store=store, roster=roster, bus=bus, clock=clock, on_error=on_error, on_fault=on_fault)
        home_events = HomeEvents(ledger, clock, on_error)
        presence = Presence(
            ledger=ledger,
            home_events=home_events,
            clock=clock,
            layout=adapters.layout,
            settings=settings,
            on_error=on_error,
        )
        mailboxes = Mailboxes(ledger, roster, clock, on_error)
        launching = Launching(adapters.layout, adapters.runtimes, adapters.agents, adapters.workspaces)
        actuator = Actuator(roster, mailboxes, launching, adapters.read_screen, on_error)
        prober = Prober(
            roster=roster,
            mailboxes=mailboxes,
            home_events=home_events,
            runtimes=adapters.runtimes,
            agents=adapters.agents,
            clock=clock,
            on_error=on_error,
        )
        lane = Lane(roster, mailboxes, settings.max_running, on_error)
        intake = Intake(
            store=store,
            inbox=adapters.inbox,
            ledger=ledger,
            roster=roster,
            mailboxes=mailboxes,
            home_events=home_events,
            on_error=on_error,
        )
        deadlines = Deadlines(roster, mailboxes, clock, prober.look_at, on_error)
        upkeep = Upkeep(
            store=store,
            attachments=adapters.attachments,
            ledger=ledger,
            roster=roster,
            clock=clock,
            on_error=on_error,
        )
        manager = LifecycleManager(
            intake=intake,
            deadlines=deadlines,
            lane=lane,
            prober=prober,
            upkeep=upkeep,
            interval_s=settings.interval_s,
            on_error=on_error,
        )
        lifecycle = Lifecycle(manager, deadlines, roster, mailboxes, on_error)
        self.registry = Registry(on_error)
        parts: tuple[Actor, ...] = (ledger, presence, mailboxes, actuator, prober, lane, intake, lifecycle)
        for part in parts:
            self.registry.add(part)
        self.service = EngineService(
            layout=adapters.layout,
            clock=clock,
            facts=presence.facts,
            store=store,
            attachments=adapters.attachments,
            ledger=ledger,
            bus=bus,
            roster=roster,
            mailboxes=mailboxes,
            launching=launching,
            intake=intake,
            prober=prober,
        )

    async def start(self) -> None:
        """Start every part; one that fails undoes the start and is raised."""
        await self.registry.start()

    async def stop(self) -> None:
        """Let every follower go, finish what waits, and leave the runs alone."""
        self._bus.close()
        await self.registry.stop()
