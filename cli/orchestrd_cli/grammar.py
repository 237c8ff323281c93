"""The words of the command line: the typer app, and the options that several verbs share.

typer only parses. A verb does not act when typer calls it: it hands back a deed, and `app.run` performs it, so that
errors, Ctrl-C and a closed pipe meet one set of manners and not typer's.
"""

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Annotated, Any, ParamSpec

import typer
from typer.core import TyperCommand, TyperGroup

P = ParamSpec("P")
Deed = Callable[[], int]

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"]}

SECTIONS = {  # of the list of verbs
    "Every day": ("spawn", "status", "attach", "send", "answer", "screen", "logs"),
    "Look closer": ("show", "explain", "events", "diff", "reactions"),
    "Wait and end": ("wait", "stop", "kill", "revive", "clean", "rm"),
    "Setting up": ("agents", "daemon", "config", "notify", "trust", "doctor", "completion"),
    "Besides": ("report", "demo", "help"),
}
ORDER = tuple(name for names in SECTIONS.values() for name in names)
OPTIONS = "Options"  # the section of those that belong to no other


class Verbs(TyperGroup):
    """All verbs, listed as a person meets them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Give the verbs of `ORDER` first, then their other names."""
        return sorted(super().list_commands(ctx), key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the verbs section by section, each with the whole of its first sentence."""
        shown = {name: verb for name, verb in self.commands.items() if not verb.hidden}
        columns = max(map(len, shown))
        for section, names in SECTIONS.items():
            rows = [
                (name.ljust(columns), shown[name].get_short_help_str(formatter.width))
                for name in names
                if name in shown
            ]
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows)


app = typer.Typer(
    name="orch",
    cls=Verbs,
    rich_markup_mode=None,  # rich is never loaded
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=False,  # typer's own would import it at every Tab
    context_settings=SETTINGS,
)


class Verb(TyperCommand):
    """A verb whose usage line is written by hand: `options_metavar` is the whole of it."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Give what stands after the verb in its usage line."""
        return [self.options_metavar or ""]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """List the options, those that belong together in a section of their own (their `rich_help_panel`)."""
        sections: dict[str, list[tuple[str, str]]] = {OPTIONS: []}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or OPTIONS, []).append(record)
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)


def laid_out(act: Callable[..., object]) -> str:
    """Give a verb's help: its docstring, in which a paragraph that begins with `orch` is examples, line by line."""
    return inspect.cleandoc(act.__doc__ or "").replace("\n\norch ", "\n\n\b\norch ")


def verb(usage: str, *aliases: str, of: typer.Typer = app) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Register a verb with its usage line, and the names it also goes by, unlisted."""

    def register(act: Callable[P, int]) -> Callable[P, int]:
        @wraps(act)
        def parsed(*args: P.args, **kwargs: P.kwargs) -> Deed:
            return partial(act, *args, **kwargs)

        for name in (act.__name__.rstrip("_"), *aliases):
            of.command(name, cls=Verb, help=laid_out(act), options_metavar=usage, hidden=name in aliases)(parsed)
        return act

    return register


Ref = Annotated[str, typer.Argument(hidden=True, metavar="ID")]
Refs = Annotated[list[str], typer.Argument(hidden=True, metavar="ID")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: the machine contract.")]
NoDaemon = Annotated[bool, typer.Option("--no-daemon", help="Start no daemon; leave it on disk for the next one.")]
NeverStart = Annotated[bool, typer.Option("--no-daemon", help="Start no daemon; this cannot wait for one: exit 5.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on as it comes.")]
Timeout = Annotated[float | None, typer.Option("--timeout", metavar="SECONDS", help="Give up waiting after this long.")]
