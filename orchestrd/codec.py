"""Records, events and commands as bytes and back: JSON that a person can read and any language can parse.

Reading a record ends in one of three ways, and never in an exception:

- `Decoded`: ours, with what the file holds beyond what we know, at any depth, kept by value in an `Overlay`; encoding
  merges it back, so that a newer orchestrd finds its fields again. Objects in lists are told apart by what names them,
  not by their place. A file in our own words has no overlay; that is seen by encoding it again, and costs no search.
- `ReadOnly`: a newer schema, or a word that our vocabularies do not hold. It is shown and never written again.
- `Unreadable`: anything else, with the reason.

A session's record ends with a digest of all that is in it, so that what another hand has changed while nobody looked is
told from what we wrote ourselves. It guards against edits, not against forgers.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from itertools import pairwise
from types import GenericAlias
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Struct, structs

from orchestrd.core.overlay import Overlay, beyond, merge
from orchestrd.model.command import Command
from orchestrd.model.document import Document
from orchestrd.model.event import Event
from orchestrd.model.ids import SessionId, is_session_id
from orchestrd.model.limits import ERROR_CHARS_MAX, SEQUENCE_MAX
from orchestrd.model.session import SCHEMA, Home, Session, Workspace

R = TypeVar("R", Session, Home)


class Decoded(Struct, Generic[R], frozen=True):
    """A record in our own words, what else its file holds, and whether its digest is not the one that belongs to it."""

    record: R
    overlay: Overlay | None = None
    is_edited: bool = False


class ReadOnly(Struct, frozen=True):
    """A record of a newer orchestrd: as much of it as can be told, and why it is not touched."""

    document: Document
    why: str
    lines: tuple[bytes, ...]  # the events it holds, by value


class Unreadable(Struct, frozen=True):
    """Not one of ours, and why."""

    why: str


class _Numbered(Struct):
    sequence: int


class _Versioned(Struct):
    schema: int
    id: str = ""


# Whatever the parser raises for what is no JSON, too deep, no Unicode, or a number beyond all bounds.
_MALFORMED = (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError)
_UTC = frozenset({UTC})  # msgspec gives this one for a Z; any other offset is another zone
_EPOCH = datetime.fromtimestamp(0, tz=UTC)
_BLANKS: Mapping[Any, Any] = {
    SessionId: "",
    str: "unknown",
    int: 0,
    datetime: _EPOCH,
    tuple[str, ...]: (),
    Workspace: Workspace(kind="unknown", path=""),
}

_DIGEST = "digest"
_DIGEST_BYTES = 8

_encoder = msgspec.json.Encoder(decimal_format="number")
_canonical = msgspec.json.Encoder(decimal_format="number", order="sorted")  # however an editor lays a file out
_sessions = msgspec.json.Decoder(Session)
_homes = msgspec.json.Decoder(Home)
_versions = msgspec.json.Decoder(_Versioned)
_numbers = msgspec.json.Decoder(_Numbered)
_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_values = msgspec.json.Decoder(float_hook=Decimal)  # by value: no digit of an unknown number is lost


# ---- records ---------------------------------------------------------------------------------------------------------


def encode_record(record: Session | Home, overlay: Overlay | None = None) -> bytes:
    """Write a record with one field a line. Raises UnicodeEncodeError for a text that is not Unicode."""
    whole = _whole(record, overlay)
    data = _encoder.encode(whole)
    if isinstance(record, Session):
        data = b'%b,"%b":"%b"}' % (data[:-1], _DIGEST.encode(), _digest(whole).encode())
    return msgspec.json.format(data, indent=2) + b"\n"


def _whole(record: Session | Home, overlay: Overlay | None) -> Any:
    if overlay is None:
        return record
    merged = _values.decode(_encoder.encode(record))
    merge(merged, overlay)
    return merged


def _digest(whole: Any) -> str:
    return blake2b(_canonical.encode(whole), digest_size=_DIGEST_BYTES).hexdigest()


def decode_session(data: bytes, session: SessionId, log: str) -> Decoded[Session] | ReadOnly | Unreadable:
    """Read a session's record. Its id must be `session`, as its file is named; `log` is where its output is."""
    try:
        return _session(data, session, log)
    except _MALFORMED as error:
        return Unreadable(_reason(error))


def _session(data: bytes, session: SessionId, log: str) -> Decoded[Session] | ReadOnly | Unreadable:
    try:
        record = _sessions.decode(data)
    except msgspec.ValidationError as error:
        return _not_ours(data, session, log, error)
    if record.schema > SCHEMA and record.id == session:
        return _read_only(_values.decode(data), session, log, _newer(record.schema))
    if problem := _problem_with_session(record, session):
        return Unreadable(problem)
    return _decoded(data, record)


def _decoded(data: bytes, record: Session) -> Decoded[Session]:
    """Tell apart what we have written, byte by byte or laid out anew, and what another hand has changed."""
    if data == encode_record(record):
        return Decoded(record)
    found = _values.decode(data)
    digest = found.pop(_DIGEST, None)
    overlay = beyond(found, _values.decode(_encoder.encode(record)))
    return Decoded(record, overlay, is_edited=digest != _digest(_whole(record, overlay)))


