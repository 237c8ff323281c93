"""Named tasks that someone owns: the one place where a task is made outside a TaskGroup.

A task that fails is never silent: its error goes to `on_error`. Closing cancels what is left and waits for it.

A task that works for a session says so when it is made; what is logged on its way bears that session. Every other task
works for none, whoever made it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from orchestrd.model.ids import SessionId

OnError = Callable[[str, BaseException | None], None]  # what went wrong; null: that this is over


class Subject(NamedTuple):
    """Whose work is done."""

    session: SessionId
    generation: int | None = None  # null: that of no run


_SUBJECT: ContextVar[Subject | None] = ContextVar("subject", default=None)


def current_subject() -> Subject | None:
    """Tell for whom the running task works; null: for none, or for all."""
    return _SUBJECT.get()


@contextmanager
def working_for(subject: Subject | None) -> Iterator[None]:
    """Do what is done here for this one."""
    before = _SUBJECT.set(subject)
    try:
        yield
    finally:
        _SUBJECT.reset(before)


class TaskBag:
    """Owns tasks until they end."""

    def __init__(self, on_error: OnError) -> None:
        self._on_error = on_error
        self._tasks: dict[asyncio.Task[None], None] = {}  # in order: an end is the same each time

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, name: str, work: Coroutine[Any, Any, None], subject: Subject | None = None) -> None:
        """Run this to its end, here and now on the loop."""
        with working_for(subject):
            task = asyncio.get_running_loop().create_task(work, name=name)
            self._tasks[task] = None
            task.add_done_callback(self._ended)

    async def drain(self, deadline_s: float) -> bool:
        """Wait for what is running and what it starts; false when the time ran out."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + deadline_s
        while self._tasks and (left_s := ends_at - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left_s)
        return not self._tasks

    async def close(self) -> None:
        """Cancel what is left, and wait until it has ended."""
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_error(task.get_name(), error)
