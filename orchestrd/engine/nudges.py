"""The nudge FIFO: a line from a hook that says no more than which session is worth a look.

Held open for reading and writing, so that it never ends and a writer never blocks on a missing reader. What is lost
here costs latency, never correctness.
"""

import asyncio
import os
import stat
from collections.abc import Callable
from pathlib import Path

from orchestrd.engine.actor import Actor
from orchestrd.engine.tasks import OnError
from orchestrd.model.errors import RefusedError
from orchestrd.model.ids import SessionId, is_session_id

READ_BYTES = 64 * 1024  # the capacity of a pipe: one read takes all there is


class NudgeFifo(Actor):
    """Reads `run/nudge` and passes on the names of sessions."""

    name = "nudges"

    def __init__(self, path: str, nudge: Callable[[SessionId], None], on_error: OnError) -> None:
        super().__init__(on_error)
        self._path = path
        self._nudge = nudge
        self._descriptor = -1

    async def started(self) -> None:
        """Make the FIFO, in place of anything else that lies there, and listen. Raises RefusedError (`no_fifo`)."""
        await asyncio.to_thread(self._make)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    async def stopped(self) -> None:
        """Listen no more; the FIFO stays, for hooks must find it or fail at once."""
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)

    def _make(self) -> None:
        try:
            self._replace()
        except OSError as error:
            raise RefusedError(
                f"cannot make {self._path}: {error.strerror}", code="no_fifo", hint=f"ls -ld {self._path}"
            ) from error

    def _replace(self) -> None:
        try:
            if stat.S_ISFIFO(os.lstat(self._path).st_mode):
                return
            Path(self._path).unlink()
        except FileNotFoundError:
            pass
        os.mkfifo(self._path, 0o600)

    def _read(self) -> None:
        try:
            lines = os.read(self._descriptor, READ_BYTES).decode("ascii", "replace").split("\n")
        except BlockingIOError:
            return
        for name in {line.partition(":")[0] for line in lines}:
            if is_session_id(name):
                self._nudge(SessionId(name))
