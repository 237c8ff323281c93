"""An asyncio loop in virtual time: every wait is free, every run is the same, and a hang is an error.

Theory. `BaseEventLoop` does one round at a time: run what is ready, then ask its selector to wait for I/O
until the next timer is due. `SimLoop` is its own selector and never waits. Asked to wait for a time, it
moves its clock by that time; asked to wait for ever, it raises `Deadlock`, because without I/O nothing
could ever wake it. So:

- Time moves only when every task waits, and then exactly to the next timer: an hour of ticks takes
  milliseconds, and a computation takes no time at all. `loop.time()` starts at zero.
- There is no I/O. Whatever needs a file descriptor or a child process fails at the call, so a test that
  reaches for the real world by mistake says so. Files are reached through an executor, and that runs
  inline, on the one thread.
- Order is asyncio's own promise (ready callbacks are first in, first out), nothing is shuffled. Other
  interleavings come from fakes that wait for seeded times. An inline executor call does not yield: a fake
  disk needs waits of its own.
- A thread that calls in would bring chance back: it is refused.

It leans on three private names of `BaseEventLoop`: `_selector`, `_process_events`, `_write_to_self`.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Never, TypeVar, TypeVarTuple

TIME_LIMIT_S = 1_000_000  # beyond it a float no longer resolves a nanosecond, and no test means to go there

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class Deadlock(RuntimeError):
    """Every task waits and no timer is armed: nothing can ever happen again."""


class SimLoop(asyncio.BaseEventLoop):
    """The event loop of every test that is not about the real world."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self  # the base loop calls self._selector.select(timeout)
        self._now_ns = 0

    def time(self) -> float:
        """Seconds since this loop was made, as far as the simulation is concerned."""
        return self._now_ns / 1e9

    def select(self, timeout: float | None) -> list[Never]:
        """Wait without waiting: the clock moves to where the next timer is due."""
        if timeout is None:
            names = ", ".join(sorted(task.get_name() for task in asyncio.all_tasks(self)))
            raise Deadlock(f"no timer is armed, and these tasks wait: {names}")
        self._now_ns += -int(-timeout * 1e9 // 1)  # rounded up, so that the timer does come due
        if timeout > 0 and self._now_ns > TIME_LIMIT_S * 10**9:
            raise TimeoutError(f"the simulation ran past {TIME_LIMIT_S} virtual seconds")
        return []

    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """Call at once, on this thread; the future is done when it is returned."""
        future: asyncio.Future[_T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - as any executor: what was raised belongs to who awaits
            future.set_exception(error)
        return future

    def _process_events(self, event_list: list[Never]) -> None:
        assert not event_list

    def _write_to_self(self) -> None:
        raise RuntimeError("a thread called into the simulation")
