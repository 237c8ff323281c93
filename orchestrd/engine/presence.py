"""The presence of the daemon itself: who answers, since when, and the events of its start and its graceful stop."""

from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.engine.actor import Actor
from orchestrd.engine.home_events import HomeEvents
from orchestrd.engine.ledger import Ledger
from orchestrd.engine.tasks import OnError
from orchestrd.engine.troubles import Troubles
from orchestrd.model.document import DaemonFacts
from orchestrd.model.event import EventType
from orchestrd.ports import Clock


class Settings(Struct, frozen=True, kw_only=True):
    """What the user may choose, and who the daemon is."""

    interval_s: float
    max_running: int
    pid: int
    version: str


class Presence(Actor):
    """Says that this daemon has come, and that it has gone; started right after the ledger, stopped right before it."""

    name = "presence"

    def __init__(
        self,
        *,
        ledger: Ledger,
        home_events: HomeEvents,
        troubles: Troubles,
        clock: Clock,
        layout: Layout,
        settings: Settings,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._ledger = ledger
        self._home_events = home_events
        self._troubles = troubles
        self._layout = layout
        self._settings = settings
        self._since = clock.now().at

    async def started(self) -> None:
        """Record the start."""
        await self._home_events.tell(EventType.DAEMON_STARTED, epoch=self._ledger.epoch, pid=self._settings.pid)

    async def stopped(self) -> None:
        """Record the graceful stop; after a crash there is no such event."""
        await self._home_events.tell(EventType.DAEMON_STOPPED, epoch=self._ledger.epoch, pid=self._settings.pid)

    def facts(self) -> DaemonFacts:
        """Tell who answers."""
        return DaemonFacts(
            pid=self._settings.pid,
            version=self._settings.version,
            epoch=self._ledger.epoch,
            started_at=self._since,
            home=self._layout.home,
            interval_s=self._settings.interval_s,
            max_running=self._settings.max_running,
            sequence=self._ledger.tail,
            rejected=self._home_events.quarantined,
            trouble=self._troubles.newest,
        )
