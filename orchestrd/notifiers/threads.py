"""A thread for each telling that blocks: those that a loop shares are few, and what hangs on them stops all the rest.

Bounded by the courier, which has one delivery at a time under way on each channel.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

T = TypeVar("T")


def on_own_thread(act: Callable[[], T], *, ends: bool = False) -> asyncio.Future[T]:
    """Do it on a thread of its own, which ends with it. One that has begun goes on, also when nobody waits for it.

    `ends`: that it does so soon is certain, and a daemon that ends waits for it. A daemon waits for no other one.
    """
    return asyncio.get_running_loop().run_in_executor(_OwnThread(is_waited_for=ends), act)


class _OwnThread(Executor):
    """Threads of the standard executors are all waited for when the process ends."""

    def __init__(self, *, is_waited_for: bool) -> None:
        self._is_waited_for = is_waited_for

    def submit(self, act: Callable[..., T], /, *args: Any, **named: Any) -> Future[T]:
        told: Future[T] = Future()

        def do() -> None:
            if told.set_running_or_notify_cancel():
                try:
                    told.set_result(act(*args, **named))
                except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
                    told.set_exception(error)

        threading.Thread(target=do, name="channel", daemon=not self._is_waited_for).start()
        return told
