"""The pages hang together: every link leads somewhere, every page is found, every command line can be typed."""

import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from orchestrd_cli import app
from orchestrd_cli.app import _split
from orchestrd_cli.grammar import app as grammar
from tests.docs.pages import AROUND, DOCS, PAGES, Link, anchors, links, navigated, typed

EVERYTHING = (*PAGES, *AROUND)


def _is_broken(link: Link) -> bool:
    place, _, anchor = link.target.partition("#")
    target = (link.page.parent / place).resolve() if place else link.page
    if not target.exists():
        return True
    return bool(anchor) and (target.suffix != ".md" or anchor not in anchors(target))


@pytest.mark.parametrize("page", EVERYTHING, ids=lambda page: page.name)
def test_every_link_leads_to_a_page_and_a_heading_that_are_there(page: Path) -> None:
    assert [link.target for link in links(page) if not link.is_outside and _is_broken(link)] == []


def test_no_page_of_the_site_leads_to_a_file_that_is_not_on_it() -> None:
    leaving = [
        f"{page.name}: {link.target}"
        for page in PAGES
        for link in links(page)
        if not link.is_outside and ".." in Path(link.target.partition("#")[0]).parts
    ]

    assert leaving == []


def test_the_navigation_has_every_page_once() -> None:
    assert sorted(navigated()) == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


def test_a_broken_link_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One thing\n\n[a](page.md#one-thing) [b](#two) [c](none.md)\n\n`[d](none)`\n\n    [e](none)\n")

    assert [link.target for link in links(page) if _is_broken(link)] == ["#two", "none.md"]


def _verb(words: list[str]) -> TyperCommand | TyperGroup:
    """Find whom the words call. Raises KeyError where there is no such verb."""
    assert app.VERBS  # importing it has registered them
    found = typer.main.get_command(grammar)
    for word in words:
        if not isinstance(found, TyperGroup) or word.startswith("-") or word == "VERB":
            break
        found = found.commands[word]
    assert isinstance(found, TyperCommand | TyperGroup)
    return found


def _lines_of_orch(page: Path) -> list[list[str]]:
    """Give the words behind each `orch` of a page's command lines, up to the end of that command."""
    lines: list[list[str]] = []
    for line in (line for line in typed(page) if "orch " in line):
        words = list(shlex.shlex(line, posix=True, punctuation_chars="();|&<>"))
        for at, word in enumerate(words):
            if word == "orch" and (at == 0 or set(words[at - 1]) <= set(";|&(")):
                rest = words[at + 1 :]
                end = next((n for n, one in enumerate(rest) if set(one) <= set("();|&<>")), len(rest))
                lines.append(rest[:end])
    return lines


@pytest.mark.parametrize("page", EVERYTHING, ids=lambda page: page.name)
def test_every_command_line_has_a_verb_and_options_that_there_are(page: Path) -> None:
    strange = []
    for words in _lines_of_orch(page):
        own, _ = _split(words)
        try:
            known = {option for one in _verb(own).params for option in one.opts} | {"--help", "-h"}
        except KeyError:
            strange.append(words)
            continue
        strange += [words for word in own if word.startswith("-") and word != "-" and word.split("=")[0] not in known]

    assert strange == []


def test_the_pages_show_many_command_lines() -> None:
    assert sum(len(_lines_of_orch(page)) for page in EVERYTHING) > 50
