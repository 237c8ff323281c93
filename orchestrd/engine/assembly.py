"""The assembly: the engine put together from ports, in the order its parts start; it knows no adapter by name.

Started in this order and stopped in the reverse: the ledger takes the home over before anything else and lets go of
it last; what waited in the inbox is taken in before the lifecycle ticks; faces are added by the composition root,
behind all this.
"""

from collections.abc import Callable, Mapping

from orchestrd.engine.actor import Actor, Registry
from orchestrd.engine.actuator import Actuator
from orchestrd.engine.adapters import Adapters
from orchestrd.engine.answerer import Answerer
from orchestrd.engine.archiving import Archiving
from orchestrd.engine.bus import Bus
from orchestrd.engine.claims import Claims
from orchestrd.engine.cleaning import Cleaning
from orchestrd.engine.deadlines import Deadlines
from orchestrd.engine.forges import Forges
from orchestrd.engine.home_events import HomeEvents
from orchestrd.engine.intake import Intake
from orchestrd.engine.judging import Judging
from orchestrd.engine.lane import Lane
from orchestrd.engine.launching import Launching
from orchestrd.engine.ledger import Ledger
from orchestrd.engine.lifecycle import Lifecycle, LifecycleManager
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.outward import Outward
from orchestrd.engine.presence import Presence, Settings
from orchestrd.engine.prober import Prober
from orchestrd.engine.roster import OnCommit, Roster
from orchestrd.engine.sending import Sending
from orchestrd.engine.service import EngineService
from orchestrd.engine.tasks import OnError
from orchestrd.engine.troubles import Troubles
from orchestrd.engine.typist import Typist
from orchestrd.engine.upkeep import Upkeep
from orchestrd.engine.witnesses import Witnesses
from orchestrd.model.document import Document, SpawnRequest
from orchestrd.model.errors import FaultError, OrchestrdError
from orchestrd.ports import Forge

_RELOADING = "the settings were not read again"


