"""What belongs to a session beside its record: its secrets, its whole prompt, its output, its run directories.

Secrets and prompt are durable before the command that needs them is; a spooling client and the daemon write them alike.
Secrets are NUL-separated `NAME=value`, as in /proc/PID/environ, so that a launcher needs no parser. They are the one
thing that is never kept past the session.
"""

import contextlib
from collections.abc import Collection, Iterator, Mapping

from orchestrd.codec import Decoded, decode_session
from orchestrd.core.launch import SCREEN
from orchestrd.core.layout import Layout
from orchestrd.model.errors import UsageError
from orchestrd.model.ids import SessionId, is_session_id
from orchestrd.model.limits import (
    ARCHIVED_LOOKED_AT,
    ENVIRONMENT_BYTES_MAX,
    GENERATIONS_MAX,
    MESSAGE_BYTES_MAX,
    PROMPT_BYTES_MAX,
    RECORD_BYTES_MAX,
    RUN_RECORD_BYTES_MAX,
    SCREEN_BYTES_MAX,
)
from orchestrd.store.disk import LOCAL, Disk, place, unwritable
from orchestrd.store.logs import trim


class FileAttachments:
    """The attachments of one home."""

    def __init__(self, layout: Layout, disk: Disk = LOCAL) -> None:
        self._layout = layout
        self._disk = disk

    def write_secret(self, session: SessionId, environment: Mapping[str, str]) -> None:
        for name, value in environment.items():
            if not name or "=" in name or "\0" in name + value:
                raise UsageError(f"{name!r} cannot be a variable of an environment", hint="orch spawn --help")
        self._place(self._layout.secret(session), "".join(f"{name}={value}\0" for name, value in environment.items()))

    def write_prompt(self, session: SessionId, text: str) -> None:
        self._place(self._layout.prompt(session), text)

    def forget(self, session: SessionId) -> None:
        for path in (self._layout.secret(session), self._layout.prompt(session)):
            with contextlib.suppress(OSError):  # the next start removes what is left
                self._disk.unlink(path)

    def trim_log(self, session: SessionId, bytes_max: int) -> None:
        trim(self._layout.log(session), bytes_max)

    def trim_daemon_log(self, bytes_max: int) -> None:
        trim(self._layout.daemon_log, bytes_max)

    def read_secret(self, session: SessionId) -> Mapping[str, str]:
        pairs = self._text(self._layout.secret(session), ENVIRONMENT_BYTES_MAX) or ""
        return dict(pair.split("=", 1) for pair in pairs.split("\0") if "=" in pair)

    def read_prompt(self, session: SessionId) -> str | None:
        return self._text(self._layout.prompt(session), PROMPT_BYTES_MAX)

    def write_message(self, session: SessionId, digest: str, text: str) -> None:
        self._place(self._layout.message(session, digest), text)

    def read_message(self, session: SessionId, digest: str) -> str | None:
        return self._text(self._layout.message(session, digest), MESSAGE_BYTES_MAX)

    def forget_message(self, session: SessionId, digest: str) -> None:
        with contextlib.suppress(OSError):  # the next start removes what is left
            self._disk.unlink(self._layout.message(session, digest))

    def sweep_messages(self, kept: Collection[tuple[SessionId, str]]) -> None:
        names = {self._layout.message(session, digest).rpartition("/")[2] for session, digest in kept}
        with contextlib.suppress(OSError):
            for name in self._disk.scan(self._layout.messages).keys() - names:
                self._disk.unlink(f"{self._layout.messages}/{name}")

    def read_last_screen(self, session: SessionId, generation: int) -> str | None:
        return self._text(f"{self._layout.run_directory(session, generation)}/{SCREEN}", RUN_RECORD_BYTES_MAX)

    def read_screen(self, session: SessionId) -> str | None:
        """Give the end of the session's output, as text; null when there is none."""
        path = self._layout.log(session)
        with contextlib.suppress(OSError):
            stamp = self._disk.stamp(path)
            start = max(0, stamp[3] - SCREEN_BYTES_MAX) if stamp else 0
            return self._disk.read(path, SCREEN_BYTES_MAX, start).decode("utf-8", "replace") or None
        return None

    def _text(self, path: str, bytes_max: int) -> str | None:
        with contextlib.suppress(OSError):
            return self._disk.read(path, bytes_max).decode("utf-8", "surrogateescape")
        return None

    def _place(self, path: str, text: str) -> None:
        try:
            self._disk.make_directory(path.rpartition("/")[0])  # a client may come before the first daemon
            place(self._disk, path, text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise unwritable(path, error) from error


def is_put_away(disk: Disk, layout: Layout, session: SessionId) -> bool:
    """Tell whether a session lies whole in archive/. Raises OSError."""
    return disk.stamp(f"{layout.archived(session)}/{session}.json") is not None


def find_put_away(disk: Disk, layout: Layout, text: str) -> SessionId | None:
    """Find an archived session by its id, its name (of a bounded number, the one archived last) or its beginning.

    A name is known to its record alone, so this is for who asks in vain, and not for every day. Raises OSError.
    """
    if is_session_id(text) and is_put_away(disk, layout, SessionId(text)):
        return SessionId(text)
    try:
        stamps = {SessionId(name): stamp for name, stamp in disk.scan(layout.archive).items() if is_session_id(name)}
    except FileNotFoundError:  # nothing was ever archived
        return None
    newest_first = sorted(stamps, key=lambda session: stamps[session][2], reverse=True)
    named = (session for session in newest_first[:ARCHIVED_LOOKED_AT] if _name_of(disk, layout, session) == text)
    begun = [session for session in newest_first if text and session.startswith(text)]
    return next(named, begun[0] if len(begun) == 1 else None)


def _name_of(disk: Disk, layout: Layout, session: SessionId) -> str | None:
    try:
        data = disk.read(f"{layout.archived(session)}/{session}.json", RECORD_BYTES_MAX)
    except OSError:
        return None
    found = decode_session(data, session, layout.log(session))
    return found.record.spec.name if isinstance(found, Decoded) else None


def put_away(disk: Disk, layout: Layout, session: SessionId, generations: int) -> None:
    """Move an ended session and its runs into archive/, its record last: a crash is mended by doing it again.

    What is moved is durable there; that it is gone from sessions/ is not yet. Raises OSError.
    """
    target = layout.archived(session)
    disk.make_directory(target)
    disk.sync_directory(layout.archive)
    for path in _belongings(layout, session, generations):
        with contextlib.suppress(FileNotFoundError):
            disk.rename(path, f"{target}/{path.rpartition('/')[2]}")
    disk.unlink(layout.secret(session))
    disk.sync_directory(target)
    disk.rename(layout.record(session), f"{target}/{session}.json")
    disk.sync_directory(target)


def _belongings(layout: Layout, session: SessionId, generations: int) -> Iterator[str]:
    yield layout.prompt(session)
    yield layout.log(session)
    for generation in range(1, min(generations, GENERATIONS_MAX) + 1):
        yield layout.run_directory(session, generation)
