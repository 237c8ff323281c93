"""TOML read with its lines: a tree, and for each key the line on which it stands.

tomllib decides what TOML is and tells no lines. So a text that it takes is cut into its statements (a header, or a key
with its value, over as many lines as that has), and each of them is given to tomllib once more, alone: what it then
holds begins on the line of the statement.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

Path = tuple[str, ...]

DEPTH = 4  # section, name, table and key: nothing that is looked for lies deeper

_PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[{]|[\]}]|\n|[^\"'\#\[\]{}\n]+",
    re.DOTALL,
)
_PLACE = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)", re.DOTALL)
_OVERWRITTEN = "Cannot overwrite a value"  # in the words of tomllib


class Parsed(Struct, frozen=True):
    """What a text says: tables in tables, and the line on which each first stands, counted from one."""

    tree: Mapping[str, Any]
    lines: Mapping[Path, int]


class Unparsed(Struct, frozen=True):
    """Why a text is no TOML, and on which line."""

    cause: str
    line: int


def parse(content: bytes, *, with_lines: bool = True) -> Parsed | Unparsed:
    """Read the content of a file. Its lines cost more than all the rest: who tells nobody of them does without."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")  # some editors put a mark of the encoding first
        tree = tomllib.loads(text)
    except UnicodeDecodeError as error:
        return Unparsed("it is no UTF-8 text: convert it first", error.object[: error.start].count(b"\n") + 1)
    except RecursionError:
        return Unparsed("it is nested too deeply", 1)
    except ValueError as error:
        return _unparsed(str(error), content)
    return Parsed(tree, dict(reversed(list(_lines(text)))) if with_lines else {})


def _unparsed(said: str, content: bytes) -> Unparsed:
    found = _PLACE.fullmatch(said)
    what = said if found is None else found["what"]
    lines = content.splitlines() or [b""]
    line = int((found and found["line"]) or len(lines))
    key, equals, _ = lines[line - 1].decode("utf-8", "replace").partition("=")
    if what == _OVERWRITTEN and equals:
        what = f"'{key.strip()}' is set a second time"
    return Unparsed(f"it is no TOML: {what}", line)


def _lines(text: str) -> Iterator[tuple[Path, int]]:
    """Give every key with each of the lines on which it is named, from the first to the last."""
    table: Path = ()
    for line, statement in _statements(text):
        held = tomllib.loads(statement)
        if statement.startswith("["):
            named = list(_paths(held))
            table = named[-1]
            yield from ((path, line) for path in named)
        else:
            yield from ((table + path, line) for path in _paths(held))


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Cut a text that is TOML into its statements, each with the line on which it begins."""
    line, begun, statement, depth = 1, 1, "", 0
    for piece in _PIECE.findall(text + "\n"):
        depth += (piece in ("[", "{")) - (piece in ("]", "}"))
        if piece == "\n" and depth == 0:
            if statement.strip():
                yield begun, statement.strip()
            statement = ""
        elif not piece.startswith("#"):
            begun = begun if statement.strip() else line
            statement += piece
        line += piece.count("\n")


def _paths(tree: Any, depth: int = DEPTH) -> Iterator[Path]:
    """Give the path of everything in a tree, tables before what they hold."""
    tree = tree[0] if isinstance(tree, list) and tree else tree  # [[an array of tables]]
    for name, held in tree.items() if isinstance(tree, dict) and depth else ():
        yield (name,)
        yield from ((name, *rest) for rest in _paths(held, depth - 1))
