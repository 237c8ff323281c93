"""Files as the first release wrote them: every later one reads them, and writes every field of them again.

A field that is renamed or dropped, or a word that is no longer known, breaks a home that is on somebody's disk. Add
files for a new schema; never change these.
"""

import json
from pathlib import Path

import pytest

from orchestrd.codec import (
    Decoded,
    Unreadable,
    decode_command,
    decode_event,
    decode_home,
    decode_session,
    encode_command,
    encode_event,
    encode_record,
)
from tests.store.making import ID

GOLDEN = Path(__file__).parent / "golden"
EVENTS = (GOLDEN / "events-1.jsonl").read_bytes().splitlines()
COMMANDS = (GOLDEN / "commands-1.jsonl").read_bytes().splitlines()


def test_a_record_of_schema_1_is_read_and_written_with_all_its_fields() -> None:
    data = (GOLDEN / "session-1.json").read_bytes()

    found = decode_session(data, ID, "log")

    assert isinstance(found, Decoded), found
    assert json.loads(encode_record(found.record)).items() >= json.loads(data).items()


def test_a_home_of_schema_1_is_read_and_written_with_all_its_fields() -> None:
    data = (GOLDEN / "home-1.json").read_bytes()

    found = decode_home(data)

    assert isinstance(found, Decoded), found
    assert json.loads(encode_record(found.record)) == json.loads(data)


@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_an_event_of_schema_1_is_read_and_written_as_it_was(number: int) -> None:
    event = decode_event(EVENTS[number])

    assert event is not None
    assert encode_event(event) == EVENTS[number]


@pytest.mark.parametrize("number", range(len(COMMANDS)))
def test_a_command_of_schema_1_is_read_as_it_was_meant(number: int) -> None:
    command = decode_command(COMMANDS[number])

    assert not isinstance(command, Unreadable), command
    written, meant = json.loads(encode_command(command)), json.loads(COMMANDS[number])
    assert (written["type"], written["session"]) == (meant["type"], meant["session"])
    assert written.keys() >= meant.keys()
