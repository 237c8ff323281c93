"""Daemons that run for this user, in whatever home: found among the processes, by how they are started."""

import contextlib
import os
from collections.abc import Iterator, Sequence

import psutil
from msgspec import Struct

from orchestrd.core.layout import home_from

STARTED_AS = ["-m", "orchestrd", "run"]  # whoever starts one: `orch daemon run` becomes this


class Running(Struct, frozen=True, kw_only=True):
    """One daemon and its home, links resolved; `since_s` is when its process began, in seconds since the epoch."""

    pid: int
    home: str
    since_s: float = 0.0


def daemons(uid: int) -> Iterator[Running]:
    """Find the daemons of a user."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if is_daemon(process.cmdline()) and process.uids().effective == uid:
                home = os.path.join(process.cwd(), home_from(process.environ()))  # noqa: PTH118 - a layout holds strings
                yield Running(pid=process.pid, home=os.path.realpath(home), since_s=process.create_time())


def is_daemon(argv: Sequence[str]) -> bool:
    """Tell whether a command line is that of a daemon."""
    return any(list(argv[place : place + 3]) == STARTED_AS for place in range(1, min(len(argv), 8)))
