"""Killing a run: what bears its mark, its agent's session, and all their descendants, until nothing is found.

Invariant: every process is held by a pidfd and looked at again under it before it is signalled, so no stranger is ever
hit; this process never; and the launcher last, alone, and only when its time to record the end is over: while it lives,
what cannot be ended is still its descendant, and found; when it leaves, what it could not end stands in its record.

What one look can see is what /proc lists. Out of reach without a cgroup: a process that has left the session, shows no
environment (cleared, or another user's) *and* lost its launcher to a kill -9; one that forks and exits faster than the
look; and whatever was handed to a service outside (a container engine, cron, a systemd unit). What runs as another user
is named, not killed.
"""

import os
import signal

from msgspec import Struct

from orchestrd.core.launch import ProcessIdentity
from orchestrd.runtimes.looking import Trail
from orchestrd.runtimes.processes import Process, ProcessTable, belonging, is_ours, take_hold, was_left


class Quarry(Struct, frozen=True, kw_only=True):
    """What a sweep looks for: a run by its mark, and what its records name in this boot."""

    mark: str
    launcher: ProcessIdentity | None = None
    agent: ProcessIdentity | None = None
    left: tuple[ProcessIdentity, ...] = ()


def quarry_of(mark: str, trail: Trail, boot: str, left: tuple[ProcessIdentity, ...] = ()) -> Quarry:
    """Say what to look for; records of another boot name nothing in this one."""
    if trail.boot != boot:
        return Quarry(mark=mark)
    named = dict(trail.processes)
    return Quarry(mark=mark, launcher=named.get("launcher"), agent=named.get("agent"), left=left)


class Sweeper:
    """One kill of one run; remembers between its looks that the agent's session is truly the agent's."""

    def __init__(self, table: ProcessTable) -> None:
        self._table = table
        self._sessions: frozenset[int] = frozenset()

    def find(self, quarry: Quarry) -> list[Process]:
        """List what lives of the run. The agent's session counts once the agent itself was seen leading it."""
        processes = {pid: found for pid in self._table.pids() if (found := self._table.look(pid)) is not None}
        recorded = [one for one in (quarry.launcher, quarry.agent) if one is not None]
        roots = frozenset(one.pid for one in recorded if is_ours(processes.get(one.pid), one, quarry.mark))
        roots |= {one.pid for one in quarry.left if was_left(processes.get(one.pid), one, quarry.mark)}
        if quarry.agent is not None and quarry.agent.pid in roots:
            self._sessions = frozenset({quarry.agent.pid})
        return belonging(processes, quarry.mark, roots, self._sessions, os.getpid())

    def signal_all(self, processes: list[Process], number: int) -> str | None:
        """Signal each; say which could not be."""
        refused = [f"pid {process.pid}: {why}" for process in processes if (why := self._signal(process, number))]
        return "; ".join(refused) or None

    def kill_once(self, quarry: Quarry, *, spare_launcher: bool) -> tuple[list[Process], str | None]:
        """Look, and kill what is found, the launcher last; give what was found, a spared launcher included."""
        found = self.find(quarry)
        others = [one for one in found if not is_launcher(one, quarry)]
        victims = others if others or spare_launcher else found
        return found, self.signal_all(victims, signal.SIGKILL)

    def _signal(self, process: Process, number: int) -> str | None:
        hold = take_hold(process.pid)
        if hold is None:
            return None
        try:
            if is_same(process, self._table.look(process.pid)) and not hold.has_ended():
                hold.send(number)
        except OSError as error:
            return error.strerror
        finally:
            hold.close()
        return None


def is_launcher(process: Process, quarry: Quarry) -> bool:
    """Tell the launcher from the rest."""
    return quarry.launcher is not None and process.pid == quarry.launcher.pid


def is_same(before: Process, now: Process | None) -> bool:
    """Tell whether a pid still belongs to the process that was found under it; parent and group may have changed."""
    return now is not None and (now.started_ticks, now.mark) == (before.started_ticks, before.mark)
