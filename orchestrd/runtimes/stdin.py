"""Typing a line into the stdin FIFO of a run: whole or not at all, and never waiting for the program.

Theory of the room. A pipe of S bytes is a ring of S / page slots; each write fills slots, and small ones share a slot
only where they fit. So two neighbouring slots always hold more than a page together, and U unread bytes use at most
2 U / page + 2 slots. What is left beyond that is sure to be free. Up to PIPE_BUF the kernel itself writes all or none.
"""

import fcntl
import os
import stat
import struct
import termios

from orchestrd.model.errors import RefusedError

PIPE_BUF = 4_096  # POSIX promises 512, Linux this
PAGE = os.sysconf("SC_PAGESIZE")


def room_in(size: int, unread: int) -> int:
    """Give the bytes that one write is sure to bring into a pipe of this size with so much unread."""
    return size if unread == 0 else max(0, size - 2 * unread - 3 * PAGE)


def open_to_type(path: str) -> int:
    """Open the FIFO for writing, without waiting. Raises RefusedError naming what is in the way."""
    try:
        fifo = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        raise RefusedError(f"nothing reads the stdin of the run: {error.strerror}", code="not_typed") from None
    if stat.S_ISFIFO(os.fstat(fifo).st_mode):
        return fifo
    os.close(fifo)
    raise RefusedError("the stdin of the run is no longer a FIFO", code="not_typed")


def type_line(fifo: int, line: bytes) -> bool:
    """Write a line, or several, into the FIFO; false when only a part went in. Raises RefusedError: nothing did."""
    size, unread = pipe_size(fifo), unread_bytes(fifo)
    if len(line) > max(PIPE_BUF, size):
        raise RefusedError(
            f"{len(line)} bytes never fit at once into the stdin of a program, which holds {size}: "
            "put them into a file, and send its name",
            code="not_typed",
        )
    if len(line) > max(PIPE_BUF, room_in(size, unread)):
        raise RefusedError(
            f"the program has not read {unread} bytes yet and {len(line)} more do not fit into its stdin",
            code="not_typed",
            hint="wait until it has read them",
        )
    try:
        return os.write(fifo, line) == len(line)
    except OSError as error:
        raise RefusedError(f"the stdin of the run takes no more: {error.strerror}", code="not_typed") from None


def unread_bytes(fifo: int) -> int:
    """Count what nobody has read yet."""
    count: int = struct.unpack("i", fcntl.ioctl(fifo, termios.FIONREAD, b"\0\0\0\0"))[0]
    return count


def pipe_size(fifo: int) -> int:
    """Give the bytes the pipe holds at most; where the system does not say, what POSIX makes sure of."""
    try:
        return fcntl.fcntl(fifo, fcntl.F_GETPIPE_SZ)
    except (OSError, AttributeError):
        return PIPE_BUF
