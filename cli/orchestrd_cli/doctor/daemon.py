"""The daemon of this home: whether it answers, works, is the only one, and is of the version of this command line."""

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from datetime import datetime
from shlex import quote

import psutil
from msgspec import Struct

from orchestrd import __version__, versions
from orchestrd.client import calls
from orchestrd.client.connection import UNRESPONSIVE, Connection
from orchestrd.client.inspection import held, records_of
from orchestrd.core.layout import Layout
from orchestrd.endpoint import Address
from orchestrd.model.document import DaemonFacts
from orchestrd.model.errors import UnreachableError
from orchestrd.model.finding import Finding, Level
from orchestrd.model.limits import DAEMON_START_S, LOOK_ANSWER_S
from orchestrd.model.words import OCCUPYING
from orchestrd.render import age, counted
from orchestrd_cli import holder
from orchestrd_cli.doctor.running import daemons
from orchestrd_cli.doctor.subject import FIX, Subject, Surroundings, fail, named, ok, warn

NEEDED = ("git", "tmux")  # programs that the daemon itself calls
RESTART = "orch daemon restart"


class Facts(Struct, frozen=True, kw_only=True):
    """What is to be seen of a daemon. `holder`: who has the home's lock; `claimants`: whoever runs for it."""

    layout: Layout
    now: datetime
    holder: int | None = None
    stranger: int | None = None  # who has it, where that is another user's
    told: DaemonFacts | None = None
    silence: str = ""  # why nobody answers
    hangs: bool = False  # it takes connections, and says nothing
    socket_is_left: bool = False  # it is there, and nobody behind it
    is_obstructed: bool = False  # what is there in its place is no socket
    claimants: tuple[int, ...] = ()
    occupying: int = 0  # sessions that have a run, as far as their records know
    not_found: tuple[str, ...] = ()  # programs on the caller's PATH, and not on the daemon's


def look(surroundings: Surroundings) -> Facts:
    """Ask it, and look who holds the home."""
    layout, told, silence = surroundings.layout, None, UnreachableError("")
    try:
        with Connection(layout.socket, LOOK_ANSWER_S) as connection:
            told = connection.ask(calls.status(with_ended=False, project=None)).daemon
    except UnreachableError as error:
        silence = error
    held_by = _holder(layout)
    return Facts(
        layout=layout,
        now=surroundings.now,
        holder=held_by,
        stranger=holder.stranger(layout) if held_by is None else None,
        told=told,
        silence=silence.message,
        hangs=silence.code == UNRESPONSIVE,
        socket_is_left=told is None and held_by is None and nobody_listens(layout.socket),
        is_obstructed=_is_socket(layout.socket) is False,
        claimants=tuple(_claimants(surroundings)),
        occupying=sum(session.state in OCCUPYING for session in records_of(layout).sessions.values()),
        not_found=_not_found(surroundings, held_by),
    )


def judge(facts: Facts) -> Iterator[Finding]:
    """Judge it."""
    if len(facts.claimants) > 1:
        yield fail(
            "daemon",
            f"{len(facts.claimants)} daemons run in this home: {named(list(map(str, facts.claimants)))}",
            "its lock does not hold: each overwrites what the others have written",
            f"kill {' '.join(str(pid) for pid in facts.claimants if pid != facts.holder)}",
        )
    if facts.told is not None:
        yield from _answering(facts.told, facts.now)
        if facts.not_found:
            cause = "it was started with another PATH than yours"
            yield warn("daemon", f"it does not find {' and '.join(facts.not_found)}, and you do", cause, RESTART)
    elif facts.stranger is not None:
        told = f"the daemon of this home, {facts.stranger}, runs as another user"
        yield fail("daemon", told, "you cannot ask or stop it, nor start your own", f"sudo kill {facts.stranger}")
    elif facts.is_obstructed:
        place = facts.layout.socket
        yield fail("daemon", f"{place} is no socket", "no daemon can answer there", f"ls -ld {quote(place)}")
    elif facts.hangs or facts.holder is not None:
        who = "a daemon" if facts.holder is None else f"daemon {facts.holder}"
        yield fail("daemon", f"{who} is there and does not answer", facts.silence, RESTART)
    else:
        yield from _absent(facts)


def nobody_listens(path: str) -> bool:
    """Tell whether a socket is there that whoever made it has left behind."""
    if not _is_socket(path):
        return False
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.settimeout(LOOK_ANSWER_S)
        try:
            with Address(path) as address:
                knocking.connect(address)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def mend(facts: Facts) -> Iterator[str]:
    """Take a socket away that a killed daemon has left; under the home's lock, so that none makes one meanwhile."""
    with held(facts.layout) as is_held:
        if is_held and nobody_listens(facts.layout.socket):
            os.unlink(facts.layout.socket)  # noqa: PTH108 - a string, as all of the layout
            yield f"{facts.layout.socket}, which a killed daemon had left, is removed"


def _is_socket(path: str) -> bool | None:
    """Tell whether a socket is there; null where nothing is."""
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except OSError:
        return None


def _answering(told: DaemonFacts, now: datetime) -> Iterator[Finding]:
    who = f"{told.pid} answers, version {told.version}, up {age(told.started_at, now)}"
    for trouble in told.troubles or filter(None, [told.trouble]):  # an older daemon tells of the newest only
        yield fail("daemon", who, f"it is in trouble: {trouble}", "orch daemon logs")
    if versions.notice(told.version) is not None:
        cause = f"this command line is version {__version__}; sessions go on through a restart"
        yield warn("daemon", who, cause, RESTART)
    elif told.trouble is None:
        yield ok("daemon", who)


def _absent(facts: Facts) -> Iterator[Finding]:
    sessions = counted(facts.occupying, "session")
    if facts.occupying:
        yield warn("daemon", f"none runs, and {sessions} may go on unwatched", facts.silence, "orch daemon start")
    if facts.socket_is_left:
        yield Finding(
            subject="daemon",
            level=Level.WARN,
            told="the last one was killed, and has left its socket behind",
            cause="that hinders nobody; the next daemon replaces it",
            next=FIX,
            can_fix=True,
        )
    elif not facts.occupying:
        yield ok("daemon", "none runs, and none is needed yet")


def _holder(layout: Layout) -> int | None:
    found = holder.find(layout)
    if found is None:
        return None
    with found:
        return found.pid


def _claimants(surroundings: Surroundings) -> Iterator[int]:
    """Name the daemons of this home; one that begins may find that it is not needed, and a fork looks like one."""
    home, latest = os.path.realpath(surroundings.layout.home), surroundings.now.timestamp() - DAEMON_START_S
    yield from (found.pid for found in daemons(surroundings.uid) if found.home == home and found.since_s < latest)


def _not_found(surroundings: Surroundings, daemon: int | None) -> tuple[str, ...]:
    try:
        theirs = psutil.Process(daemon).environ().get("PATH", "") if daemon is not None else None
    except psutil.Error:
        theirs = None
    if theirs is None:
        return ()
    ours = surroundings.environ.get("PATH", "")
    return tuple(name for name in NEEDED if shutil.which(name, path=ours) and not shutil.which(name, path=theirs))


SUBJECT = Subject(name="daemon", look=look, judge=judge, mend=mend)
