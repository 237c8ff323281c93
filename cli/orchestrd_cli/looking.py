"""Verbs that look and change nothing: status, show, explain, events. Without a daemon they read the disk and say so."""

from typing import Annotated

import typer
from msgspec import Struct
from msgspec.structs import replace

from orchestrd.client import Client
from orchestrd.core.problem import problem_of
from orchestrd.model.errors import OrchestrdError, UsageError
from orchestrd.render import error_text, event_line, explanation_page, needs_me, session_page, status_table
from orchestrd_cli import exits, reach, terminal, watching
from orchestrd_cli.grammar import Follow, Json, Ref, verb


@verb("[OPTIONS]", "ls", "ps")
def status(
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Show it anew whenever it changes.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the number that need you.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Ended sessions too.")] = False,
    wide: Annotated[bool, typer.Option("--wide", help="Also the memory and CPU of each session's processes.")] = False,
    project: Annotated[str | None, typer.Option(metavar="NAME", help="Of one project only.")] = None,
    json: Json = False,
) -> int:
    """List the sessions, those that need you first.

    ? is not known, - is not there. Without a daemon this is what the disk
    says, and how old it is. With -w: q or Ctrl-C ends it. With --wide memory
    is PSS, which counts what processes share once, and CPU is of one core.

    orch status
    orch status -w --all
    orch status --json | jq -r '.sessions[] | select(.activity=="waiting").id'
    """
    if quiet and json:
        raise UsageError("--quiet prints a number, --json the sessions: give one of them", hint="orch status --help")
    home = reach.client()
    wanted = Wanted(all=all_, project=project, quiet=quiet, wide=wide, json=json, is_watched=watch)
    picture = _picture(home, wanted)
    if json or quiet:  # the table says it itself
        reach.note_age_of_disk(home)
    if watch:
        return watching.watch(picture, lambda: next_picture(home, wanted), as_lines=json)
    terminal.write(picture)
    return exits.OK


@verb("[OPTIONS] ID")
def show(ref: Ref, *, json: Json = False) -> int:
    """Show everything about one session.

    ID is an id, the unique beginning of one, or an exact name.

    orch show fix
    orch show --json k3v5 | jq .exit_code
    """
    home = reach.client()
    told = home.show(ref)
    reach.note_age_of_disk(home)
    if json:
        reach.write_json(told)
    else:
        reach.write_text(session_page(told, reach.now()))
    return exits.OK


@verb("[OPTIONS] ID")
def explain(ref: Ref, *, json: Json = False) -> int:
    """Say why a session's row says what it says.

    The rule that won on each axis, then every witness with its age, then
    what is still to come.

    orch explain fix
    """
    home = reach.client()
    explanation = home.explain(ref)
    reach.note_age_of_disk(home)
    if json:
        reach.write_json(explanation)
    else:
        reach.write_text(explanation_page(explanation, reach.now()))
    return exits.OK


@verb("[OPTIONS]")
def events(
    *,
    follow: Follow = False,
    since: Annotated[int | None, typer.Option(metavar="CURSOR", min=0, help="Only those after this number.")] = None,
    session: Annotated[list[str] | None, typer.Option(metavar="ID", help="Of this session; repeatable.")] = None,
    kind: Annotated[list[str] | None, typer.Option("--type", metavar="TYPE", help="Of this type; repeatable.")] = None,
    json: Json = False,
) -> int:
    """Print what has happened, oldest first.

    Events are numbered without a gap; where some are no longer kept, a line
    says which. With -f and no CURSOR it begins now, and goes on over any
    number of daemons until Ctrl-C.

    orch events -f
    orch events --since 120 --json
    orch events --session fix --type state_changed
    """
    home = reach.client()
    reach.note_age_of_disk(home)
    _print_events(home, since, follow=follow, sessions=session or [], types=kind or [], as_json=json)
    return exits.OK


class Wanted(Struct, frozen=True, kw_only=True):
    """What of the sessions is to be seen, and in which form; a picture that is watched is cut to the window."""

    all: bool = False
    project: str | None = None
    quiet: bool = False
    wide: bool = False
    json: bool = False
    is_watched: bool = False


def next_picture(home: Client, wanted: Wanted) -> bytes:
    """Give the next picture of those that are watched: what went wrong is one too, and does not end them."""
    try:
        return _picture(home, wanted)
    except OrchestrdError as error:
        return reach.json_line(problem_of(error)) if wanted.json else f"orch: {error_text(error)}\n".encode()


def _picture(home: Client, wanted: Wanted) -> bytes:
    found = home.status(with_ended=wanted.all, project=wanted.project, with_usage=wanted.wide)
    if wanted.json:
        return reach.json_line(found)
    if wanted.quiet:
        return b"%d\n" % sum(map(needs_me, found.sessions))
    columns, lines = terminal.size()
    if wanted.wide and found.usage is None:  # without a daemon: asked for, and not known
        found = replace(found, usage={})
    return status_table(
        found,
        reach.now(),
        project=wanted.project,
        columns=columns or None,
        lines_max=(lines or None) if wanted.is_watched else None,
        colour=terminal.wants_colour(),
        silence=reach.silent_daemon(home),
    ).encode()


def _print_events(
    home: Client, since: int | None, *, follow: bool, sessions: list[str], types: list[str], as_json: bool
) -> None:
    for line in home.events(since, follow=follow, sessions=sessions, types=types):
        terminal.write(line + b"\n" if as_json else f"{event_line(line)}\n".encode())
