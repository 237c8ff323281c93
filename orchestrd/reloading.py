"""The settings of a daemon: read at its start, and again whenever it is told to; a flag wins over what is read.

What is wrong keeps a daemon from starting. In one that runs it changes nothing: the settings stay as they are, and that
is said. One reload at a time; whoever asks meanwhile is served by the next one, which reads all there is by then.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from msgspec import Struct, structs

from orchestrd import __version__
from orchestrd.clock import local_zone
from orchestrd.config import reactions_of
from orchestrd.configuring import configured
from orchestrd.core.layout import config_file_from
from orchestrd.engine.actor import Actor
from orchestrd.engine.presence import Settings
from orchestrd.engine.tasks import OnError
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.settings import DAY_S, MIB, Configuration
from orchestrd.model.thresholds import Thresholds
from orchestrd.notify import NotifySocket

Read = TypeVar("Read")


class Flags(Struct, frozen=True, kw_only=True):
    """What the command line of the daemon says, in the words of `[daemon]`; null: nothing."""

    interval_s: float | None = None
    max_running: int | None = None

    def given(self) -> dict[str, float]:
        """Give what it does say."""
        return {name: value for name, value in structs.asdict(self).items() if value is not None}


def read_configuration(flags: Flags, environ: Mapping[str, str] = os.environ) -> Configuration:
    """Read what holds for this daemon. Raises UsageError (`config`) where something is wrong."""
    told = configured(environ)
    told.refuse_mistakes()
    return structs.replace(told.configuration, daemon=structs.replace(told.configuration.daemon, **flags.given()))


def settings_of(configuration: Configuration, flags: Flags, environ: Mapping[str, str] = os.environ) -> Settings:
    """Give the engine's part of it."""
    daemon = configuration.daemon
    return Settings(
        interval_s=daemon.interval_s,
        max_running=daemon.max_running,
        archive_after_s=daemon.archive_after_days * DAY_S,
        log_bytes_max=daemon.log_mib_max * MIB,
        thresholds=Thresholds(stuck_after_s=daemon.stuck_after_s),
        with_hooks=daemon.hooks,
        reactions=reactions_of(configuration),
        notify=configuration.notify,
        channels=configuration.channels,
        remote=configuration.forge.remote,
        zone=local_zone(environ),
        pid=os.getpid(),
        version=__version__,
        config=config_file_from(environ),
        fixed=tuple(flags.given()),
    )


class Reloading(Actor, Generic[Read]):
    """Reads what is configured again, on a thread, and has it taken, or refused."""

    name = "reloading"

    def __init__(
        self,
        read: Callable[[], Read],
        take: Callable[[Read], Awaitable[None]],
        refuse: Callable[[OrchestrdError], None],
        supervisor: NotifySocket,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._read = read
        self._take = take
        self._refuse = refuse
        self._supervisor = supervisor
        self._is_wanted = False

    async def started(self) -> None:
        """Serve those who asked while the daemon was starting."""
        if self._is_wanted:
            self._tasks.spawn("reload", self._reload())

    def want(self) -> None:
        """Read it again, soon; many wishes are one reload, or two where one is under way."""
        is_under_way = len(self._tasks) > 0
        self._is_wanted = True
        if self._is_open and not is_under_way:
            self._tasks.spawn("reload", self._reload())

    async def _reload(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            await self._supervisor.reloading()
            try:
                await self._take(await asyncio.to_thread(self._read))
            except OrchestrdError as error:
                self._refuse(error)
            finally:
                await self._supervisor.ready()
