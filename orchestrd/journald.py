"""The journal of the system: what is logged goes there as fields, by its native protocol, where stderr leads there.

A line is the event and its values as a person reads them in MESSAGE, the priority, and each value once more as a field
of its own: `journalctl --user ORCH_SESSION=<id>` shows all of one session. A journal that takes nothing is not waited
for: what it did not take is counted, and the count is told with the next line that it takes.
"""

import os
import socket
from collections.abc import Mapping, MutableMapping
from typing import Any

from orchestrd.model.limits import JOURNAL_FIELD_BYTES_MAX

SOCKET = "/run/systemd/journal/socket"
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
OURS = {"event", "exception", "level"}  # of what a line holds: they have their own place in it
VARIABLE = "JOURNAL_STREAM"


def leads_to_journal(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Tell whether this descriptor is the stream to the journal that a supervisor has opened."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return environ.get(VARIABLE) == f"{found.st_dev}:{found.st_ino}"


def journal_fields(line: Mapping[str, Any]) -> bytes:
    """Write a line of the log as the journal takes it, without the newlines that would end a field early."""
    values = {name: value for name, value in line.items() if name not in OURS}
    said = " ".join([str(line.get("event", "")), *(f"{name}={value}" for name, value in values.items())])
    exception = line.get("exception")
    fields = {
        "MESSAGE": f"{said}\n{exception}" if exception else said,
        "PRIORITY": PRIORITIES.get(str(line.get("level")), PRIORITIES["info"]),
        "SYSLOG_IDENTIFIER": "orchestrd",
        "ORCH_EVENT": line.get("event", ""),
        **{f"ORCH_{name.upper()}": value for name, value in values.items()},
    }
    return b"".join(_field(name, value) for name, value in fields.items())


class JournalLogger:
    """Takes lines from structlog, as fields."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._lost = 0

    def msg(self, **line: Any) -> None:
        """Send a line."""
        lost = {"lost": self._lost} if self._lost else {}
        try:
            self._socket.sendto(journal_fields({**line, **lost}), self._path)
        except OSError:
            self._lost += 1
        else:
            self._lost = 0

    debug = info = warning = error = critical = exception = msg


def as_fields(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hand a line over as it is: the last of structlog's processors."""
    return line


def _field(name: str, value: object) -> bytes:
    """Write one field; with its length before it where it has several lines."""
    data = str(value).encode("utf-8", "replace")[:JOURNAL_FIELD_BYTES_MAX]
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