def decode_home(data: bytes) -> Decoded[Home] | Unreadable:
    """Read `home.json`. One of a newer schema is `Unreadable` too: see `schema_of`."""
    try:
        home = _homes.decode(data)
        problem = _newer(home.schema) if home.schema > SCHEMA else _problem_with_events(home.events)
        return Unreadable(problem) if problem else Decoded(home, _home_overlay(data, home))
    except _MALFORMED as error:
        return Unreadable(_reason(error))


def schema_of(data: bytes) -> int | None:
    """Tell the schema a record says it has; null when it says none."""
    try:
        return _versions.decode(data).schema
    except _MALFORMED:
        return None


# ---- events and commands ---------------------------------------------------------------------------------------------


def encode_event(event: Event) -> bytes:
    """Write one event as one line, without its newline."""
    return _encoder.encode(event)


def sequence_of(line: bytes) -> int | None:
    """Tell the number of a line, whatever else is in it; null when it is not a whole line."""
    try:
        return _numbers.decode(line).sequence
    except _MALFORMED:
        return None


def encode_command(command: Command) -> bytes:
    """Write one command, as it stands in the inbox."""
    return _encoder.encode(command)


def decode_command(data: bytes) -> Command | Unreadable:
    """Read one command."""
    try:
        command = _commands.decode(data)
    except _MALFORMED as error:
        return Unreadable(_reason(error))
    if not is_session_id(command.session):
        return Unreadable(f"{command.session[:64]!r} is no session id")
    return command


# ---- what a record must hold to be ours ------------------------------------------------------------------------------


def _problem_with_session(record: Session, session: SessionId) -> str | None:
    if record.id != session:
        return f"its id is {record.id[:64]!r}, its file is named {session!r}"
    if record.schema != SCHEMA:
        return f"schema {record.schema} is none of ours"
    if record.revision < 1 or record.generation < 1:
        return f"revision {record.revision}, generation {record.generation}: both begin at 1"
    if any(event.session != session for event in record.events):
        return "it holds events of another session"
    if not {time.tzinfo for time in _times(record)} <= _UTC:
        return "a time is not in UTC; all are written with Z"
    return _problem_with_events(record.events)


def _problem_with_events(events: tuple[Event, ...]) -> str | None:
    if not events:
        return None
    numbers = [event.sequence for event in events]
    if not 0 < numbers[0] <= numbers[-1] <= SEQUENCE_MAX:
        return "an event in it has an impossible number"
    if any(earlier >= later for earlier, later in pairwise(numbers)):
        return "the events in it are out of order"
    if not {event.at.tzinfo for event in events if event.at is not None} <= _UTC:
        return "the time of an event is not in UTC"
    return None


def _times(record: Session) -> Iterable[datetime]:
    known = (record.activity_since, record.scheduled_at, record.started_at, record.ended_at)
    return (record.state_since, record.created_at, *filter(None, known), *[due.at for due in record.dues])


# ---- what is not ours ------------------------------------------------------------------------------------------------


def _not_ours(data: bytes, session: SessionId, log: str, error: Exception) -> ReadOnly | Unreadable:
    version = _versions.decode(data)
    if version.id != session:
        return Unreadable(f"its id is {version.id[:64]!r}, its file is named {session!r}")
    raw = _values.decode(data)
    if version.schema > SCHEMA:
        return _read_only(raw, session, log, _newer(version.schema))
    try:
        msgspec.convert(raw, _LooseSession)
    except msgspec.ValidationError:
        return Unreadable(_reason(error))
    return _read_only(raw, session, log, f"it uses a word of a newer orchestrd: {_reason(error)}")


def _read_only(raw: Any, session: SessionId, log: str, why: str) -> ReadOnly:
    events = raw.get("events")
    lines = tuple(_encoder.encode(event) for event in (events if isinstance(events, list) else ()))
    return ReadOnly(structs.replace(_sketch(raw, session, log), notice=why), why, lines)


def _loosened(kind: Any) -> Any:
    """Give the same type with any text in the place of a closed vocabulary."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return str
    if isinstance(kind, type) and issubclass(kind, Struct):
        return msgspec.defstruct(
            kind.__name__, [_loosened_field(field) for field in structs.fields(kind)], kw_only=True
        )
    if get_origin(kind) is tuple:
        return GenericAlias(tuple, (_loosened(get_args(kind)[0]), ...))
    if parts := get_args(kind):
        return Union[tuple(_loosened(part) for part in parts)]  # noqa: UP007 - made from a list, not written
    return kind


def _loosened_field(field: structs.FieldInfo) -> tuple[str, Any, Any]:
    default = msgspec.NODEFAULT if field.required else None
    return field.name, _loosened(field.type), msgspec.field(name=field.encode_name, default=default)


_LooseSession = _loosened(Session)


def _sketch(raw: Any, session: SessionId, log: str) -> Document:
    """Make a document of whatever can be read; the rest is blank."""
    spec = raw.get("spec")
    found = {**(spec if isinstance(spec, dict) else {}), **raw, "id": session, "log": log, "attach": None}
    return Document(**{field.name: _best(found.get(field.name), field.type) for field in structs.fields(Document)})


def _best(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except _MALFORMED:
        return _BLANKS.get(kind)


def _newer(schema: int) -> str:
    return f"schema {schema} is newer than {SCHEMA}, the newest that this orchestrd knows"


def _reason(error: Exception) -> str:
    return str(error)[:ERROR_CHARS_MAX]


def _home_overlay(data: bytes, home: Home) -> Overlay | None:
    if data == encode_record(home):
        return None
    return beyond(_values.decode(data), _values.decode(_encoder.encode(home)))
