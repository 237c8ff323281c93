"""The parts of the engine that look beyond runs: at forges, people, commands and other sessions; put together.

What they see and do comes back by mailboxes, as everything does. The reactor is told of each look, for what is due may
wait for one.
"""

from orchestrd.engine.actor import Actor
from orchestrd.engine.adapters import Adapters
from orchestrd.engine.channels import Channels
from orchestrd.engine.courier import Courier
from orchestrd.engine.errands import Errands
from orchestrd.engine.forge_watch import ForgeWatch
from orchestrd.engine.forges import Forges
from orchestrd.engine.issues import Issues
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.merger import Merger
from orchestrd.engine.presence import Settings
from orchestrd.engine.prober import Prober
from orchestrd.engine.reactor import Reactor
from orchestrd.engine.roster import Roster
from orchestrd.engine.spawning import Spawn, Spawning
from orchestrd.engine.tasks import OnError
from orchestrd.engine.troubles import Troubles
from orchestrd.engine.verifier import Verifier


class Outward:
    """All of them. `parts` are in the order in which they start."""

    def __init__(
        self,
        adapters: Adapters,
        settings: Settings,
        *,
        forges: Forges,
        roster: Roster,
        mailboxes: Mailboxes,
        prober: Prober,
        spawn: Spawn,
        troubles: Troubles,
        on_error: OnError,
    ) -> None:
        self._adapters, self._forges = adapters, forges
        self._roster, self._mailboxes, self._troubles = roster, mailboxes, troubles
        self._on_error = on_error
        self.channels = Channels(adapters.make_notifier)
        self.forge_watch = self._forge_watch(settings)
        self.issues = Issues(forges, adapters.checkouts, lambda: self.forge_watch.remote)
        self.reactor = self._reactor(settings)
        self.courier = self._courier(settings)
        runner = adapters.runner
        self.parts: tuple[Actor, ...] = (
            forges,
            self.forge_watch,
            self.courier,
            self._merger(),
            Verifier(roster, mailboxes, runner, adapters.trees, on_error),
            Errands(roster, mailboxes, runner, on_error),
            self._spawning(spawn),
            self.reactor,
        )
        prober.on_look(self.reactor.looked)
        self.forge_watch.on_look(self.reactor.change_told)

    def take(self, settings: Settings) -> None:
        """Go on with other settings."""
        self.forge_watch.take(settings.remote)
        self.courier.use(settings.notify, settings.channels, settings.zone)
        self.reactor.take(settings.reactions)

    def _forge_watch(self, settings: Settings) -> ForgeWatch:
        return ForgeWatch(
            forges=self._forges,
            checkouts=self._adapters.checkouts,
            roster=self._roster,
            mailboxes=self._mailboxes,
            clock=self._adapters.clock,
            troubles=self._troubles,
            remote=settings.remote,
            on_error=self._on_error,
        )

    def _reactor(self, settings: Settings) -> Reactor:
        return Reactor(
            roster=self._roster,
            mailboxes=self._mailboxes,
            clock=self._adapters.clock,
            reactions=settings.reactions,
            change_seen_at=self.forge_watch.seen_at,
            on_error=self._on_error,
        )

    def _courier(self, settings: Settings) -> Courier:
        courier = Courier(
            channels=self.channels,
            roster=self._roster,
            mailboxes=self._mailboxes,
            clock=self._adapters.clock,
            troubles=self._troubles,
            on_error=self._on_error,
        )
        courier.use(settings.notify, settings.channels, settings.zone)
        return courier

    def _merger(self) -> Merger:
        return Merger(
            forges=self._forges,
            look_now=self.forge_watch.look_now,
            roster=self._roster,
            mailboxes=self._mailboxes,
            on_error=self._on_error,
        )

    def _spawning(self, spawn: Spawn) -> Spawning:
        return Spawning(
            layout=self._adapters.layout,
            roster=self._roster,
            mailboxes=self._mailboxes,
            attachments=self._adapters.attachments,
            spawn=spawn,
            on_error=self._on_error,
        )
