"""`orch help`: the help of any verb, and all of it as a manual page.

The page is made of the very texts that --help prints, so that it cannot say anything else.
"""

from collections.abc import Iterator
from typing import Annotated

import typer
from typer import Context
from typer.core import TyperCommand, TyperGroup

from orchestrd import __version__
from orchestrd.model.errors import UsageError
from orchestrd_cli import exits, reach
from orchestrd_cli.grammar import SETTINGS, app, verb

COLUMNS = 72  # of the page, which man indents by seven; what is printed for a terminal has its width
TITLE = f"""\
.TH ORCH 1 "" "orchestrd {__version__}" "User Commands"
.SH NAME
orch \\- keep coding\\-agent sessions running, and tell the truth about each one
"""

Man = Annotated[bool, typer.Option("--man", help="Print a manual page that has all verbs.")]


@verb("[OPTIONS] [VERB]...", "man")
def help_(
    words: Annotated[list[str] | None, typer.Argument(hidden=True, metavar="VERB")] = None, *, man: Man = False
) -> int:
    """Show the help of a verb, as --help behind it does.

    orch help daemon start
    orch help --man | man -l -
    orch help --man > ~/.local/share/man/man1/orch.1
    """
    reach.write_text(manual_page() if man else f"{_of(words or []).get_help()}\n")
    return exits.OK


def manual_page() -> str:
    """Give the page, as man reads it."""
    return TITLE + "".join(_sections(_context(None, "orch", _whole()), is_first=True))


def _sections(context: Context, *, is_first: bool = False) -> Iterator[str]:
    """Give a section for a verb and for each below it: the first one is the page's own description."""
    heading = ".SH DESCRIPTION" if is_first else f'.SH "{_safe(context.command_path)}"'
    yield f"{heading}\n.nf\n{_safe(context.get_help())}\n.fi\n"
    if isinstance(context.command, TyperGroup):
        for name in context.command.list_commands(context):
            below = context.command.commands[name]
            if not below.hidden:
                yield from _sections(_context(context, name, below))


def _of(words: list[str]) -> Context:
    """Find a verb by its words. Raises UsageError."""
    context = _context(None, "orch", _whole(), columns=None)
    for word in words:
        below = context.command.commands.get(word) if isinstance(context.command, TyperGroup) else None
        if below is None:
            raise UsageError(f"there is no verb {' '.join(words)!r}", hint=f"{context.command_path} --help")
        context = _context(context, word, below, columns=None)
    return context


def _whole() -> TyperGroup:
    whole = typer.main.get_command(app)
    assert isinstance(whole, TyperGroup)
    return whole


def _context(parent: Context | None, name: str, command: object, columns: int | None = COLUMNS) -> Context:
    assert isinstance(command, TyperCommand | TyperGroup)
    return Context(command, parent=parent, info_name=name, terminal_width=columns, **SETTINGS)


def _safe(text: str) -> str:
    """Write a text so that roff sets it as it is."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").split("\n")
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in lines)
