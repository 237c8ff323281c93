"""How processes are looked up where there is no /proc: by psutil, ten times dearer and knowing less."""

import os

import psutil

from orchestrd.runtimes.processes import Process


class PortableProcessTable:
    """A ProcessTable by psutil. Launchers without /proc write no start times, so `started_ticks` is 0 for "unknown"."""

    def pids(self) -> list[int]:
        return psutil.pids()

    def started_ticks(self, pid: int) -> int | None:
        found = self.look(pid)
        return None if found is None else found.started_ticks

    def look(self, pid: int) -> Process | None:
        try:
            found = psutil.Process(pid)
            if found.status() == psutil.STATUS_ZOMBIE:
                return None
            return Process(
                pid=pid,
                parent=found.ppid(),
                group=os.getpgid(pid),
                session=os.getsid(pid),
                started_ticks=0,
                mark=_mark_of(found),
            )
        except (psutil.Error, OSError):
            return None


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("ORCH_RUN")
    except (psutil.Error, OSError):
        return None
