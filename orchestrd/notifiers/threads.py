"""A thread for each telling that blocks: those that a loop shares are few, and what hangs on them stops all the rest.

Bounded by the courier, which has one delivery at a time under way on each channel.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def on_own_thread(act: Callable[[], T]) -> asyncio.Future[T]:
    """Do it on a thread of its own, which ends with it. One that has begun goes on, also when nobody waits for it."""
    threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="channel")
    try:
        return asyncio.get_running_loop().run_in_executor(threads, act)
    finally:
        threads.shutdown(wait=False)
