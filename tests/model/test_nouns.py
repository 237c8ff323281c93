"""The nouns that compute something: ids, deadlines, errors, the void event."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.model.errors import NotFoundError, OrchestrdError, UsageError
from orchestrd.model.event import Event, void
from orchestrd.model.ids import SessionId, is_session_id, run_mark, run_name
from orchestrd.model.instant import Due, DueName, due_in
from tests.core.interpreter import Interpreter

NOW = Interpreter().now
DUE = due_in(DueName.GRACE, 10.0, NOW)


@pytest.mark.parametrize("text", ["abcdefgh", "22222222", "z7z7z7z7"])
def test_eight_characters_of_base32_are_a_session_id(text: str) -> None:
    assert is_session_id(text)


@pytest.mark.parametrize("text", ["", "abcdefg", "abcdefghi", "Abcdefgh", "abcdefg1", "../../..", "abcdefg\n"])
def test_anything_else_is_none(text: str) -> None:
    assert not is_session_id(text)


def test_a_run_is_named_by_session_and_generation_and_marked_with_its_nonce() -> None:
    assert run_name(SessionId("abcdefgh"), 2) == "abcdefgh.2"
    assert run_mark(SessionId("abcdefgh"), 2, "n0nce") == "abcdefgh:2:n0nce"


@given(st.floats(min_value=0, max_value=20), st.timedeltas(min_value=timedelta(days=-2), max_value=timedelta(days=2)))
def test_within_one_boot_only_the_boot_time_clock_decides(seconds: float, jump: timedelta) -> None:
    later = replace(NOW, up_s=NOW.up_s + seconds, at=NOW.at + jump)

    assert DUE.is_past(later) == (NOW.up_s + seconds >= DUE.up_s)
    assert DUE.wait_s(later) == max(0.0, DUE.up_s - (NOW.up_s + seconds))


@given(st.timedeltas(min_value=timedelta(days=-2), max_value=timedelta(days=2)))
def test_after_a_reboot_the_wall_clock_does(passed: timedelta) -> None:
    later = replace(NOW, boot="boot-2", up_s=0.5, at=NOW.at + passed)

    assert DUE.is_past(later) == (passed >= timedelta(seconds=10))
    assert DUE.wait_s(later) == max(0.0, (timedelta(seconds=10) - passed).total_seconds())


def test_a_deadline_survives_being_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(DUE), type=Due) == DUE


def test_an_error_has_the_code_of_its_class_unless_it_says_otherwise() -> None:
    plain = NotFoundError("there is no session x")
    special = UsageError("x is ambiguous", code="ambiguous", hint="orch status", candidates=("xa", "xb"))

    assert (plain.code, plain.hint, plain.candidates, str(plain)) == ("not_found", "", (), "there is no session x")
    assert (special.code, special.hint, special.candidates) == ("ambiguous", "orch status", ("xa", "xb"))
    assert isinstance(special, OrchestrdError)


def test_every_named_key_stands_on_the_line_of_an_event_null_where_it_does_not_apply() -> None:
    line = msgspec.json.decode(msgspec.json.encode(void(7)))

    assert line == {
        "sequence": 7,
        "type": "void",
        **dict.fromkeys(("at", "session", "generation", "from", "to", "reason", "authority", "revision")),
    }
    assert msgspec.json.decode(msgspec.json.encode(void(7)), type=Event) == void(7)
