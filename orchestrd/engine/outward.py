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
        roster: Roster,
        mailboxes: Mailboxes,
        prober: Prober,
        spawn: Spawn,
        troubles: Troubles,
        on_error: OnError,
    ) -> None:
        self.channels = Channels(adapters.make_notifier)
        self.forge_watch = ForgeWatch(
            forges=adapters.forges,
            checkouts=adapters.checkouts,
            roster=roster,
            mailboxes=mailboxes,
            clock=adapters.clock,
            troubles=troubles,
            remote=settings.remote,
            on_error=on_error,
        )
        self.issues = Issues(adapters.forges, adapters.checkouts, lambda: self.forge_watch.remote)
        self.reactor = Reactor(
            roster=roster,
            mailboxes=mailboxes,
            clock=adapters.clock,
            reactions=settings.reactions,
            change_seen_at=self.forge_watch.seen_at,
            on_error=on_error,
        )
        self.courier = Courier(
            channels=self.channels,
            roster=roster,
            mailboxes=mailboxes,
            clock=adapters.clock,
            troubles=troubles,
            on_error=on_error,
        )
        self.courier.use(settings.notify, settings.channels, settings.zone)
        self.parts: tuple[Actor, ...] = (
            self.forge_watch,
            self.courier,
            Merger(
                forges=adapters.forges,
                look_now=self.forge_watch.look_now,
                roster=roster,
                mailboxes=mailboxes,
                on_error=on_error,
            ),
            Verifier(roster, mailboxes, adapters.runner, adapters.trees, on_error),
            Errands(roster, mailboxes, adapters.runner, on_error),
            Spawning(
                layout=adapters.layout,
                roster=roster,
                mailboxes=mailboxes,
                attachments=adapters.attachments,
                spawn=spawn,
                on_error=on_error,
            ),
            self.reactor,
        )
        prober.on_look(self.reactor.looked)
        self.forge_watch.on_look(self.reactor.change_told)

    def take(self, settings: Settings) -> None:
        """Go on with other settings."""
        self.forge_watch.remote = settings.remote
        self.courier.use(settings.notify, settings.channels, settings.zone)
        self.reactor.take(settings.reactions)
