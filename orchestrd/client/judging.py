"""Reactions without a daemon: which are configured, and what they come to for what the disk says of a session.

A record on disk is judged as if all that it says had been seen just now; one that is put away, or stands in a file of
its own, as if it were still the time at which it was written.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from orchestrd.codec import Decoded, decode_session
from orchestrd.config import Effective, reactions_of
from orchestrd.configuring import configured
from orchestrd.core.coming import with_waits, without_daemon
from orchestrd.core.judging import judged_record, known_reaction
from orchestrd.core.layout import Layout
from orchestrd.model.errors import NotFoundError, UsageError
from orchestrd.model.ids import SessionId, is_session_id
from orchestrd.model.instant import Instant
from orchestrd.model.limits import RECORD_BYTES_MAX
from orchestrd.model.origin import Kind
from orchestrd.model.reaction import Reaction
from orchestrd.model.reaction_document import JudgedSession, KnownReactions
from orchestrd.model.session import Session


class _Named(Struct):
    id: str


def configured_reactions(environ: Mapping[str, str] = os.environ) -> tuple[KnownReactions, Effective]:
    """Give the reactions that the next daemon would go by, with where each is set; and what is wrong with that."""
    told = configured(environ)
    origins: dict[str, list[str]] = {}
    for setting in told.settings:
        if setting.key.startswith("reactions.") and setting.origin.kind != Kind.DEFAULT:
            origins.setdefault(setting.key.split(".")[1], []).append(str(setting.origin))
    known = (known_reaction(one, origins.get(one.name, ())) for one in reactions_of(told.configuration))
    return KnownReactions(reactions=tuple(known)), told


def judged_on_disk(layout: Layout, session: SessionId, environ: Mapping[str, str] = os.environ) -> JudgedSession:
    """Judge a session as its record in the home has it. Raises NotFoundError, UsageError (`config`), OSError."""
    from orchestrd.store.offline import read_home

    sessions = read_home(layout).sessions
    found = next((one for one in sessions if one.id == session), None)
    if found is None:
        raise NotFoundError(f"there is no record of session {session} that can be read", hint="orch doctor")
    is_last = all(one.is_terminal for one in sessions) and found == max(sessions, key=lambda one: one.state_since)
    told = judged_record(_reactions(environ), found, _instant(_now()), is_last=is_last)
    return with_waits(told, without_daemon(found))


def judged_file(path: str, environ: Mapping[str, str] = os.environ) -> JudgedSession:
    """Judge a session by the file of its record. Raises UsageError (`no_record`, `config`), NotFoundError."""
    reactions, (session, at) = _reactions(environ), _recorded(path)
    return judged_record(reactions, session, _instant(at), is_last=session.is_terminal)


def _reactions(environ: Mapping[str, str]) -> Sequence[Reaction]:
    known, told = configured_reactions(environ)
    told.refuse_mistakes()
    return [one.reaction for one in known.reactions]


def _recorded(path: str) -> tuple[Session, datetime]:
    """Read a record, and when it was written."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(RECORD_BYTES_MAX + 1)
            at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, tz=UTC)
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}", hint="orch status --all") from error
    match decode_session(data, _id_in(data, path), ""):
        case Decoded(record=session) if len(data) <= RECORD_BYTES_MAX:
            return session, at
        case found:
            raise _no_record(path, getattr(found, "why", "it is too large"))


def _id_in(data: bytes, path: str) -> SessionId:
    try:
        named = msgspec.json.decode(data, type=_Named).id
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _no_record(path, str(error)) from error
    if not is_session_id(named):
        raise _no_record(path, f"{named[:40]!r} is no id of a session")
    return SessionId(named)


def _no_record(path: str, why: str) -> UsageError:
    return UsageError(f"{path} is no record of a session: {why}", code="no_record", hint="orch reactions test ID")


def _instant(at: datetime) -> Instant:
    return Instant(at=at, boot="", up_s=0.0)


def _now() -> datetime:
    return datetime.now(tz=UTC)  # noqa: TID251 - a client has no injected clock
