"""What the README says of the command line is so."""

import re
import shlex
from pathlib import Path

import typer
from typer.core import TyperGroup

from orchestrd_cli import app, exits
from orchestrd_cli.grammar import app as grammar

README = (Path(__file__).parents[2] / "README.md").read_text()


def _verbs() -> dict[str, object]:
    assert app.VERBS  # importing it has registered them
    group = typer.main.get_command(grammar)
    assert isinstance(group, TyperGroup)
    return {name: command for name, command in group.commands.items() if not command.hidden}


def test_every_verb_stands_in_the_table() -> None:
    table = README.partition("## Every verb")[2].partition("\n## ")[0]

    assert [verb for verb in _verbs() if not re.search(rf"^\|.*`{verb}\b", table, re.MULTILINE)] == []


def test_every_command_line_names_a_verb() -> None:
    typed = re.findall(r"\$ orch (.*)", README)

    assert len(typed) > 10
    assert {shlex.split(line)[0] for line in typed} <= set(_verbs())


def test_the_exit_codes_are_the_table() -> None:
    told = dict(re.findall(r"(\d) ([a-z ]+)[,.]", README.partition("**Exit codes**")[2].partition("`wait`")[0]))

    assert told == {
        str(exits.OK): "ok",
        str(exits.FAILED): "failed",
        str(exits.USAGE): "usage",
        str(exits.NOT_FOUND): "not found",
        str(exits.REFUSED): "refused or conflict",
        str(exits.UNREACHABLE): "daemon unreachable",
        str(exits.TIMED_OUT): "timeout",
    }
