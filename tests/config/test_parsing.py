"""TOML with its lines: whatever the shape of a text, each key is found on the line where it stands."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.config.parsing import Parsed, Unparsed, parse

TEXT = b'''\
# a comment = with an equals sign
top = 1 # [not a table]
[daemon] # interval_s = 1
"interval_s" = 2

spawn = { copy = [
  ".env", # ] in a comment
  "a]b",
], setup = """
[limits]
memory_max = "no"
""" }
list = [
  [1, 2],
  [3],
]

[environment.set]
A = 'it''
'''.replace(b"'it''", b"'it'")


def _lines(content: bytes) -> dict[str, int]:
    parsed = parse(content)
    assert isinstance(parsed, Parsed), parsed
    return {".".join(path): line for path, line in parsed.lines.items()}


def test_each_key_stands_on_the_line_where_its_statement_begins() -> None:
    assert _lines(TEXT) == {
        "top": 2,
        "daemon": 3,
        "daemon.interval_s": 4,
        "daemon.spawn": 6,
        "daemon.spawn.copy": 6,
        "daemon.spawn.setup": 6,
        "daemon.list": 13,
        "environment": 18,
        "environment.set": 18,
        "environment.set.A": 19,
    }


def test_a_dotted_key_names_each_of_its_tables() -> None:
    assert _lines(b'\nspawn.agent = "shell"\nspawn.until = "exit"\n') == {
        "spawn": 2,
        "spawn.agent": 2,
        "spawn.until": 3,
    }


def test_lines_may_end_as_on_windows_and_quotes_may_stand_before_the_end_of_a_long_text() -> None:
    assert _lines(b"a = \"\"\"x\r\n\"\"\"\"\r\nb = '''\ny'''''\r\nc = 1") == {"a": 1, "b": 3, "c": 5}


def test_the_mark_of_the_encoding_that_some_editors_write_is_no_part_of_a_text() -> None:
    assert _lines(b"\xef\xbb\xbfa = 1\nb = 2") == {"a": 1, "b": 2}


def test_tables_in_a_list_are_found_as_if_there_were_one() -> None:
    assert _lines(b"[[spawn]]\na = 1\n[[spawn]]\na = 2\n") == {"spawn": 1, "spawn.a": 2}


def test_what_lies_deeper_than_anyone_asks_is_not_looked_at() -> None:
    deep = ".".join(["a"] * 20_000).encode()

    assert set(_lines(deep + b" = 1")) == {"a", "a.a", "a.a.a", "a.a.a.a"}


@pytest.mark.parametrize(
    ("content", "cause", "line"),
    [
        (b"[daemon]\ninterval_s =\n", "it is no TOML: Invalid value", 2),
        (b"a = 1\n\nb = [1,\n", "it is no TOML: Invalid value", 3),
        (b"a = 1\na = 2\n", "it is no TOML: 'a' is set a second time", 2),
        (b"a = 1\na = [\n]\n", "it is no TOML: Cannot overwrite a value", 3),
        (b"a = 1\nb = '\xff'\n", "it is no UTF-8 text: convert it first", 2),
        (b"a = " + b"[" * 60_000, "it is nested too deeply", 1),
        (b"a = " + b"1" * 5_000, "it is no TOML: Exceeds the limit", 1),
        (b"\x00", "it is no TOML: Invalid statement", 1),
    ],
)
def test_what_is_no_toml_is_said_with_its_line(content: bytes, cause: str, line: int) -> None:
    found = parse(content)

    assert isinstance(found, Unparsed)
    assert found.cause.startswith(cause)
    assert found.line == line


NAMES = st.sampled_from(["a", "b", "c", '"#"', "'['"])
VALUES = st.sampled_from(
    ["1", '"#]"', "'\\'", "[1, [2]]", '[\n "x", # y ]\n\n]', '{k = "}"}', '"""\nz = 1\n"""', "'''\n[t]'''", '"\\""']
)


@given(st.lists(st.tuples(NAMES, VALUES), unique_by=lambda pair: pair[0]), st.sampled_from(["", "table"]))
def test_a_key_is_found_where_it_was_put(pairs: list[tuple[str, str]], table: str) -> None:
    text, expected = f"[{table}]\n" if table else "", {}
    for name, value in pairs:
        expected[name.strip("\"'")] = text.count("\n") + 1
        text += f"{name} = {value} # remark\n"
    held: dict[str, Any] = tomllib.loads(text)

    parsed = parse(text.encode())

    assert isinstance(parsed, Parsed)
    assert parsed.tree == held
    before = (table,) if table else ()
    assert {name: parsed.lines[(*before, name)] for name in expected} == expected
