"""A virtual loop on which blocking calls take time, so that what happens meanwhile can happen in a test.

Each call of an executor begins after a lag and answers after another one. Those of one executor follow each other, as
on one thread; a call that was given up before it began is never made; one that had begun is made, and answers nobody.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar, TypeVarTuple

from tests.simloop import SimLoop

_T = TypeVar("_T")
_R = TypeVar("_R")
_Ts = TypeVarTuple("_Ts")


class LaggingLoop(SimLoop):
    """`lag` gives the seconds of one lag, each time anew."""

    def __init__(self, lag: Callable[[], float]) -> None:
        super().__init__()
        self._lag = lag
        self._free_at: dict[int, float] = {}  # by executor: when its thread is done with what it was given

    def run_in_executor(self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts) -> asyncio.Future[_T]:
        """Call later; those of one executor in order."""
        future: asyncio.Future[_T] = self.create_future()
        begins_at = max(self.time(), self._free_at.get(id(executor), 0.0)) + self._lag()
        answers_at = begins_at + self._lag()
        if executor is not None:
            self._free_at[id(executor)] = answers_at
        self.call_at(begins_at, self._begin, future, answers_at, func, args)
        return future

    def _begin(
        self, future: asyncio.Future[_T], answers_at: float, func: Callable[[*_Ts], _T], args: tuple[*_Ts]
    ) -> None:
        if future.cancelled():
            return
        try:
            self.call_at(answers_at, _answer, future, future.set_result, func(*args))
        except Exception as error:  # noqa: BLE001 - as any executor: what was raised belongs to who awaits
            self.call_at(answers_at, _answer, future, future.set_exception, error)


def _answer(future: asyncio.Future[_T], answer: Callable[[_R], None], value: _R) -> None:
    if not future.cancelled():
        answer(value)
