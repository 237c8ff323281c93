"""The pulse of a file system: whether it still takes a write, asked on a thread of its own.

A file system that hangs keeps whoever asks it, so the thread is left behind then: the end of the process does not wait
for it. An error is an answer too.
"""

import contextlib
import os
import threading
from collections.abc import Callable


def feel_pulse(path: str, answered: Callable[[], None]) -> None:
    """Write and sync the file at `path`, and call `answered` when that has come back. On a thread of its own."""

    def look() -> None:
        with contextlib.suppress(OSError):
            _write(path)
        answered()

    threading.Thread(target=look, name="pulse of the disk", daemon=True).start()


def _write(path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        os.pwrite(file, b"\n", 0)
        os.fsync(file)
    finally:
        os.close(file)
    os.unlink(path)
