"""The inbox: commands that clients spool while no daemon answers, and how the daemon takes them in.

A client makes the whole entry durable in inbox/tmp before it links it into inbox/new under a name that nothing bears,
so an entry is there whole or not at all and none replaces another. Names sort in the order of spooling, for a name is
above all that wait, wherever the clock was set meanwhile. What a spawn needs beside its command is durable before: no
value of an environment ever stands in an entry. An entry stays until what it asked for is committed; the daemon may see
it twice, and its id makes that harmless.
"""

import contextlib
import os

from orchestrd.codec import Unreadable, decode_command, encode_command
from orchestrd.core.layout import Layout
from orchestrd.model.command import Command, Spawn
from orchestrd.model.document import SpawnRequest
from orchestrd.model.errors import TransientError
from orchestrd.model.limits import INBOX_FILES_MAX, RECORD_BYTES_MAX
from orchestrd.ports import Rejected
from orchestrd.store.attachments import FileAttachments
from orchestrd.store.disk import LOCAL, Disk, Stamp, kind_of, unwritable
from orchestrd.store.quarantine import Quarantine

_TIME_DIGITS = 20
_TIME_MAX = 10 ** (_TIME_DIGITS - 1)  # the year 2286
_TRIES = 1_000  # entries of one session in the same nanosecond


def spool(layout: Layout, command: Command, at_ns: int, disk: Disk = LOCAL) -> str:
    """Make a command durable for the next daemon; `at_ns` is the time of day, or above what was spooled before.

    Gives the entry's name. Raises TransientError when it cannot be written: then nothing was accepted.
    """
    draft = f"{layout.inbox_tmp}/{at_ns:0{_TIME_DIGITS}d}-{command.session}.{os.getpid()}"
    try:
        for directory in (layout.home, layout.inbox, layout.inbox_tmp, layout.inbox_new):
            disk.make_directory(directory)
        disk.write(draft, encode_command(command))
        name = _named(layout, command, max(at_ns, _newest(layout, disk) + 1), draft, disk)
        disk.unlink(draft)
        disk.sync_directory(layout.inbox_new)
    except OSError as error:
        raise unwritable(layout.inbox_new, error) from error
    return name


def spool_spawn(layout: Layout, request: SpawnRequest, at_ns: int, disk: Disk = LOCAL) -> str:
    """Spool a spawn, its secrets and its whole prompt first. Raises as `spool` and `FileAttachments` do."""
    attachments = FileAttachments(layout, disk)
    attachments.write_secret(request.id, request.environment)
    if request.prompt is not None:
        attachments.write_prompt(request.id, request.prompt)
    command = Spawn(session=request.id, spec=request.spec, authority=request.authority, is_forced=request.is_forced)
    return spool(layout, command, at_ns, disk)


def _newest(layout: Layout, disk: Disk) -> int:
    """Give the time in the newest name that a client gave; one at the end of all time leaves no room above it."""
    times = (time for name in disk.scan(layout.inbox_new) if (time := _time_in(name)) is not None)
    return max((time for time in times if time < _TIME_MAX), default=0)


def _time_in(name: str) -> int | None:
    time, dash, _ = name.partition("-")
    return int(time) if dash and len(time) == _TIME_DIGITS and time.isascii() and time.isdigit() else None


def _named(layout: Layout, command: Command, at_ns: int, draft: str, disk: Disk) -> str:
    for number in range(at_ns, at_ns + _TRIES):
        name = f"{number:0{_TIME_DIGITS}d}-{command.session}.json"
        with contextlib.suppress(FileExistsError):
            disk.link(draft, f"{layout.inbox_new}/{name}")
            return name
    raise FileExistsError(f"no free name for {command.session} in {layout.inbox_new}")


class FileInbox:
    """The daemon's end of it."""

    def __init__(self, layout: Layout, disk: Disk = LOCAL) -> None:
        self._directory = layout.inbox_new
        self._disk = disk
        self._quarantine = Quarantine(layout.quarantine, disk)
        self._stuck: set[str] = set()  # what could not be removed is passed over until the next start

    def pending(self, after: str = "") -> tuple[str, ...]:
        try:
            names = self._disk.scan(self._directory).keys() - self._stuck
        except OSError as error:
            raise TransientError(
                f"cannot list {self._directory}: {error.strerror}", hint=f"ls -ld {self._directory}"
            ) from error
        return tuple(sorted(name for name in names if name > after and not name.startswith("."))[:INBOX_FILES_MAX])

    def take(self, entry: str) -> Command | Rejected:
        path = f"{self._directory}/{entry}"
        stamp = self._disk.stamp(path)
        if stamp is None:
            return Rejected(why="it is gone", path=None)
        found = self._read(path, stamp)
        return self._set_aside(entry, path, found.why) if isinstance(found, Unreadable) else found

    def done(self, entry: str) -> None:
        try:
            self._disk.unlink(f"{self._directory}/{entry}")
        except OSError:
            self._stuck.add(entry)

    def _read(self, path: str, stamp: Stamp) -> Command | Unreadable:
        if kind := kind_of(stamp):
            return Unreadable(f"it is {kind}")
        if stamp[3] > RECORD_BYTES_MAX:
            return Unreadable(f"it has {stamp[3]} bytes; a command has at most {RECORD_BYTES_MAX}")
        try:
            return decode_command(self._disk.read(path, RECORD_BYTES_MAX))
        except OSError as error:
            return Unreadable(f"it cannot be read: {error.strerror or error}")

    def _set_aside(self, entry: str, path: str, why: str) -> Rejected:
        shown = entry.encode("utf-8", "backslashreplace").decode()
        try:
            copy = self._quarantine.move(path)
        except OSError:
            self._stuck.add(entry)
            copy = None
        return Rejected(why=f"the spooled command {shown!r} cannot be read: {why}", path=copy)
