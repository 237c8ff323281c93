"""`orch daemon install` and `uninstall`: the daemon as a service of this user, begun at login and kept running."""

import os
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from orchestrd.client import Client
from orchestrd.client.systemd import Unit, lingers, systemctl
from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError
from orchestrd_cli import exits, reach, service
from orchestrd_cli.grammar import verb
from orchestrd_cli.installing import governing, placing, units

Print = Annotated[bool, typer.Option("--print", help="Only print what would be written.")]


@verb("[OPTIONS]", of=service.app)
def install(*, print_: Print = False) -> int:
    """Have systemd start the daemon at login, and keep it running.

    Writes, enables and starts a service and its socket among your own units,
    and says how each stands. Run it again after PATH or the place of orch has
    changed. A daemon started by hand is handed over; sessions go on.

    orch daemon install
    """
    home = reach.client()
    unit, around = Unit(home.layout.home), units.surroundings(sys.executable, os.environ)
    if print_ or _is_a_mac():
        return _print(unit, around, asked=print_)
    for line in _installed(home, unit, units.texts(unit, around)):
        reach.write_text(f"{line}\n")
    return exits.OK


@verb("[OPTIONS]", of=service.app)
def uninstall() -> int:
    """Take away what install has written; sessions go on.

    The daemon is stopped. Sessions, worktrees and logs stay as they are.

    orch daemon uninstall
    """
    unit = Unit(reach.client().layout.home)
    pid = unit.pid if unit.is_installed else None
    removed = placing.remove(unit)
    if not removed:
        reach.write_text(f"nothing is installed for {unit.home}\n")
        return exits.OK
    if pid is not None:
        reach.write_text(f"stopped  daemon {pid}; sessions go on\n")
    for path in removed:
        reach.write_text(f"removed  {path}\n")
    for place in placing.drop_ins(unit):
        reach.write_text(f"left     {place}, which is yours\n")
    return exits.OK


def _installed(home: Client, unit: Unit, texts: dict[str, str]) -> Iterator[str]:
    """Put everything in its place, and say each step as it is done."""
    systemctl("show", "--property=Version")  # without systemd nothing is written
    changed = placing.place(unit, texts)
    yield from (f"wrote    {path}" for path in changed)
    if not changed:
        yield f"found    {unit.file(unit.service)}, as it should be"
    if changed and unit.pid is not None:
        unit.stop()
    if (pid := governing.take_over(home, unit)) is not None:
        yield f"stopped  daemon {pid}, started by hand; its sessions go on"
    placing.enable(unit)
    yield f"enabled  {' and '.join(unit.installed)}: started when you log in"
    facts = governing.start(home, unit)
    yield f"active   daemon {facts.pid}, version {facts.version}; it answers"
    yield from _remarks(unit)


def _remarks(unit: Unit) -> Iterator[str]:
    if not units.fits_a_socket(Layout(unit.home)):
        yield "socket   none: its path is too long for systemd; clients ask systemd for the daemon instead"
    if lingers():
        yield "linger   on: it starts at boot, and runs on after you have logged out"
    else:
        yield "linger   off: it ends, and every session with it, when you log out"
        yield "           try: loginctl enable-linger"


def _is_a_mac() -> bool:
    return os.uname().sysname == "Darwin"


def _print(unit: Unit, around: units.Surroundings, *, asked: bool) -> int:
    if not _is_a_mac():
        for name, text in units.texts(unit, around).items():
            reach.write_text(f"# {unit.file(name)}\n{text}\n")
        return exits.OK
    from orchestrd_cli.installing import launchd

    if not asked:
        place = f"~/Library/LaunchAgents/{unit.name}.plist"
        raise RefusedError(
            f"launchd is not told by orch: put the text of --print into {place} and have it loaded",
            code="no_systemd",
            hint=f"orch daemon install --print >{place} && launchctl bootstrap gui/$UID {place}",
        )
    reach.write_text(launchd.text(unit, around))
    return exits.OK
