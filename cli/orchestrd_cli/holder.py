"""Who holds a home: found by its lock, so that a daemon is known even when it does not answer.

A pid read from a file may be anybody's by now. It is believed only while a pidfd is held on it and that process has the
lock file open, and signals go through that pidfd: nobody else is ever signalled.
"""

import os
import select
import signal
from types import TracebackType
from typing import Self

from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError, TimedOutError
from orchestrd.model.limits import DAEMON_KILL_S, DAEMON_STOP_S
from orchestrd_cli.progress import waiting_for
from orchestrd_cli.terminal import note


class Holder:
    """The daemon of a home, held by a pidfd."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process and to no other."""
        signal.pidfd_send_signal(self._descriptor, number)

    def holds(self, lock: str) -> bool:
        """Tell whether it still is what it was found as: the process that has the lock file open."""
        return _has_open(self.pid, lock)

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end, so long."""
        return bool(select.select([self._descriptor], [], [], seconds)[0])


def find(layout: Layout) -> Holder | None:
    """Find the daemon that holds a home; null when there is none."""
    pid = _named_in(layout.lock)
    if pid is None:
        return None
    try:
        descriptor = os.pidfd_open(pid)
    except (OSError, OverflowError):  # gone, or no pid at all
        return None
    holder = Holder(pid, descriptor)
    if holder.holds(layout.lock):
        return holder
    os.close(descriptor)
    return None


def stranger(layout: Layout) -> int | None:
    """Find the process of another user that holds a home, by its pid: the lock and the kernel must both name it."""
    pid = _named_in(layout.lock)
    try:
        is_anothers = pid is not None and os.stat(f"/proc/{pid}").st_uid != os.geteuid()  # noqa: PTH116 - as below
        return pid if is_anothers and str(pid) in lockers(layout.lock) else None
    except OSError:  # it has ended, or nothing is told here
        return None


def end(layout: Layout) -> int | None:
    """Stop the daemon that holds the home and wait for its end; gives its pid, or null when there is none.

    One that does not stop in time is killed: agents are no part of it, and what it has accepted is on disk. Raises
    RefusedError (`foreign_daemon`) where it is another user's.
    """
    daemon = find(layout)
    if daemon is None and (pid := stranger(layout)):
        raise RefusedError(
            f"the daemon of this home (pid {pid}) runs as another user",
            code="foreign_daemon",
            hint=f"sudo kill {pid}",
        )
    if daemon is None:
        return None
    with daemon:
        daemon.signal(signal.SIGTERM)
        with waiting_for(f"daemon {daemon.pid} to end"):
            has_ended = daemon.ends_within(DAEMON_STOP_S)
        if not has_ended and daemon.holds(layout.lock):
            _kill(daemon)
        return daemon.pid


def _kill(daemon: Holder) -> None:
    note(f"orch: daemon {daemon.pid} did not stop within {DAEMON_STOP_S:g} s: killing it (nothing is lost)")
    daemon.signal(signal.SIGKILL)
    if not daemon.ends_within(DAEMON_KILL_S):
        raise TimedOutError(
            f"daemon {daemon.pid} was killed and has not ended within {DAEMON_KILL_S:g} s: the kernel holds it",
            hint=f"ps -o pid,stat,wchan -p {daemon.pid}",
        )


def _named_in(lock: str) -> int | None:
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # it may be a FIFO that nobody writes
        with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
            text = file.read(32).strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and int(text) > 0 else None


def lockers(lock: str) -> set[str]:
    """Name who the kernel says has a lock on such a file: of a process of another user nothing else is told."""
    inode = str(os.stat(lock).st_ino)  # noqa: PTH116 - a string, as all of the layout
    with open("/proc/locks", encoding="ascii") as table:  # noqa: PTH123 - as above
        rows = [line.split() for line in table]  # 1: FLOCK ADVISORY WRITE 1234 fe:00:5678 0 EOF
    return {row[4] for row in rows if row[1] == "FLOCK" and row[5].rpartition(":")[2] == inode}


def _has_open(pid: int, path: str) -> bool:
    try:
        wanted = os.stat(path)  # noqa: PTH116 - as above
        with os.scandir(f"/proc/{pid}/fd") as entries:
            return any(_is_file(entry, wanted) for entry in entries)
    except OSError:
        return False


def _is_file(entry: "os.DirEntry[str]", wanted: os.stat_result) -> bool:
    try:
        return os.path.samestat(entry.stat(), wanted)
    except OSError:  # closed since it was listed
        return False
