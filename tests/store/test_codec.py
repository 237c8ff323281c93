"""Bytes and back: whatever the bytes, one of three answers and never an exception."""

import json
from datetime import UTC, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.codec import (
    Decoded,
    ReadOnly,
    Unreadable,
    decode_command,
    decode_home,
    decode_session,
    encode_command,
    encode_event,
    encode_record,
    schema_of,
    sequence_of,
)
from orchestrd.model.command import Command, Kill, Revive, Send, Spawn, Stop
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import EventType, void
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import DueName, due_in
from orchestrd.model.session import SCHEMA, Home, Message, Session
from orchestrd.model.words import Activity, Authority, State
from orchestrd.testing.history import decode_event
from tests.store.making import AT, ID, NOW, SPEC, a_session, an_event

LOG = "/home/logs/aaaaaaaa.log"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
sessions = st.builds(
    a_session,
    revision=st.integers(1, 2**40),
    error=st.none() | texts,
    state=st.sampled_from(State),
    activity=st.sampled_from(Activity),
    exit_code=st.none() | st.integers(0, 255),
    ended_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    dues=st.just(()) | st.just((due_in(DueName.GRACE, 1.5, NOW),)),
    messages=st.lists(texts, max_size=2).map(
        lambda said: tuple(
            Message(id=str(number), text=text, authority=Authority.USER, awaits_turn=True)
            for number, text in enumerate(said)
        )
    ),
    effects=st.just((Effect(id="1", kind=EffectKind.LAUNCH, generation=1),)),
    events=st.lists(texts, max_size=3).map(
        lambda said: tuple(an_event(text=text, sequence=number) for number, text in enumerate(said, 7))
    ),
)


def decoded(data: bytes) -> Decoded[Session]:
    found = decode_session(data, ID, LOG)
    assert isinstance(found, Decoded), found
    return found


@given(session=sessions)
def test_a_record_comes_back_as_it_was_written(session: Session) -> None:
    assert decoded(encode_record(session)) == Decoded(session, None)


@given(session=sessions, extra=st.dictionaries(texts, st.recursive(st.none() | st.integers() | texts, st.lists)))
def test_what_a_file_holds_beyond_a_record_comes_back_with_it(session: Session, extra: dict[str, Any]) -> None:
    value = {**extra, **json.loads(encode_record(session))}
    for name in ("messages", "effects", "events"):
        value[name] = [{**extra, **item} for item in value[name]]

    found = decoded(json.dumps(value).encode())

    assert found.record == session
    written = encode_record(found.record, found.overlay)
    assert json.loads(written) | {"digest": ""} == value | {"digest": ""}
    assert decoded(written) == Decoded(session, found.overlay)


@given(session=sessions, edited=sessions)
def test_what_another_hand_has_changed_is_told_from_what_was_only_laid_out_anew(
    session: Session, edited: Session
) -> None:
    ours = json.loads(encode_record(session))
    theirs = json.loads(encode_record(edited)) | {"digest": ours["digest"]}

    assert decoded(json.dumps(ours, sort_keys=True).encode()) == Decoded(session)
    assert decoded(json.dumps(theirs).encode()) == Decoded(edited, is_edited=session != edited)
    assert decoded(json.dumps(ours | {"later": 1}).encode()).is_edited


def test_a_record_without_its_digest_is_by_another_hand() -> None:
    session = a_session(events=())
    data = json.loads(encode_record(session))
    del data["digest"]

    assert decoded(json.dumps(data).encode()) == Decoded(session, is_edited=True)


def test_the_digits_of_an_unknown_number_are_kept() -> None:
    data = encode_record(a_session(events=())).replace(
        b'"schema": 1', b'"schema": 1, "big": 123456789012345678901234567890.10'
    )

    found = decoded(data)

    assert b"123456789012345678901234567890.10" in encode_record(found.record, found.overlay)


def test_an_unknown_field_of_a_settled_message_goes_with_it() -> None:
    message = Message(id="m", text="x", authority=Authority.USER, awaits_turn=False)
    data = encode_record(a_session(messages=(message,), events=())).replace(
        b'"awaits_turn"', b'"colour": "red", "awaits_turn"'
    )

    found = decoded(data)

    assert b"colour" in encode_record(found.record, found.overlay)
    assert b"colour" not in encode_record(replace(found.record, messages=()), found.overlay)


@given(data=st.binary(max_size=200))
def test_no_bytes_are_an_exception(data: bytes) -> None:
    assert isinstance(decode_session(data, ID, LOG), Unreadable)
    assert isinstance(decode_home(data), Unreadable)
    assert isinstance(decode_command(data), Unreadable)
    assert decode_event(data) is None
    assert sequence_of(data) is None or b"sequence" in data
    assert schema_of(data) is None or b"schema" in data


@given(session=sessions, at=st.integers(0, 3_000), byte=st.integers(0, 255))
def test_no_flipped_byte_is_an_exception(session: Session, at: int, byte: int) -> None:
    data = bytearray(encode_record(session))
    data[at % len(data)] = byte

    assert isinstance(decode_session(bytes(data), ID, LOG), Decoded | ReadOnly | Unreadable)


