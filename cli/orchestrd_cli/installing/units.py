"""The texts of the two units of systemd that start a home's daemon. Pure: what they say of this machine is given.

What they hold on to: an agent is no part of the service. Stopping, restarting, upgrading, killing it, or running out of
memory in it ends one process, the daemon; and nothing here narrows what a process may do, for agents would inherit it.
"""

import os
from collections.abc import Iterable, Mapping

from msgspec import Struct

from orchestrd.client.systemd import Unit
from orchestrd.core.layout import Layout
from orchestrd.model.errors import UsageError
from orchestrd.model.limits import DAEMON_STOP_S, SOCKET_PATH_BYTES_MAX

OURS = "# Written by `orch daemon install`, which writes it anew; `orch daemon uninstall` takes it away."

SERVICE = """\
{ours}
# Changes of your own belong into a drop-in: systemctl --user edit {service}

[Unit]
Description=orchestrd, which keeps coding-agent sessions running
# Ten starts in an hour, and then none until somebody asks: `orch`, `orch daemon start`, the next login.
StartLimitIntervalSec=1h
StartLimitBurst=10
{requires}
[Service]
# Ready once every session is recovered: who waits for the start is answered at once.
Type=notify
NotifyAccess=main
# faulthandler: where a daemon is stuck that the watchdog ends, its stacks are in the journal.
ExecStart={python} -P -X faulthandler -m orchestrd run
ExecReload=/bin/sh -c "kill -HUP $MAINPID"
{environment}
SyslogIdentifier=orchestrd
# Recovering waits for the disk: on one that hangs, a start that is ended would be the first of many.
TimeoutStartSec=infinity
TimeoutStopSec={stop_s:g}s
WatchdogSec=30s
Restart=on-failure
RestartSec=2s
# A configuration that makes no sense, and a home that has a daemon, are no better the next time.
RestartPreventExitStatus=2 4
# Agents run in scopes of their own; of what is left in the service's group, nothing but the daemon is ended.
KillMode=process
OOMPolicy=continue

[Install]
WantedBy=default.target
"""

SOCKET = """\
{ours}

[Unit]
Description=orchestrd's socket: the first client starts the daemon

[Socket]
ListenStream={path}
SocketMode=0600
DirectoryMode=0700
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
"""


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a daemon is started with: the interpreter, and the environment beside its home."""

    python: str
    environment: dict[str, str]


def surroundings(python: str, environ: Mapping[str, str]) -> Surroundings:
    """Take from a shell what a daemon needs to find the same programs and the same configuration."""
    environment = {"PATH": _path(environ.get("PATH", os.defpath).split(":"), python.rpartition("/")[0])}
    if config := environ.get("XDG_CONFIG_HOME"):
        environment["XDG_CONFIG_HOME"] = config
    return Surroundings(python=python, environment=environment)


def texts(unit: Unit, around: Surroundings) -> dict[str, str]:
    """Give the text of each unit of a home by its name. Raises UsageError where a path cannot be written in a unit."""
    layout = Layout(unit.home)
    has_socket = fits_a_socket(layout)
    environment = {"ORCH_HOME": unit.home, **around.environment}
    service = SERVICE.format(
        ours=OURS,
        service=unit.service,
        requires=f"Requires={unit.socket}\n" if has_socket else "",
        python=_quoted(around.python).replace("$", "$$"),
        environment="\n".join(f"Environment={_quoted(f'{name}={value}')}" for name, value in environment.items()),
        stop_s=DAEMON_STOP_S,
    )
    if not has_socket:
        return {unit.service: service}
    return {unit.socket: SOCKET.format(ours=OURS, path=_bare(layout.socket)), unit.service: service}


def fits_a_socket(layout: Layout) -> bool:
    """Tell whether systemd can listen for this home: it takes no longer path than the kernel's address has room for."""
    return len(os.fsencode(layout.socket)) <= SOCKET_PATH_BYTES_MAX


def _path(directories: Iterable[str], last: str) -> str:
    """Keep what means the same wherever one stands, once, and where `orch` itself is."""
    kept = dict.fromkeys(directory for directory in (*directories, last) if directory.startswith("/"))
    return ":".join(kept)


def _quoted(word: str) -> str:
    return '"' + _bare(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bare(text: str) -> str:
    """Write a text so that systemd expands nothing in it."""
    if not text.isprintable():
        raise UsageError(
            f"{text!r} cannot stand in a unit of systemd", code="unwritable", hint="rename it, or clean $PATH"
        )
    return text.replace("%", "%%")
