"""The presence of the daemon itself: who answers, since when, and the events of its start and its graceful stop."""

from collections.abc import Mapping
from datetime import UTC, tzinfo

from msgspec import Struct, field

from orchestrd.core.layout import Layout
from orchestrd.engine.actor import Actor
from orchestrd.engine.forges import Forges
from orchestrd.engine.home_events import HomeEvents
from orchestrd.engine.ledger import Ledger
from orchestrd.engine.tasks import OnError
from orchestrd.engine.troubles import Troubles
from orchestrd.model.document import DaemonFacts
from orchestrd.model.event import EventType
from orchestrd.model.limits import ARCHIVE_AFTER_S, LOG_BYTES_MAX
from orchestrd.model.notice_settings import ChannelSettings, NotifySettings
from orchestrd.model.reaction import Reaction
from orchestrd.model.thresholds import Thresholds
from orchestrd.ports import Clock


class Settings(Struct, frozen=True, kw_only=True):
    """What the user may choose, and who the daemon is. `fixed`: what a flag has said, so that no file changes it."""

    interval_s: float
    max_running: int
    archive_after_s: float = ARCHIVE_AFTER_S
    log_bytes_max: int = LOG_BYTES_MAX
    thresholds: Thresholds = Thresholds()
    with_hooks: bool = True  # agents are launched with hooks of ours
    reactions: tuple[Reaction, ...] = ()
    notify: NotifySettings = NotifySettings()
    channels: Mapping[str, ChannelSettings] = field(default_factory=dict)
    remote: str = "origin"  # that branches are pushed to
    zone: tzinfo = UTC  # of the clocks on the wall: quiet hours go by it
    pid: int
    version: str
    config: str | None = None  # the file that is read
    fixed: tuple[str, ...] = ()


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
        forges: Forges,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._ledger = ledger
        self._home_events = home_events
        self._troubles = troubles
        self._layout = layout
        self._settings = settings
        self._forges = forges
        self._since = clock.now().at
        self._reloads = 0
        self._refused: str | None = None

    async def started(self) -> None:
        """Record the start."""
        await self._home_events.tell(EventType.DAEMON_STARTED, epoch=self._ledger.epoch, pid=self._settings.pid)

    async def stopped(self) -> None:
        """Record the graceful stop; after a crash there is no such event."""
        await self._home_events.tell(EventType.DAEMON_STOPPED, epoch=self._ledger.epoch, pid=self._settings.pid)

    def take(self, settings: Settings) -> None:
        """Tell of other settings from now on."""
        self._settings = settings
        self._reloads += 1
        self._refused = None

    def refuse(self, reason: str) -> None:
        """Tell why a reload has changed nothing."""
        self._reloads += 1
        self._refused = reason

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
            troubles=self._troubles.told,
            config=self._settings.config,
            fixed=self._settings.fixed,
            reloads=self._reloads,
            refused=self._refused,
            allowances=tuple(allowance for forge in self._forges.current.values() for allowance in forge.allowances()),
        )
