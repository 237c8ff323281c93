"""Files as the first release wrote them: every later one reads them, and writes every field of them again.

A field that is renamed or dropped, or a word that is no longer known, breaks a home that is on somebody's disk. Add
files for a new schema; never change these.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrd.codec import (
    Decoded,
    Unreadable,
    decode_command,
    decode_home,
    decode_session,
    encode_command,
    encode_event,
    encode_record,
)
from orchestrd.testing.history import decode_event
from tests.store.making import ID

GOLDEN = Path(__file__).parent / "golden"
EVENTS = (GOLDEN / "events-1.jsonl").read_bytes().splitlines()
COMMANDS = (GOLDEN / "commands-1.jsonl").read_bytes().splitlines()


def includes(whole: Any, part: Any) -> bool:
    """Tell whether everything of the part is in the whole, at any depth; the whole may have gained fields."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(name in whole and includes(whole[name], part[name]) for name in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(includes, whole, part))
    return bool(whole == part)


def test_a_record_of_schema_1_is_read_and_written_with_all_its_fields() -> None:
    data = (GOLDEN / "session-1.json").read_bytes()

    found = decode_session(data, ID, "log")

    assert isinstance(found, Decoded), found
    assert includes(json.loads(encode_record(found.record)), json.loads(data))


def test_a_home_of_schema_1_is_read_and_written_with_all_its_fields() -> None:
    data = (GOLDEN / "home-1.json").read_bytes()

    found = decode_home(data)

    assert isinstance(found, Decoded), found
    assert includes(json.loads(encode_record(found.record)), json.loads(data))


@pytest.mark.parametrize("number", range(len(EVENTS)))
def test_an_event_of_schema_1_is_read_and_written_as_it_was(number: int) -> None:
    event = decode_event(EVENTS[number])

    assert event is not None
    assert encode_event(event) == EVENTS[number]


@pytest.mark.parametrize("number", range(len(COMMANDS)))
def test_a_command_of_schema_1_is_read_as_it_was_meant(number: int) -> None:
    command = decode_command(COMMANDS[number])

    assert not isinstance(command, Unreadable), command
    assert includes(json.loads(encode_command(command)), json.loads(COMMANDS[number]))
