"""Processes as the system lists them, and holds on single ones that never slip to another.

Identity: within this process a pidfd; across restarts (boot, pid, start time) and the mark in the environment. The
start time alone does not tell a reused pid from the old one (it counts in hundredths of a second), and programs may
overwrite their environment, so a process is taken for ours when its start time is right and it either bears the mark,
or bears none and still leads the session that its launcher made for it.

Invariant: everything is checked *after* the pidfd was opened, and the pidfd has not ended *after* the check. So what
the check saw is what the pidfd holds, and a signal sent through it reaches that process or nobody.

What degrades: without pidfds (Linux before 5.3, other systems) a pid is checked and then signalled by its number, with
some microseconds between; ends are then seen at the next tick. Without /proc, psutil lists the processes.
"""

import errno
import os
import select
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from msgspec import Struct

from orchestrd.core.launch import ProcessIdentity
from orchestrd.runtimes import launcher


class Process(Struct, frozen=True, kw_only=True):
    """One living process. `mark` is its ORCH_RUN, null when it has none or may not be asked."""

    pid: int
    parent: int
    group: int
    session: int
    started_ticks: int
    mark: str | None


class ProcessTable(Protocol):
    """Where processes are looked up. A zombie is not listed: it is over."""

    def pids(self) -> list[int]:
        """List every pid there is."""
        ...

    def look(self, pid: int) -> Process | None:
        """Look at one process; null when it is over."""
        ...

    def started_ticks(self, pid: int) -> int | None:
        """Tell when what has this pid was started, 0 where nobody can say; null when it is over. The cheapest look."""
        ...


class LinuxProcessTable:
    """Reads /proc directly: ten times cheaper than psutil."""

    def pids(self) -> list[int]:
        return launcher.all_pids()

    def started_ticks(self, pid: int) -> int | None:
        fields = launcher.read_stat(pid)
        return None if fields is None or fields[0] in b"ZXx" else int(fields[19])

    def look(self, pid: int) -> Process | None:
        fields = launcher.read_stat(pid)
        if fields is None or fields[0] in b"ZXx":
            return None
        mark = launcher.mark_of(pid)
        return Process(
            pid=pid,
            parent=int(fields[1]),
            group=int(fields[2]),
            session=int(fields[3]),
            started_ticks=int(fields[19]),
            mark=None if mark is None else os.fsdecode(mark),
        )


def is_ours(found: Process | None, identity: ProcessIdentity, mark: str) -> bool:
    """Tell whether what was found under a pid is the process that was recorded."""
    if found is None or found.mark == mark:
        return found is not None and identity.started_ticks in (0, found.started_ticks)
    leads_its_session = found.pid == found.session == found.group
    return found.started_ticks == identity.started_ticks != 0 and leads_its_session and found.mark is None


def is_over(table: ProcessTable, identity: ProcessIdentity) -> bool:
    """Tell whether a process is over that was seen alive in this boot: its pid is nobody's, or another's by now."""
    ticks = table.started_ticks(identity.pid)
    return ticks is None or identity.started_ticks not in (0, ticks)


def was_left(found: Process | None, identity: ProcessIdentity, mark: str) -> bool:
    """Tell whether what was found under a pid is what a launcher has seen there, and could not end, after the agent.

    It may be another user's, and then shows no mark; its start time tells, for it was seen alive later than that.
    """
    return found is not None and found.mark in (None, mark) and found.started_ticks == identity.started_ticks != 0


class Hold:
    """A hold on one process, by a pidfd where the kernel gives one."""

    def __init__(self, pid: int, pidfd: int | None) -> None:
        self.pid = pid
        self.pidfd = pidfd

    def has_ended(self) -> bool:
        """Tell whether the held process is over; without a pidfd nobody can tell."""
        if self.pidfd is None:
            return False
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return bool(poll.poll(0))

    def send(self, number: int) -> None:
        """Signal the held process; harmless when it is over. Raises PermissionError."""
        try:
            if self.pidfd is None:
                os.kill(self.pid, number)
            else:
                signal.pidfd_send_signal(self.pidfd, number)
        except ProcessLookupError:
            return

    def release(self) -> int | None:
        """Hand the pidfd over to the caller."""
        pidfd, self.pidfd = self.pidfd, None
        return pidfd

    def close(self) -> None:
        """Let go."""
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None


def take_hold(pid: int) -> Hold | None:
    """Take hold of whatever has this pid now; null when nothing has."""
    try:
        return Hold(pid, os.pidfd_open(pid))
    except AttributeError:
        return Hold(pid, None)
    except OSError as error:
        return None if error.errno in (errno.ESRCH, errno.EINVAL) else Hold(pid, None)


@contextmanager
def holding(table: ProcessTable, identity: ProcessIdentity, mark: str) -> Iterator[Hold | None]:
    """Hold the recorded process for a while; null when it is over, or its pid is somebody else's by now."""
    hold = take_hold(identity.pid)
    if hold is None:
        yield None
        return
    try:
        yield hold if is_ours(table.look(identity.pid), identity, mark) and not hold.has_ended() else None
    finally:
        hold.close()


def belonging(
    processes: Mapping[int, Process], mark: str, roots: frozenset[int], sessions: frozenset[int], own_pid: int
) -> list[Process]:
    """Find everything of a run: by mark, by session or group, and by descent from what was found that way.

    Never this process; and never what bears the mark of another run, nor what descends from it: a daemon that was
    started from inside a run is an example, with all its launchers.
    """
    foreign = {p.pid for p in processes.values() if p.mark not in (None, mark)} | {own_pid}
    found = {
        p.pid
        for p in processes.values()
        if p.pid not in foreign and (p.mark == mark or p.pid in roots or p.session in sessions or p.group in sessions)
    }
    grows = True
    while grows:
        born = {p.pid for p in processes.values() if p.parent in found} - found - foreign
        found |= born
        grows = bool(born)
    return [processes[pid] for pid in sorted(found)]
