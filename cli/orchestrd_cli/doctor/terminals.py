"""The tmux server of this home: whether it answers, and whether each of its sessions still has a run.

What people have opened there for themselves bears no mark of ours, and is nobody's business.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from shlex import quote

import psutil
from msgspec import Struct

from orchestrd.client.inspection import Records, records_of
from orchestrd.client.terminal import tmux_argv
from orchestrd.core.tmux import HUB
from orchestrd.model.finding import Finding
from orchestrd.model.ids import ID_ALPHABET, ID_CHARS
from orchestrd.model.limits import SOCKET_PATH_BYTES_MAX
from orchestrd.render import counted
from orchestrd_cli.doctor.program import Said, ask
from orchestrd_cli.doctor.runs import Mark, mark_in, why_over
from orchestrd_cli.doctor.subject import Subject, Surroundings, fail, ok, warn

NO_SERVER = ("no server running", "error connecting to")
_NAME = re.compile(rf"([{ID_ALPHABET}]{{{ID_CHARS}}})-(\d{{1,9}})")


class Pane(Struct, frozen=True, kw_only=True):
    """One pane: the tmux session it is in, and the mark that its process bears, if any."""

    session: str
    mark: Mark | None = None


class Facts(Struct, frozen=True, kw_only=True):
    """The server's answer, null where there is none to ask; and the records as they were read after that."""

    socket: str
    said: Said | None = None
    panes: tuple[Pane, ...] = ()
    records: Records
    now: datetime


def look(surroundings: Surroundings) -> Facts:
    """Ask for all panes, and look whose they are."""
    socket = surroundings.layout.tmux_socket
    asked = (*tmux_argv(socket), "list-panes", "-a", "-F", "#{pane_pid} #{session_name}")
    said = ask(asked, outside_of_tmux(surroundings)) if os.path.exists(socket) else None  # noqa: PTH110 - a string
    panes = tuple(_panes(said.out if said else ""))
    return Facts(socket=socket, said=said, panes=panes, records=records_of(surroundings.layout), now=surroundings.now)


def judge(facts: Facts) -> Iterator[Finding]:
    """Judge the server, then its sessions."""
    size = len(os.fsencode(facts.socket))
    if size > SOCKET_PATH_BYTES_MAX:
        told = f"the address of the tmux server has {size} bytes, and the kernel takes {SOCKET_PATH_BYTES_MAX}"
        yield warn("terminals", told, "sessions here run as plain processes", "export ORCH_HOME=SHORTER_DIRECTORY")
    elif facts.said is None or any(words in facts.said.err for words in NO_SERVER):
        yield ok("terminals", "no tmux server runs, and none is needed")
    elif facts.said.is_missing:
        cause = "tmux is not on the PATH; agents run on, and cannot be seen or typed to"
        yield fail("terminals", "the tmux server cannot be asked", cause, "apt install tmux")
    elif facts.said.code != 0:
        cause = f"{facts.said.first_line}; agents run on, and cannot be seen or typed to"
        yield fail("terminals", "the tmux server cannot be asked", cause, f"pgrep -af {quote(facts.socket)}")
    else:
        yield from _sessions(facts)


def outside_of_tmux(surroundings: Surroundings) -> Mapping[str, str]:
    """Give an environment that does not lead a client of tmux to the server it may itself be in."""
    return {name: value for name, value in surroundings.environ.items() if not name.startswith("TMUX")}


def _sessions(facts: Facts) -> Iterator[Finding]:
    names = {pane.session: None for pane in facts.panes if pane.session != HUB}
    strays = {name: why for name in names if (why := _why_stray(name, facts))}
    for name, why in strays.items():
        kill = f"tmux -S {quote(facts.socket)} kill-session -t {quote('=' + name)}"
        yield warn("terminals", f"tmux session {name} is left over", why, kill)
    if not strays:
        yield ok("terminals", f"the tmux server answers, with {counted(len(names), 'session')}")


def _why_stray(name: str, facts: Facts) -> str | None:
    """Say why a tmux session is left over; of one that is ours every run must be over, by mark or by name."""
    marks = {pane.mark for pane in facts.panes if pane.session == name and pane.mark}
    if found := _NAME.fullmatch(name):
        marks.add(Mark(found[1], int(found[2])))
    whys = [why_over(mark, facts.records, facts.now) for mark in marks]
    return whys[0] if whys and all(whys) else None


def _panes(told: str) -> Iterator[Pane]:
    for line in told.splitlines():
        pid, _, session = line.partition(" ")
        yield Pane(session=session, mark=_mark_of(int(pid)) if pid.isdigit() and pid != "0" else None)


def _mark_of(pid: int) -> Mark | None:
    with contextlib.suppress(psutil.Error, OSError):
        return mark_in(psutil.Process(pid).environ())
    return None


SUBJECT = Subject(name="terminals", look=look, judge=judge)
