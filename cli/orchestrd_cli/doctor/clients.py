"""Control clients of the tmux server that daemons of the past have left attached: they keep the server from ending.

What is ended bears the very command line that only a daemon of this home starts, and is no child of the one that runs.
Beside runs nothing is ended: a tmux before 3.7 may crash over a client it loses, with everything in it.
"""

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
from msgspec import Struct

from orchestrd.client.terminal import tmux_argv
from orchestrd.core.tmux import HUB, control_argv
from orchestrd.model.finding import Finding, Level
from orchestrd.model.limits import DAEMON_KILL_S
from orchestrd_cli import holder
from orchestrd_cli.doctor.program import Said, ask
from orchestrd_cli.doctor.subject import FIX, Subject, Surroundings, ok, warn
from orchestrd_cli.doctor.terminals import NO_SERVER, outside_of_tmux


class Facts(Struct, frozen=True, kw_only=True):
    """The control clients that no running daemon has started. `runs`: the panes beside the daemon's own.

    `problem`: why nobody knows who is attached, null where the server has told or there is none.
    """

    socket: str
    strays: tuple[int, ...] = ()
    runs: int = 0
    problem: str | None = None


def look(surroundings: Surroundings) -> Facts:
    """Ask who is attached, and look who has started them."""
    layout = surroundings.layout
    if not os.path.exists(layout.tmux_socket):  # noqa: PTH110 - a string, as all of the layout
        return Facts(socket=layout.tmux_socket)
    clients = ("list-clients", "-F", "client #{client_pid}")
    panes = ("list-panes", "-a", "-F", "pane #{session_name}")
    said = ask((*tmux_argv(layout.tmux_socket), *clients, ";", *panes), outside_of_tmux(surroundings))
    if said.code != 0:
        return Facts(socket=layout.tmux_socket, problem=_problem(said))
    lines = [line.partition(" ")[::2] for line in said.out.splitlines()]
    daemon = holder.find(layout)
    with daemon or contextlib.nullcontext():
        parent = daemon.pid if daemon else None
        pids = [int(pid) for what, pid in lines if what == "client" and pid.isdigit()]
        strays = tuple(pid for pid in pids if _is_stray(pid, layout.tmux_socket, parent))
    runs = sum(what == "pane" and session != HUB for what, session in lines)
    return Facts(socket=layout.tmux_socket, strays=strays, runs=runs)


def judge(facts: Facts) -> Iterator[Finding]:
    """Name those that are left."""
    if facts.problem is not None:
        yield warn("clients", "who is attached to the tmux server cannot be told", facts.problem, "orch doctor")
        return
    if not facts.strays:
        yield ok("clients", "none is left attached to the tmux server")
        return
    can_fix = not facts.runs
    beside = "" if can_fix else "; while sessions run it stays, for some tmux crash over a lost client"
    yield Finding(
        subject="clients",
        level=Level.WARN,
        told=f"left attached to the tmux server by a daemon that is gone: {', '.join(map(str, facts.strays))}",
        cause=f"that keeps the server from ending{beside}",
        next=FIX if can_fix else "orch status",
        can_fix=can_fix,
    )


def mend(facts: Facts) -> Iterator[str]:
    """End them."""
    for pid in facts.strays:
        if _ended(pid, facts.socket):
            yield f"control client {pid} is ended"


def _problem(said: Said) -> str | None:
    """Say why the server has not told; to a server that is not there nobody is attached."""
    return None if any(words in said.err for words in NO_SERVER) else said.first_line


def _is_stray(pid: int, socket: str, daemon: int | None) -> bool:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        is_ours = process.cmdline()[1:] == control_argv("tmux", socket)[1:]
        return is_ours and process.uids().effective == os.geteuid() and process.ppid() != daemon
    return False


def _ended(pid: int, socket: str) -> bool:
    """End one, looked at again while a pidfd holds it, so that nobody else is hit; waits until it is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:-1]
        if [os.fsdecode(word) for word in words] != control_argv("tmux", socket)[1:]:
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        return bool(select.select([descriptor], [], [], DAEMON_KILL_S)[0])
    except (FileNotFoundError, ProcessLookupError):
        return False
    finally:
        os.close(descriptor)


SUBJECT = Subject(name="clients", look=look, judge=judge, mend=mend)
