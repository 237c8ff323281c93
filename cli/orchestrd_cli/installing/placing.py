"""Putting the units of a home in their place, and taking them away: whole or not at all, and never another's.

A unit is ours by its first line. One that is not is left as it is, and named; what was added by drop-ins is left too.
Doing either twice is harmless: nothing that is as it should be is written, stopped or started again.
"""

import contextlib
import os
from pathlib import Path

from orchestrd.client.systemd import Unit, systemctl
from orchestrd.core.layout import draft_of
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd_cli.installing.units import OURS


def place(unit: Unit, texts: dict[str, str]) -> tuple[str, ...]:
    """Write what is missing or differs, take away what no longer belongs, and have systemd read it; gives the paths.

    Raises RefusedError (`not_ours`) before anything is written, and where it cannot be written (`unwritable`).
    """
    changed = {name: text for name, text in texts.items() if _read(unit.file(name)) != text}
    superfluous = [name for name in _ours(unit, unit.installed) if name not in texts]
    _ours(unit, changed)
    try:
        Path(unit.directory).mkdir(mode=0o755, parents=True, exist_ok=True)
        for name, text in changed.items():
            _write(unit.file(name), text)
        for name in superfluous:
            Path(unit.file(name)).unlink()
    except OSError as error:
        raise _unwritable(unit, error) from error
    if changed or superfluous:
        systemctl("daemon-reload")
    return tuple(unit.file(name) for name in (*changed, *superfluous))


def enable(unit: Unit) -> None:
    """Have both started at login. Raises RefusedError (`no_systemd`, `not_read`)."""
    done = systemctl("enable", *unit.installed)
    if done.code != 0:
        raise OrchestrdError(
            f"systemd cannot enable {unit.service}: {done.err.strip()}", hint=f"ls -l {unit.directory}"
        )
    read = unit.properties("FragmentPath").get("FragmentPath")
    if read != unit.file(unit.service):
        raise RefusedError(
            f"systemd does not read {unit.file(unit.service)}, but {read or 'nothing'}",
            code="not_read",
            hint="systemctl --user show --property=UnitPath",
        )


def remove(unit: Unit) -> tuple[str, ...]:
    """Stop and disable the units, remove their files, and have systemd forget them; gives the paths removed.

    Raises RefusedError (`not_ours`, `no_systemd`).
    """
    names = _ours(unit, unit.installed)
    if not names:
        return ()
    unit.stop()
    systemctl("disable", *names)
    try:
        for name in names:
            Path(unit.file(name)).unlink()
    except OSError as error:
        raise _unwritable(unit, error) from error
    systemctl("daemon-reload")
    systemctl("reset-failed", *names)
    return tuple(unit.file(name) for name in names)


def drop_ins(unit: Unit) -> tuple[str, ...]:
    """Give the directories in which the user has added to the units."""
    places = (unit.file(name) + ".d" for name in (unit.socket, unit.service))
    return tuple(place for place in places if os.path.isdir(place))  # noqa: PTH112 - a string, as all of the unit


def _ours(unit: Unit, names: "tuple[str, ...] | dict[str, str]") -> list[str]:
    """Give back the names, none of which is the name of another's file."""
    for name in names:
        if not (_read(unit.file(name)) or OURS).startswith(OURS):
            raise RefusedError(
                f"{unit.file(name)} was not written by orch", code="not_ours", hint=f"mv {unit.file(name)}{{,.mine}}"
            )
    return list(names)


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _write(path: str, text: str) -> None:
    draft = draft_of(path)
    try:
        with open(draft, "w", encoding="utf-8") as file:  # noqa: PTH123 - a string, as all of the unit
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(draft).unlink()
        raise


def _unwritable(unit: Unit, error: OSError) -> RefusedError:
    return RefusedError(
        f"cannot write the units in {unit.directory}: {error.strerror}",
        code="unwritable",
        hint=f"ls -ld {unit.directory}",
    )
