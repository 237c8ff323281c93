"""The channels over which a person is told: each made before it is needed, and made again when it is set otherwise.

Invariant: whatever a notifier does, telling ends, within a bound, in having told or in an error of ours; and what it
raises that is none of ours is not repeated, for nobody knows what secrets stand in it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import tzinfo

from orchestrd.core.notifying import Routing, routing_of
from orchestrd.model.errors import NotFoundError, OrchestrdError, TransientError
from orchestrd.model.limits import NOTIFY_ANSWER_S, NOTIFY_END_S
from orchestrd.model.notice import Notice
from orchestrd.model.notice_settings import ChannelSettings, NotifySettings
from orchestrd.ports import Notifier

MakeNotifier = Callable[[str, ChannelSettings], Notifier]  # raises OrchestrdError; blocking: called from a thread


class Channels:
    """Those that are set and on, by name, and who of them is told what."""

    def __init__(self, make: MakeNotifier) -> None:
        self._make = make
        self._settings: dict[str, ChannelSettings] = {}
        self._notifiers: dict[str, Notifier] = {}
        self._outdated: list[Notifier] = []
        self._making: dict[str, asyncio.Lock] = {}
        self._on_told: Callable[[str], None] = lambda _: None
        self.routing = Routing(routes={})

    @property
    def names(self) -> tuple[str, ...]:
        """Name them, in the order in which they are set."""
        return tuple(self._settings)

    def kind_of(self, name: str) -> str:
        """Tell what kind of channel it is. Raises NotFoundError."""
        if name not in self._settings:
            raise NotFoundError(f"there is no channel {name!r} that is on", hint="orch config show")
        return self._settings[name].kind

    def take(self, notify: NotifySettings, channels: Mapping[str, ChannelSettings], zone: tzinfo) -> None:
        """Go on with what is set now. What is being told goes on; what is needed no more waits to be closed."""
        before, self._settings = self._settings, {name: one for name, one in channels.items() if one.enabled}
        for name in [name for name in self._notifiers if before.get(name) != self._settings.get(name)]:
            self._outdated.append(self._notifiers.pop(name))
        self._making = {name: lock for name, lock in self._making.items() if name in self._settings}
        self.routing = routing_of(notify, channels, zone)

    async def prepare(self, name: str) -> None:
        """Make the notifier of a channel before it is needed: what is wrong with it is better known then."""
        async with _bounded(name):
            await self._notifier(name)

    async def tell(self, name: str, notices: Sequence[Notice]) -> None:
        """Tell these over one channel. Raises what its notifier raises, and NotFoundError."""
        async with _bounded(name):
            await (await self._notifier(name)).tell(notices)
        self._on_told(name)

    def on_told(self, callback: Callable[[str], None]) -> None:
        """Call this with a channel that was told something, by whomever: it works."""
        self._on_told = callback

    async def close_outdated(self) -> None:
        """Let go of the notifiers that are needed no more."""
        outdated, self._outdated = self._outdated, []
        for notifier in outdated:
            with contextlib.suppress(Exception):  # what foreign code does at its end is nobody's trouble any more
                async with asyncio.timeout(NOTIFY_END_S):
                    await notifier.close()

    async def close(self) -> None:
        """Let go of all notifiers."""
        self._outdated += self._notifiers.values()
        self._notifiers = {}
        await self.close_outdated()

    async def _notifier(self, name: str) -> Notifier:
        """Give the notifier of a channel; one that is slow to be made keeps no other waiting."""
        async with self._making.setdefault(name, asyncio.Lock()):
            if known := self._notifiers.get(name):
                return known
            self.kind_of(name)
            settings = self._settings[name]
            made = await asyncio.to_thread(self._make, name, settings)
            if self._settings.get(name) == settings:
                self._notifiers[name] = made
            else:  # it was set otherwise meanwhile: this one tells but now
                self._outdated.append(made)
            return made


@contextlib.asynccontextmanager
async def _bounded(name: str) -> AsyncIterator[None]:
    """Bound what a channel does, and make an error of ours of whatever it raises."""
    try:
        async with asyncio.timeout(NOTIFY_ANSWER_S + NOTIFY_END_S):
            yield
    except TimeoutError:
        told = f"the channel {name} did not take it within {NOTIFY_ANSWER_S:.0f} seconds"
        raise TransientError(told, code="channel_late", hint="orch doctor") from None
    except OrchestrdError:
        raise
    except Exception as error:  # noqa: BLE001 - foreign code may raise anything, with anything in it
        told = f"the channel {name} failed with {type(error).__name__}"
        raise TransientError(told, code="channel_failed", hint="orch doctor") from None
