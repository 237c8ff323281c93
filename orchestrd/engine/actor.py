"""Actors: the long-lived parts of the daemon, and the registry that starts and stops them.

An actor has `started()` and `stopped()`, a bounded mailbox, and typed messages, each with one response type. No
message is taken before `started` has ended or after `stopped` has begun: such a message gets `StoppedError`, never a
hang. What is in the mailbox when it is asked to stop is still answered, within a bound. An actor that has nothing to do
costs nothing: no task waits for its next message. The services that actors wrap can be tested alone.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from orchestrd.engine.tasks import OnError, TaskBag
from orchestrd.model.errors import OrchestrdError, TransientError, UsageError
from orchestrd.model.limits import ACTOR_MESSAGES_MAX, ACTOR_STOP_S, BATCH_COMMITS_MAX, DRAIN_S

R = TypeVar("R")


class StoppedError(OrchestrdError):
    """The actor takes no message: it has not started yet, or has begun to stop."""

    code = "stopped"


class Message(Generic[R]):
    """Base of all messages; R is the one type of the response."""


class Envelope:
    """A message with the future of its answer."""

    __slots__ = ("answer", "message")

    def __init__(self, message: Message[Any]) -> None:
        self.message = message
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def settle(self, response: object) -> None:
        """Answer, unless the asker has gone."""
        if self.answer.done():
            return
        if isinstance(response, BaseException):
            self.answer.set_exception(response)
        else:
            self.answer.set_result(response)


class Actor:
    """Base of all actors. Subclasses say what they do in `started`, `stopped` and `receive`."""

    name = "actor"
    batch_max = BATCH_COMMITS_MAX

    def __init__(self, on_error: OnError) -> None:
        self._on_error = on_error
        self._tasks = TaskBag(on_error)
        self._mailbox: deque[Envelope] = deque()
        self._is_open = False
        self._is_serving = False
        self._is_stopping = False

    async def started(self) -> None:
        """Acquire what the actor needs; an error here fails the start of the daemon."""

    async def stopped(self) -> None:
        """Let go of it."""

    async def receive(self, message: Message[Any]) -> object:
        """Handle one message and return its response."""
        raise UsageError(f"{self.name} takes no {type(message).__name__}")

    async def receive_batch(self, batch: Sequence[Envelope]) -> None:
        """Handle all that waits; one by one unless an actor can do better."""
        for envelope in batch:
            try:
                envelope.settle(await self.receive(envelope.message))
            except Exception as error:  # noqa: BLE001 - the asker gets the error, the actor lives
                envelope.settle(error)

    async def ask(self, message: Message[R]) -> R:
        """Send a message and wait for its response.

        Raises StoppedError outside the actor's life, TransientError when its mailbox is full, and whatever handling
        the message raised.
        """
        if not self._is_open:
            raise StoppedError(f"{self.name} takes no messages now", hint="orch daemon status")
        if len(self._mailbox) >= ACTOR_MESSAGES_MAX:
            raise TransientError(f"{self.name} has too much to do; try again in a moment", hint="orch daemon status")
        envelope = Envelope(message)
        self._mailbox.append(envelope)
        if not self._is_serving:
            self._is_serving = True
            self._tasks.spawn(f"{self.name} mailbox", self._serve())
        response: R = await envelope.answer
        return response

    async def start(self) -> None:
        """Bring the actor to life; for the registry. One that fails to start leaves no task behind."""
        try:
            await self.started()
        except BaseException:
            await self._tasks.close()
            raise
        self._is_open = True

    async def stop(self) -> None:
        """End the actor's life: finish what is under way, within a bound, then let go; for the registry."""
        self._is_open = False
        self._is_stopping = True
        if not await self._tasks.drain(DRAIN_S):
            self._on_error(f"{self.name} was not done in time", TimeoutError(f"after {DRAIN_S:g} s"))
        await self._tasks.close()
        for envelope in self._mailbox:
            envelope.settle(StoppedError(f"{self.name} has stopped"))
        self._mailbox.clear()
        await self.stopped()

    async def _serve(self) -> None:
        """Handle what waits until nothing does; no await after the last look, so no message is left behind."""
        while self._mailbox:
            batch = [self._mailbox.popleft() for _ in range(min(len(self._mailbox), self.batch_max))]
            try:
                await self.receive_batch(batch)
            except Exception as error:  # noqa: BLE001 - a defect: the askers get it, the actor lives
                self._on_error(f"{self.name} failed at its messages", error)
                _settle_all(batch, error)
            finally:
                _settle_all(batch, StoppedError(f"{self.name} has stopped"))  # those without an answer: it was cut off
        self._is_serving = False


def _settle_all(batch: Sequence[Envelope], response: object) -> None:
    for envelope in batch:
        envelope.settle(response)


class Registry:
    """Starts actors in order, stops them in exact reverse, rolls a start back that fails half-way."""

    def __init__(self, on_error: OnError) -> None:
        self._on_error = on_error
        self._actors: list[Actor] = []
        self._running: list[Actor] = []

    def add(self, actor: Actor) -> None:
        """Register an actor; names are unique."""
        if any(other.name == actor.name for other in self._actors):
            raise UsageError(f"there is an actor {actor.name} already")
        self._actors.append(actor)

    @property
    def names(self) -> tuple[str, ...]:
        """Name the running actors, in the order they started."""
        return tuple(actor.name for actor in self._running)

    async def start(self) -> None:
        """Start all. When one fails, those that run are stopped again and the error is raised."""
        try:
            for actor in self._actors:
                await actor.start()
                self._running.append(actor)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop all that run, each once; one that fails or hangs does not spare the others."""
        while self._running:
            actor = self._running.pop()
            try:
                async with asyncio.timeout(ACTOR_STOP_S):
                    await actor.stop()
            except Exception as error:  # noqa: BLE001 - the others must still be stopped
                self._on_error(f"{actor.name} did not stop cleanly", error)
