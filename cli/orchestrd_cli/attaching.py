"""Verbs about a session's terminal: `orch attach` goes into it, `orch screen` shows what it shows."""

import os
import time
from typing import Annotated, NoReturn

import typer

from orchestrd.client import Client
from orchestrd.client.terminal import NOT_THERE_YET, Terminal, most_urgent, terminal_of
from orchestrd.model.document import Document
from orchestrd.model.errors import OrchestrdError, RefusedError, UsageError
from orchestrd.render import age, visible
from orchestrd_cli import exits, reach, terminal
from orchestrd_cli.grammar import Json, Ref, verb
from orchestrd_cli.harmless import AsItIs, Harmless

APPEARS_S = 5.0  # a session that is being started is given this long to have its terminal
LOOK_S = 0.1
REMINDER_MS = "1500"  # how to detach stands in the last line for this long, while tmux holds the picture still

ReadOnly = Annotated[bool, typer.Option("--read-only", "-r", help="Look only: no key reaches the agent.")]


@verb("[OPTIONS] [ID]")
def attach(
    ref: Annotated[str | None, typer.Argument(hidden=True, metavar="ID")] = None, *, read_only: ReadOnly = False
) -> int:
    """Go into a session's terminal; Ctrl-b d leaves, and it goes on.

    Without ID it is the session that needs you: one that is blocked before
    one that waits, and of several the one that has waited longest. Nobody
    needs you: exit 3. Inside another tmux press Ctrl-b twice: Ctrl-b Ctrl-b d.

    orch attach
    orch attach fix --read-only
    """
    home = reach.client()
    told = home.show(ref) if ref else most_urgent(home.status().sessions)
    reach.note_age_of_disk(home)
    if os.environ.get("ORCH_SESSION") == told.id:  # else it would draw what it draws, without an end
        raise RefusedError(f"you are inside session {told.id}: it cannot show itself", hint="orch status")
    found = _found(home, told)
    if not (terminal.is_terminal(0) and terminal.is_terminal(1)):
        raise UsageError("attaching needs a terminal, and stdin or stdout is none here", hint=f"orch screen {told.id}")
    if ref is None:
        terminal.note(f"orch: {told.id}{'' if told.name == told.id else f' {visible(told.name)}'}, {_plight(told)}")
    _enter(found, read_only=read_only)


@verb("[OPTIONS] ID")
def screen(ref: Ref, *, json: Json = False) -> int:
    """Show what a session's terminal shows now, or showed at its end.

    orch screen fix
    orch screen --json fix | jq -r .screen
    """
    home = reach.client()
    shown = home.screen(ref)
    reach.note_age_of_disk(home)
    if json:
        reach.write_json(shown)
        return exits.OK
    text = shown.screen.rstrip("\n").encode("utf-8", "replace") + b"\n"
    form = Harmless() if terminal.is_terminal() else AsItIs()
    terminal.write(form.feed(text) + form.end())
    return exits.OK


def _plight(told: Document) -> str:
    since = "" if told.activity_since is None else f" {age(told.activity_since, reach.now())}"
    return visible(f"{told.activity}{since}{f': {told.activity_text}' if told.activity_text else ''}")


def _found(home: Client, told: Document) -> Terminal:
    """Find its terminal, and wait for it, bounded, where a daemon is about to start the session."""
    until = time.monotonic() + APPEARS_S  # noqa: TID251 - a command line has no injected clock
    is_told = False
    while True:
        try:
            return terminal_of(home.layout, told)
        except RefusedError as error:
            is_late = time.monotonic() > until  # noqa: TID251 - as above
            if error.code != NOT_THERE_YET or is_late or not home.answers():
                raise
        if not is_told:
            terminal.note(f"orch: {told.id} is {told.state}; waiting for its terminal (Ctrl-C to leave)")
        is_told = True
        time.sleep(LOOK_S)
        told = home.show(told.id)


def _enter(found: Terminal, *, read_only: bool) -> NoReturn:
    """Become the client of tmux that shows this terminal."""
    environment = dict(os.environ)
    if found.encloses(environment) and not read_only:
        how_to_leave = "back: Ctrl-b L   out: Ctrl-b d"
        enter = found.command("switch-client", "-t", found.target)
    else:
        how_to_leave = "to detach: Ctrl-b d"
        if environment.pop("TMUX", None):
            how_to_leave = "to detach: Ctrl-b Ctrl-b d (twice, for this is a tmux in a tmux)"
        environment.pop("TMUX_PANE", None)
        enter = found.command("attach-session", *(("-r",) if read_only else ()), "-t", found.target)
    said = f"orch: {'read-only; ' if read_only else ''}{how_to_leave}"
    terminal.note(said)
    try:
        os.execvpe(enter[0], [*enter, ";", "display-message", "-d", REMINDER_MS, said], environment)  # noqa: S606
    except OSError as error:
        raise OrchestrdError(f"tmux cannot be started: {error.strerror}", hint="tmux -V") from error
