"""The full command line: every verb with its help, and the manners in which all of them end."""

from typing import Annotated

import typer
from typer.exceptions import TyperException

from orchestrd import __version__
from orchestrd.model.errors import OrchestrdError, UsageError
from orchestrd_cli import (
    agents,
    archiving,
    attaching,
    beginning,
    changing,
    cleaning,
    completing,
    configuring,
    deciding,
    doctoring,
    exits,
    failures,
    following,
    looking,
    manual,
    notifying,
    reach,
    reacting,
    reloading,
    service,
    terminal,
    trusting,
    waiting,
)
from orchestrd_cli.grammar import app, laid_out, verb
from orchestrd_cli.installing import verbs as installing

WITH_COMMAND = frozenset({"spawn", "new", "run"})  # what stands after -- is theirs, word for word
VERBS = (  # registered by being imported
    agents,
    archiving,
    attaching,
    beginning,
    changing,
    cleaning,
    completing,
    deciding,
    doctoring,
    following,
    installing,
    looking,
    manual,
    notifying,
    reloading,
    trusting,
    waiting,
)

app.add_typer(service.app, name="daemon")
app.add_typer(configuring.app, name="config")
app.add_typer(reacting.app, name="reactions")


def _print_version(*, wanted: bool) -> None:
    if wanted:
        terminal.write(f"orchestrd {__version__}\n".encode())
        raise typer.Exit


def orch(
    *,
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Keep coding-agent sessions running, and tell the truth about each one.

    orch spawn -- COMMAND      begin a session
    orch status                what runs, and what needs you
    orch events -f             what happens, as it happens
    orch demo                  a tour of ten seconds

    Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 refused or conflict,
    5 daemon unreachable, 6 timeout.
    """


app.callback(help=laid_out(orch))(orch)


@verb("")
def demo() -> int:
    """Show the main job in a home that is thrown away, and prove it.

    orch demo
    """
    from orchestrd_cli.demo import tour

    return tour.run()


@verb("working|waiting|blocked [TEXT]")
def report(words: Annotated[list[str] | None, typer.Argument(hidden=True)] = None) -> int:
    """Say from inside a session what it is doing; always exits 0.

    waiting: its turn is over, and `orch send` reaches it. blocked: it needs
    a decision, and nothing is sent to it. Works without a daemon; costs a
    few milliseconds.

    orch report waiting "which branch?"
    """
    from orchestrd_cli import report as reporting

    return reporting.main(words or [])


def run(words: list[str], *, is_daemon_silent: bool = False) -> int:
    """Parse and perform one command line; gives the exit code. A silent daemon is not asked once more."""
    reach.is_daemon_silent = is_daemon_silent
    own, command = _split(words)
    as_json = "--json" in own
    try:
        parsed = typer.main.get_command(app).main(own, prog_name="orch", standalone_mode=False, obj=command)
        return parsed if isinstance(parsed, int) else parsed()
    except TyperException as error:
        return _tell_usage(error, as_json=as_json)
    except OrchestrdError as error:
        return failures.tell(error, as_json=as_json)


def _tell_usage(error: TyperException, *, as_json: bool) -> int:
    """Say what typer did not understand in the same form as any other error."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "orch"
    message = error.format_message()
    if message.startswith("Usage:"):  # no verb was given: the help itself is the answer
        terminal.note(message)
        return exits.USAGE
    message = message.rstrip(".").replace("Value error, ", "")
    return failures.tell(UsageError(message[:1].lower() + message[1:], hint=f"{path} --help"), as_json=as_json)


def _split(words: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Set apart the command that a spawn is to run; typer would take its first word for the prompt."""
    verb_given = next((word for word in words if not word.startswith("-")), "")
    if verb_given not in WITH_COMMAND or "--" not in words:
        return words, ()
    cut = words.index("--")
    return words[:cut], tuple(words[cut + 1 :])
