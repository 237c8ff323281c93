"""What the pages quote is what the program says: every quoted error is one of its sentences, with its own values."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import AROUND, PAGES, ROOT

LITERAL_CHARS_MIN = 13  # of a sentence; with less of its own it would be found in any other
_FILLED_IN = re.compile(r"\{\w+\}")  # some are filled in later, by name
_QUOTED = re.compile(r"^ {4,}(?:orch|orchestrd): (?![a-z2-7]{8} )(.+)$", re.MULTILINE)  # not: into whom one attaches


def _sentence(node: ast.expr) -> str | None:
    """Give the pattern of a text of the program: what is filled in may be anything. Null for what is too short."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    said = [str(part.value) if isinstance(part, ast.Constant) else None for part in parts]
    if sum(len(_FILLED_IN.sub("", text)) for text in said if text) < LITERAL_CHARS_MIN:
        return None
    pattern = "".join(".*" if text is None else re.escape(text) for text in said).removeprefix(re.escape("orch: "))
    return re.sub(r"\\{\w+\\}", ".*", pattern)


def _texts(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    inner = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if (is_text or isinstance(node, ast.JoinedStr)) and node not in inner:
            assert isinstance(node, ast.expr)
            if sentence := _sentence(node):
                yield sentence


@cache
def _sentences() -> tuple[re.Pattern[str], ...]:
    sources = [path for room in ("orchestrd", "cli") for path in sorted((ROOT / room).rglob("*.py"))]
    spoken = [
        path for path in sources if not path.is_relative_to(ROOT / "orchestrd" / "testing")
    ]  # to nobody but tests
    return tuple(re.compile(text) for path in spoken for text in _texts(path))


def _is_said(quoted: str) -> bool:
    return any(sentence.search(quoted) for sentence in _sentences())


@pytest.mark.parametrize("page", [*PAGES, *AROUND], ids=lambda page: page.name)
def test_every_error_that_is_quoted_is_one_that_is_said(page: Path) -> None:
    assert [quoted for quoted in _QUOTED.findall(page.read_text()) if not _is_said(quoted)] == []


def test_a_sentence_that_nobody_says_would_be_found() -> None:
    assert _is_said("there is no session 'nope'")
    assert not _is_said("there is no such thing as a session")
