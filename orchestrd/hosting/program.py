"""The agent as the child of its host: lines come from it and go to it, and it ends when it is to.

Invariants: nothing here waits for the agent, whatever it reads or writes; what it had written when it ended is read. It
is in a process group of its own, so that a signal to the host's group means what the host makes of it.
"""

import os
import signal
import time
from collections.abc import Iterator

from orchestrd.model.limits import HOST_END_KILL_S, HOST_END_TERM_S, HOST_LINE_BYTES_MAX

READ_BYTES = 256 * 1024
RESET = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}  # Python ignores some: no agent expects that


class Program:
    """One running program, whose stdin and stdout are pipes; its stderr is ours. Raises OSError if it cannot start."""

    def __init__(self, argv: list[str]) -> None:
        theirs_in, self.stdin = os.pipe()
        self.stdout, theirs_out = os.pipe()
        streams = [(os.POSIX_SPAWN_DUP2, theirs_in, 0), (os.POSIX_SPAWN_DUP2, theirs_out, 1)]
        self.pid = os.posix_spawnp(
            argv[0], argv, os.environ, file_actions=streams, setpgroup=0, setsigmask=(), setsigdef=RESET
        )
        for descriptor in (theirs_in, theirs_out):
            os.close(descriptor)
        for descriptor in (self.stdin, self.stdout):
            os.set_blocking(descriptor, False)
        self.status: int | None = None  # as waitpid gave it, once it has ended
        self._unsent = bytearray()
        self._heard = bytearray()
        self._is_skipping = False
        self._ending_since: float | None = None
        self._has_been_told = False

    # ---- talking -----------------------------------------------------------------------------------------------------

    @property
    def has_unsent(self) -> bool:
        """Whether it has not taken all yet."""
        return bool(self._unsent) and self.stdin >= 0

    def send(self, line: bytes) -> None:
        """Give it a line, as soon as it reads."""
        self._unsent += line
        self.flush()

    def flush(self) -> None:
        """Let it have what it takes now; behind the last of it comes the end, where it is to end."""
        try:
            while self.has_unsent:
                del self._unsent[: os.write(self.stdin, self._unsent[:READ_BYTES])]
        except BlockingIOError:
            return
        except OSError:  # it does not read any more
            self._unsent.clear()
        if self._ending_since is not None:
            self._close_stdin()

    def read(self) -> Iterator[bytes]:
        """Give the lines that it has written, whole; one that is too long to hold is left out."""
        while self.stdout >= 0:
            try:
                data = os.read(self.stdout, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                os.close(self.stdout)
                self.stdout = -1
            yield from self._lines(data)

    def _lines(self, data: bytes) -> Iterator[bytes]:
        *whole, rest = data.split(b"\n")
        for line in whole:
            if not self._is_skipping:
                yield bytes(self._heard + line)
            self._heard.clear()
            self._is_skipping = False
        self._heard += b"" if self._is_skipping else rest
        if len(self._heard) > HOST_LINE_BYTES_MAX:
            self._heard.clear()
            self._is_skipping = True

    # ---- ending ------------------------------------------------------------------------------------------------------

    @property
    def is_ending(self) -> bool:
        """Whether it was asked to end."""
        return self._ending_since is not None

    def end(self) -> None:
        """Ask it to end, by the end of its input; asked again, or not obeying, it gets TERM, and then KILL."""
        if self._ending_since is not None:
            self._signal(signal.SIGTERM)
            return
        self._ending_since = time.monotonic()
        self.flush()

    def insist(self) -> float | None:
        """Do what is due where it does not end; gives the seconds until more is, null where it was not asked to."""
        if self._ending_since is None or self.status is not None:
            return None
        elapsed_s = time.monotonic() - self._ending_since
        if elapsed_s >= HOST_END_KILL_S:
            self._signal(signal.SIGKILL)
            return 1.0
        if elapsed_s >= HOST_END_TERM_S:
            if not self._has_been_told:
                self._has_been_told = True
                self._signal(signal.SIGTERM)
            return HOST_END_KILL_S - elapsed_s
        return HOST_END_TERM_S - elapsed_s

    def has_ended(self) -> bool:
        """Look whether it has ended; then it is reaped, and `status` says how."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def _signal(self, number: int) -> None:
        """Signal it; before it is reaped its pid is nobody else's."""
        if self.status is None:
            os.kill(self.pid, number)

    def _close_stdin(self) -> None:
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1
