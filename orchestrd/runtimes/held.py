"""Answering what holds a FIFO of its run directory: one line into `answers/<id>`, whole or not at all, never waiting.

Whoever asks makes the FIFO, keeps it open to read, and takes it away with the answer. So that somebody has it open is
what says that it is still asked; a FIFO that nobody reads is one whose asker has gone.
"""

import asyncio
import contextlib
import os
import re
import stat

from orchestrd.core.launch import ANSWERS
from orchestrd.model.errors import RefusedError, TransientError
from orchestrd.model.limits import READ_CONFIRM_LOOK_S_MAX, READ_CONFIRM_LOOK_S_MIN, READ_CONFIRM_S
from orchestrd.runtimes.stdin import type_line, unread_bytes

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
NOT_ASKED = "it is not asked any more: nobody waits for the answer"
_WRITING = os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def give_line(run_directory: str, decision: str, line: bytes) -> int:
    """Write a line for whoever holds this decision; give the open FIFO, which is the caller's to close.

    Raises RefusedError (`not_asked`, or `not_typed` where it does not fit), with nothing written, and TransientError
    when only a part of it was.
    """
    fifo = _open(run_directory, decision)
    try:
        is_whole = type_line(fifo, line + b"\n")
    except RefusedError:
        os.close(fifo)
        raise
    if is_whole:
        return fifo
    os.close(fifo)
    raise TransientError("only a part of the answer was taken", code="not_typed")


async def is_read(fifo: int) -> bool:
    """Wait, bounded, until the program has taken everything out of its FIFO, and tell whether it has."""
    pause_s = READ_CONFIRM_LOOK_S_MIN
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(READ_CONFIRM_S):
            while unread_bytes(fifo):  # a pipe tells nobody that it was read
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, READ_CONFIRM_LOOK_S_MAX)
    return unread_bytes(fifo) == 0


def _open(run_directory: str, decision: str) -> int:
    """Open the FIFO for writing, without waiting and without following any link below the run directory."""
    if NAME.fullmatch(decision) is None:
        raise RefusedError(NOT_ASKED, code="not_asked")
    try:
        place = os.open(f"{run_directory}/{ANSWERS}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fifo = os.open(decision, _WRITING, dir_fd=place)
        finally:
            os.close(place)
    except OSError:
        raise RefusedError(NOT_ASKED, code="not_asked") from None
    if stat.S_ISFIFO(os.fstat(fifo).st_mode):
        return fifo
    os.close(fifo)
    raise RefusedError(NOT_ASKED, code="not_asked")
