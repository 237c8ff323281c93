"""The help of every verb, as golden texts: `--rewrite` writes them anew, and the difference is reviewed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from orchestrd_cli import app  # registers every verb
from orchestrd_cli.grammar import app as grammar
from tests.cli.fake_daemon import Result

GOLDEN = Path(__file__).parent / "help"
COLUMNS_MAX = 80
HIDDEN = {"ls": "status", "ps": "status", "new": "spawn", "run": "spawn"}


def _below(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name in group.list_commands(typer.Context(group)):
        command = group.commands[name]
        if isinstance(command, TyperGroup):
            yield from _below(command, (*path, name))
        elif not command.hidden:
            yield (*path, name)


def command_lines() -> list[tuple[str, ...]]:
    """Give the words of every verb, groups of verbs before what is in them, as `orch --help` lists them."""
    assert app.VERBS
    group = typer.main.get_command(grammar)
    assert isinstance(group, TyperGroup)
    return list(_below(group))


@pytest.mark.parametrize("words", command_lines(), ids=lambda words: " ".join(("orch", *words)))
def test_the_help_reads_as_it_was_reviewed(
    orch: Callable[..., Result],
    golden: Callable[[Path, str], None],
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    done = orch(*words, "--help")

    assert (done.code, done.err) == (0, "")
    golden(GOLDEN / ("-".join(("orch", *words)) + ".txt"), done.out)


@pytest.mark.parametrize("reviewed", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_a_help_fits_a_terminal_and_shows_an_example(reviewed: Path) -> None:
    text = reviewed.read_text()

    assert max(map(len, text.splitlines())) <= COLUMNS_MAX
    assert "\n  orch " in text or reviewed.stem == "orch-daemon"


def test_no_help_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {"-".join(("orch", *words)) for words in command_lines()}


@pytest.mark.parametrize(("alias", "verb"), HIDDEN.items())
def test_the_words_of_other_tools_work_too(orch: Callable[..., Result], alias: str, verb: str) -> None:
    assert orch(alias, "--help").out.partition("\n")[2] == orch(verb, "--help").out.partition("\n")[2]