class Engine:
    """All parts of the engine. `registry` starts and stops them; `service` is what faces are built on."""

    def __init__(
        self, adapters: Adapters, settings: Settings, on_error: OnError, on_fault: Callable[[FaultError], None]
    ) -> None:
        clock = adapters.clock
        self._adapters = adapters
        self._on_error = on_error
        self._bus, self._roster, self._troubles = Bus(), Roster(on_error), Troubles(on_error)
        self._forges = Forges(adapters.forges, on_error)
        self._ledger = Ledger(
            store=adapters.store,
            roster=self._roster,
            bus=self._bus,
            clock=clock,
            troubles=self._troubles,
            on_error=on_error,
            on_fault=on_fault,
        )
        self._home_events = HomeEvents(adapters.store, self._ledger, clock, on_error)
        self._mailboxes = Mailboxes(self._ledger, self._roster, clock, settings.thresholds, on_error)
        self._launching = Launching(
            adapters.layout,
            adapters.attachments,
            adapters.runtimes,
            adapters.agents,
            adapters.workspaces,
            with_hooks=settings.with_hooks,
        )
        self._presence = presence = self._presence_of(settings)
        self._sending = self._sender()
        self._claims = Claims(self._roster, adapters.layout)
        prober = self._prober()
        intake = self._intake(prober)
        actuator, cleaning = self._actuator(prober), self._cleaning(intake)
        archiving = self._archiving(cleaning)
        self._lane = lane = Lane(
            roster=self._roster,
            mailboxes=self._mailboxes,
            clock=clock,
            place_of=self._launching.place,
            max_running=settings.max_running,
            on_error=on_error,
        )
        self._outward = outward = self._outward_of(prober, settings)
        lifecycle = self._lifecycle(intake, lane, prober, archiving, settings)
        self.registry = Registry(on_error)
        parts: tuple[Actor, ...] = (self._ledger, presence, self._mailboxes, cleaning, actuator, prober, lane)
        for part in (*parts, self._sending, intake, *outward.parts, lifecycle):
            self.registry.add(part)
        self.service = self._service(presence, intake, prober, cleaning, archiving)

    async def start(self) -> None:
        """Start every part; one that fails undoes the start and is raised."""
        await self.registry.start()

    async def stop(self) -> None:
        """Let every follower go, finish what waits, and leave the runs alone."""
        self._bus.close()
        await self.registry.stop()

    def ask(self, forges: Mapping[str, Forge]) -> None:
        """Ask these forges from now on; the settings that go with them are taken right after."""
        self._forges.take(forges)

    def take(self, settings: Settings) -> None:
        """Go on with other settings; who the daemon is stays as it is."""
        self._presence.take(settings)
        self._upkeep.take(settings)
        self._mailboxes.thresholds = settings.thresholds
        self._lane.max_running = settings.max_running
        self._lane.wake()
        self._launching.with_hooks = settings.with_hooks
        self._outward.take(settings)
        self._manager.tick_every(settings.interval_s)
        self._troubles.works(_RELOADING)

    def refuse(self, error: OrchestrdError) -> None:
        """Go on with the settings there are, and say why others were not taken."""
        self._presence.refuse(error.message)
        self._troubles.failed(_RELOADING, error)

    def on_commit(self, callback: OnCommit) -> None:
        """Call this after every commit of a session, on the loop, when it was published; it must not wait."""
        self._roster.on_commit(callback)

    def report(self, part: str, error: BaseException | None) -> None:
        """Say what is wrong with a part outside of the engine; null: nothing any more."""
        if error is None:
            self._troubles.works(part)
        else:
            self._troubles.failed(part, error)

    @property
    def sign_due_s(self) -> float:
        """When the tick shows at the latest that it has got further, on the loop's clock."""
        return self._manager.sign_due_s

    def _presence_of(self, settings: Settings) -> Presence:
        return Presence(
            ledger=self._ledger,
            home_events=self._home_events,
            troubles=self._troubles,
            clock=self._adapters.clock,
            layout=self._adapters.layout,
            settings=settings,
            forges=self._forges,
            on_error=self._on_error,
        )

    def _actuator(self, prober: Prober) -> Actuator:
        adapters = self._adapters
        typist = Typist(self._roster, self._launching, adapters.attachments, adapters.clock, prober.look_at)
        return Actuator(
            roster=self._roster,
            mailboxes=self._mailboxes,
            launching=self._launching,
            typist=typist,
            answerer=Answerer(self._roster, self._launching, adapters.clock, prober.look_at),
            read_screen=adapters.read_screen,
            on_error=self._on_error,
        )

    def _prober(self) -> Prober:
        witnesses = Witnesses(
            roster=self._roster,
            agents=self._adapters.agents,
            gatherer=self._adapters.gatherer,
            attachments=self._adapters.attachments,
            clock=self._adapters.clock,
        )
        return Prober(
            roster=self._roster,
            mailboxes=self._mailboxes,
            home_events=self._home_events,
            runtimes=self._adapters.runtimes,
            witnesses=witnesses,
            on_error=self._on_error,
        )

    def _sender(self) -> Sending:
        return Sending(
            roster=self._roster,
            mailboxes=self._mailboxes,
            launching=self._launching,
            attachments=self._adapters.attachments,
            on_error=self._on_error,
        )

    def _intake(self, prober: Prober) -> Intake:
        return Intake(
            store=self._adapters.store,
            inbox=self._adapters.inbox,
            ledger=self._ledger,
            roster=self._roster,
            mailboxes=self._mailboxes,
            sending=self._sending,
            claims=self._claims,
            home_events=self._home_events,
            look_at=prober.look_at,
            on_error=self._on_error,
        )

    def _outward_of(self, prober: Prober, settings: Settings) -> Outward:
        return Outward(
            self._adapters,
            settings,
            forges=self._forges,
            roster=self._roster,
            mailboxes=self._mailboxes,
            prober=prober,
            spawn=self._spawn,
            troubles=self._troubles,
            on_error=self._on_error,
        )

    async def _spawn(self, request: SpawnRequest) -> tuple[Document, bool]:
        return await self.service.spawn(request)  # which is made of all the rest

    def _lifecycle(
        self, intake: Intake, lane: Lane, prober: Prober, archiving: Archiving, settings: Settings
    ) -> Lifecycle:
        clock = self._adapters.clock
        deadlines = Deadlines(self._roster, self._mailboxes, clock, prober.look_at, self._on_error)
        self._upkeep = upkeep = Upkeep(
            attachments=self._adapters.attachments,
            archiving=archiving,
            roster=self._roster,
            clock=clock,
            settings=settings,
            on_error=self._on_error,
        )
        self._manager = manager = LifecycleManager(
            ledger=self._ledger,
            intake=intake,
            deadlines=deadlines,
            lane=lane,
            prober=prober,
            reactor=self._outward.reactor,
            upkeep=upkeep,
            troubles=self._troubles,
            interval_s=settings.interval_s,
            on_error=self._on_error,
        )
        return Lifecycle(manager, deadlines, self._roster, self._mailboxes, self._on_error)

    def _cleaning(self, intake: Intake) -> Cleaning:
        return Cleaning(
            worktrees=self._adapters.worktrees,
            roster=self._roster,
            read_only=intake.read_only,
            store=self._adapters.store,
            on_error=self._on_error,
        )

    def _archiving(self, cleaning: Cleaning) -> Archiving:
        return Archiving(
            layout=self._adapters.layout,
            store=self._adapters.store,
            ledger=self._ledger,
            roster=self._roster,
            cleaning=cleaning,
        )

    def _service(
        self, presence: Presence, intake: Intake, prober: Prober, cleaning: Cleaning, archiving: Archiving
    ) -> EngineService:
        return EngineService(
            layout=self._adapters.layout,
            clock=self._adapters.clock,
            facts=presence.facts,
            store=self._adapters.store,
            attachments=self._adapters.attachments,
            ledger=self._ledger,
            bus=self._bus,
            roster=self._roster,
            mailboxes=self._mailboxes,
            launching=self._launching,
            intake=intake,
            prober=prober,
            sending=self._sending,
            claims=self._claims,
            issues=self._outward.issues,
            cleaning=cleaning,
            archiving=archiving,
            judging=Judging(self._outward.reactor, self._outward.courier, self._adapters.clock),
            forge_watch=self._outward.forge_watch,
            meter=self._adapters.meter,
            channels=self._outward.channels,
        )
