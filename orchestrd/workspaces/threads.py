"""What blocks is done on a thread, and nothing is begun beside it that could meet it there."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from orchestrd.model.errors import TransientError
from orchestrd.model.limits import UNDO_S

T = TypeVar("T")


async def on_thread(act: Callable[[], T], limit_s: float, off: threading.Event | None = None) -> T:
    """Do it on a thread. Raises TransientError (`workspace_late`) when it takes longer than `limit_s`.

    A thread cannot be ended: one that is given up on is told so by `off`, and waited for, UNDO_S at most, before
    anything else happens.
    """
    running = asyncio.get_running_loop().run_in_executor(None, act)
    try:
        async with asyncio.timeout(limit_s):
            return await asyncio.shield(running)
    except TimeoutError:
        raise TransientError(f"the disk has not answered within {limit_s:g} s", code="workspace_late") from None
    finally:
        if not running.done():
            if off is not None:
                off.set()
            await asyncio.wait([running], timeout=UNDO_S)
            if running.done() and not running.cancelled():
                running.exception()  # nobody is left to hear of it
