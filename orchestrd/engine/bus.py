"""The bus: tells whoever subscribes, never waits for anyone, and says how much a slow one has lost.

Lossy and bounded per subscriber, oldest dropped and counted: received + lost == published. Who must not lose anything
follows the journal instead and is only woken from here (see `follower`).
"""

import asyncio
from collections import deque
from collections.abc import Collection

from msgspec import Struct

from orchestrd.model.limits import SUBSCRIBER_EVENTS_MAX


class Notice(Struct, frozen=True):
    """One event on the bus: its number, and its journal line."""

    sequence: int
    line: bytes


class Subscription:
    """One subscriber's own queue."""

    def __init__(self, bus: "Bus", capacity: int) -> None:
        self._bus = bus
        self._waiting: deque[Notice] = deque(maxlen=capacity)
        self._wake = asyncio.Event()
        self.lost = 0
        self.is_closed = False

    async def wait(self) -> None:
        """Return when there is something to take, or nothing will ever come again."""
        await self._wake.wait()

    def take(self) -> list[Notice]:
        """Take all that waits, oldest first."""
        notices = list(self._waiting)
        self._waiting.clear()
        if not self.is_closed:
            self._wake.clear()
        return notices

    def close(self) -> None:
        """Receive nothing more; a waiter is let go."""
        self.is_closed = True
        self._wake.set()
        self._bus.drop(self)

    def give(self, notices: Collection[Notice]) -> None:
        """Add to the queue, which drops the oldest where it is full; for the bus."""
        offered = len(self._waiting) + len(notices)
        self._waiting.extend(notices)
        self.lost += offered - len(self._waiting)
        self._wake.set()


class Bus:
    """Fan-out to bounded queues."""

    def __init__(self) -> None:
        self._subscriptions: dict[Subscription, None] = {}
        self._is_closed = False

    def subscribe(self, capacity: int = SUBSCRIBER_EVENTS_MAX) -> Subscription:
        """Hear of every event from now on; of none, once the bus is closed."""
        subscription = Subscription(self, capacity)
        self._subscriptions[subscription] = None
        if self._is_closed:
            subscription.close()
        return subscription

    def drop(self, subscription: Subscription) -> None:
        """Forget a subscription; for `Subscription.close`."""
        self._subscriptions.pop(subscription, None)

    def publish(self, notices: list[Notice]) -> None:
        """Tell all, in the order of their numbers. Never waits."""
        for subscription in tuple(self._subscriptions):
            subscription.give(notices)

    def close(self) -> None:
        """Let every subscriber go, and whoever comes later."""
        self._is_closed = True
        for subscription in tuple(self._subscriptions):
            subscription.close()
