"""Actors: the long-lived parts of the daemon, and the registry that starts and stops them.

An actor has `started()` and `stopped()`, a bounded mailbox, and typed messages, each with one response type. No
message is taken before `started` has ended or after `stopped` has begun: such a message gets `StoppedError`, never a
hang. What is in the mailbox when it is asked to stop is still answered, within a bound. The services that actors wrap
can be tested alone.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from orchestrd.engine.tasks import OnError, TaskBag
from orchestrd.model.errors import OrchestrdError, UsageError
from orchestrd.model.limits import ACTOR_MESSAGES_MAX, BATCH_COMMITS_MAX, DRAIN_S

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
        self._mailbox: asyncio.Queue[Envelope] = asyncio.Queue(ACTOR_MESSAGES_MAX)
        self._is_open = False

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
        """Send a message and wait for its response. Waits for room when the mailbox is full.

        Raises StoppedError outside the actor's life, and whatever handling the message raised.
        """
        if not self._is_open:
            raise StoppedError(f"{self.name} takes no messages now")
        envelope = Envelope(message)
        await self._mailbox.put(envelope)
        response: R = await envelope.answer
        return response

    async def start(self) -> None:
        """Bring the actor to life; for the registry."""
        await self.started()
        self._is_open = True
        self._tasks.spawn(f"{self.name} mailbox", self._serve())

    async def stop(self) -> None:
        """End the actor's life: answer what waits, within a bound, then let go; for the registry."""
        self._is_open = False
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._mailbox.join()
        except TimeoutError as error:
            self._on_error(f"{self.name} did not finish its messages", error)
        await self._tasks.close()
        while not self._mailbox.empty():
            self._mailbox.get_nowait().settle(StoppedError(f"{self.name} has stopped"))
        await self.stopped()

    async def _serve(self) -> None:
        while True:
            batch = [await self._mailbox.get()]
            while len(batch) < self.batch_max and not self._mailbox.empty():
                batch.append(self._mailbox.get_nowait())
            try:
                await self.receive_batch(batch)
            finally:
                for _ in batch:
                    self._mailbox.task_done()


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
        """Stop all that run, each once; one that fails does not spare the others."""
        while self._running:
            actor = self._running.pop()
            try:
                await actor.stop()
            except Exception as error:  # noqa: BLE001 - the others must still be stopped
                self._on_error(f"{actor.name} did not stop cleanly", error)