@pytest.mark.parametrize(
    "value", ["[" * 100_000, '{"a":' * 100_000, '{"schema":1e400}', '{"a":1e9999999999999999999}', '"\\ud800"']
)
def test_what_breaks_parsers_is_unreadable(value: str) -> None:
    assert isinstance(decode_session(value.encode(), ID, LOG), Unreadable)
    assert isinstance(decode_home(value.encode()), Unreadable)


def test_a_newer_record_of_any_shape_is_shown_as_far_as_it_goes() -> None:
    value = {
        "schema": 9,
        "id": ID,
        "state": "dreaming",
        "reason": ["not", "a", "text"],
        "created_at": "2026-01-02T03:04:05Z",
        "spec": {"name": "later", "argv": ["a"], "workspace": 5},
        "events": [{"sequence": 4, "new": True}],
    }

    found = decode_session(json.dumps(value).encode(), ID, LOG)

    assert isinstance(found, ReadOnly)
    assert (found.document.state, found.document.reason, found.document.name) == ("dreaming", "unknown", "later")
    assert (found.document.created_at, found.document.revision) == (AT.replace(microsecond=0), 0)
    assert (found.document.argv, found.document.workspace.kind, found.document.log) == (("a",), "unknown", LOG)
    assert found.lines == (b'{"sequence":4,"new":true}',)


def test_a_newer_record_without_a_spec_or_events_is_shown_too() -> None:
    found = decode_session(json.dumps({"schema": 9, "id": ID, "spec": 1, "events": 2}).encode(), ID, LOG)

    assert isinstance(found, ReadOnly)
    assert found.document.name == "unknown"
    assert found.lines == ()


def test_a_newer_record_must_bear_its_own_name() -> None:
    found = decode_session(json.dumps({"schema": 9, "id": "bbbbbbbb"}).encode(), ID, LOG)

    assert found == Unreadable("its id is 'bbbbbbbb', its file is named 'aaaaaaaa'")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schema": 0}, "schema 0"),
        ({"revision": 0}, "begin at 1"),
        ({"generation": 0}, "begin at 1"),
        ({"created_at": AT.replace(tzinfo=None)}, "not in UTC"),
        ({"ended_at": AT.astimezone(timezone(timedelta(hours=2)))}, "not in UTC"),
        ({"events": (an_event("bbbbbbbb", sequence=1),)}, "another session"),
        ({"events": (an_event(sequence=2), an_event(sequence=1))}, "impossible number"),
        ({"events": (an_event(sequence=1), an_event(sequence=1))}, "out of order"),
        ({"events": (an_event(sequence=0),)}, "impossible number"),
        ({"events": (replace(an_event(sequence=1), at=AT.replace(tzinfo=None)),)}, "not in UTC"),
    ],
)
def test_a_record_that_would_break_a_promise_is_none(changes: dict[str, Any], says: str) -> None:
    found = decode_session(encode_record(a_session(**{"events": (), **changes})), ID, LOG)

    assert isinstance(found, Unreadable)
    assert says in found.why


def test_a_reason_has_a_bound() -> None:
    found = decode_session(encode_record(a_session("b" * 5_000, events=())), ID, LOG)

    assert isinstance(found, Unreadable)
    assert len(found.why) < 1_000


def test_the_home_comes_back_and_a_newer_one_says_its_schema() -> None:
    home = Home(schema=SCHEMA, epoch=3, revision=4, events=(an_event(None, sequence=1),))

    assert decode_home(encode_record(home)) == Decoded(home, None)
    assert schema_of(encode_record(replace(home, schema=2))) == 2
    assert isinstance(decode_home(encode_record(replace(home, schema=2))), Unreadable)
    assert isinstance(decode_home(encode_record(replace(home, events=(an_event(None),)))), Unreadable)


def test_an_event_has_its_named_keys_always_and_the_others_when_they_are_set() -> None:
    bare, rich = an_event(sequence=1), replace(an_event(sequence=2), exit_code=0, receipt=None, text="")

    assert set(json.loads(encode_event(rich))) - set(json.loads(encode_event(bare))) == {"exit_code", "text"}
    assert json.loads(encode_event(void(7)))["type"] == EventType.VOID
    assert decode_event(encode_event(rich)) == rich


def test_a_line_of_a_newer_orchestrd_has_a_number_and_no_meaning() -> None:
    line = b'{"sequence":5,"type":"dreamt"}'

    assert sequence_of(line) == 5
    assert decode_event(line) is None


COMMANDS: list[Command] = [
    Spawn(session=ID, spec=SPEC),
    Stop(session=ID, grace_s=1.5),
    Kill(session=ID, authority=Authority.AGENT),
    Send(session=ID, message="m", text="x"),
    Revive(session=ID),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_command_comes_back(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


@pytest.mark.parametrize("data", [b'{"type":"dance","session":"aaaaaaaa"}', b'{"session":"aaaaaaaa"}', b"[]"])
def test_a_command_of_a_newer_client_is_unreadable(data: bytes) -> None:
    assert isinstance(decode_command(data), Unreadable)


def test_a_command_for_no_session_is_unreadable() -> None:
    found = decode_command(encode_command(Kill(session=SessionId("../../etc"))))

    assert found == Unreadable("'../../etc' is no session id")


def test_records_and_schemas_agree_on_what_is_known() -> None:
    known = {*msgspec.json.schema(Session)["$defs"]["Session"]["properties"], "digest"}
    assert set(json.loads(encode_record(a_session()))) == known
