"""The daemon of a home whose unit is installed: started, stopped, looked at and read through systemd.

A daemon that was started by hand holds the home all the same. It is told from systemd's by its pid, and handed over
where that was asked for: stopped, its sessions go on, and systemd starts the next one.
"""

import os
import sys
from typing import NoReturn

from orchestrd.client import Client
from orchestrd.client.starting import start_unit
from orchestrd.client.systemd import Unit, environment
from orchestrd.model.document import DaemonFacts
from orchestrd.model.errors import RefusedError, UnreachableError
from orchestrd_cli import holder, terminal
from orchestrd_cli.progress import waiting_for


def stop(unit: Unit) -> int | None:
    """Stop the daemon and its socket; gives the daemon's pid, or null when systemd ran none."""
    pid = unit.pid
    with waiting_for(f"{unit.service} to stop"):
        unit.stop()
    return pid


def start(home: Client, unit: Unit) -> DaemonFacts:
    """Have systemd start the daemon, harmless when it runs. Raises as `start_unit` does."""
    with waiting_for(f"{unit.service} to start"):
        start_unit(unit, home.answers)
    return _facts(home, unit)


def restart(home: Client, unit: Unit) -> DaemonFacts:
    """Have systemd start the daemon anew, in place of its own or of one that was started by hand."""
    take_over(home, unit)
    with waiting_for(f"{unit.service} to start again"):
        unit.restart()
    return _facts(home, unit)


def take_over(home: Client, unit: Unit) -> int | None:
    """Stop the daemon that holds the home and is not systemd's; gives its pid, or null where there is none."""
    found = holder.find(home.layout)
    if found is None:
        return None
    with found:
        if found.pid == unit.pid:
            return None
    return holder.end(home.layout)


def _facts(home: Client, unit: Unit) -> DaemonFacts:
    facts = home.status().daemon
    if facts is None:
        raise UnreachableError(f"{unit.service} is active and does not answer", hint="orch daemon logs")
    return facts


def refuse_beside(unit: Unit) -> None:
    """Keep a second daemon from a home whose socket systemd holds: nobody would reach it. Raises RefusedError."""
    if unit.properties("ActiveState", unit=unit.socket).get("ActiveState") == "active":
        raise RefusedError(
            f"systemd holds the socket of {unit.home} ({unit.socket})", code="already_running", hint="orch daemon stop"
        )


def note_stranger(pid: int, unit: Unit) -> None:
    """Say of a running daemon that it is not systemd's."""
    if pid != unit.pid:
        terminal.note(f"orch: daemon {pid} was started by hand; to hand over to {unit.service}: orch daemon restart")


def note_stopped(unit: Unit) -> None:
    """Say what was stopped beside the daemon, and when it comes back."""
    stopped = (
        f"{unit.socket} is stopped too, so that no client starts it; it" if unit.socket in unit.installed else "it"
    )
    terminal.note(f"orch: {stopped} comes back at your next login, or with: orch daemon start")


def standing(unit: Unit) -> str:
    """Say in one line how the service stands."""
    told = unit.properties("ActiveState", "SubState", "UnitFileState", "Result")
    result = told.get("Result", "success")
    how = f"{told.get('ActiveState')} ({told.get('SubState') if result == 'success' else result})"
    return f"{unit.service}, {how}, {told.get('UnitFileState') or 'not enabled'}"


def read_journal(unit: Unit, lines: int, *, follow: bool) -> NoReturn:
    """Become journalctl, on the log of this daemon."""
    words = ["journalctl", "--user", f"--unit={unit.service}", f"--lines={lines}", "--no-pager"]
    sys.stdout.flush()
    os.execvpe(words[0], [*words, *(["--follow"] if follow else [])], environment())  # noqa: S606 - no shell
