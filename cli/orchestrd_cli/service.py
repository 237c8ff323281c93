"""`orch daemon`: run, start, stop and look at the daemon of this home. Sessions go on whatever happens to it."""

import os
import sys
from typing import Annotated, NoReturn

import typer

from orchestrd.client import Client, configuring, systemd
from orchestrd.client.starting import refuse_options
from orchestrd.client.systemd import Unit
from orchestrd.model.document import DaemonFacts
from orchestrd.model.errors import NotFoundError, UnreachableError
from orchestrd.model.limits import LOG_TAIL_LINES, MAX_RUNNING_MAX, TICK_S_MAX, TICK_S_MIN
from orchestrd.render import age, counted
from orchestrd_cli import exits, following, holder, reach, terminal
from orchestrd_cli.grammar import SETTINGS, Follow, Json, verb
from orchestrd_cli.installing import governing
from orchestrd_cli.logfile import LogFile

app = typer.Typer(
    help="Run, start, stop and look at the daemon. Sessions go on without it.",
    no_args_is_help=True,
    context_settings=SETTINGS,
)


def _within_bounds(seconds: float | None) -> float | None:
    if seconds is not None and not TICK_S_MIN <= seconds <= TICK_S_MAX:  # a range of click's takes nan
        raise typer.BadParameter(f"{seconds:g} is not between {TICK_S_MIN:g} and {TICK_S_MAX:g} seconds")
    return seconds


Interval = Annotated[
    float | None, typer.Option(metavar="SECONDS", callback=_within_bounds, help="From one tick to the next.")
]
MaxRunning = Annotated[
    int | None, typer.Option(metavar="N", min=1, max=MAX_RUNNING_MAX, help="Sessions at a time; others queue.")
]


@verb("[OPTIONS]", of=app)
def run(*, interval: Interval = None, max_running: MaxRunning = None) -> int:
    """Run the daemon in the foreground, logging to stderr.

    Without an option it runs as orch config shows. TERM or Ctrl-C ends it
    gracefully, a second one at once; HUP has it read its settings again. A
    second daemon of the same home exits 4.

    orch daemon run --interval 0.5
    """
    if unit := systemd.unit_of(reach.client().layout.home):
        governing.refuse_beside(unit)
    words = [] if interval is None else ["--interval", f"{interval:g}"]
    words += [] if max_running is None else ["--max-running", str(max_running)]
    _become([sys.executable, "-P", "-m", "orchestrd", "run", *words])


@verb("[OPTIONS]", of=app)
def start(*, interval: Interval = None, max_running: MaxRunning = None, json: Json = False) -> int:
    """Start the daemon in the background; exit 0 once it answers.

    Without an option it runs as orch config shows. Verbs that need a daemon
    start it themselves. Where it is installed systemd starts it.

    orch daemon start --interval 0.5
    """
    return _start(reach.client(), interval, max_running, as_json=json)


@verb("[OPTIONS]", of=app)
def stop() -> int:
    """Stop the daemon gracefully; sessions run on.

    What waits is committed first. One that hangs is killed after 15 seconds;
    nothing is lost by that either. The next daemon finds every session.
    Where it is installed its socket is stopped too: no client starts it.

    orch daemon stop
    """
    home = reach.client()
    unit = systemd.unit_of(home.layout.home)
    pid = (governing.stop(unit) if unit else None) or holder.end(home.layout)
    reach.write_text("no daemon is running\n" if pid is None else f"daemon {pid} has stopped; sessions go on\n")
    if unit:
        governing.note_stopped(unit)
    return exits.OK


@verb("[OPTIONS]", of=app)
def restart(*, interval: Interval = None, max_running: MaxRunning = None, json: Json = False) -> int:
    """Stop the daemon and start it again, by default as it was.

    Where its settings are wrong nothing is stopped: the next one would not
    start with them.

    orch daemon restart
    """
    configuring.refuse_own_mistakes()
    home = reach.client()
    if unit := systemd.unit_of(home.layout.home):
        refuse_options(interval, max_running)
        return _tell(governing.restart(home, unit), "has started", as_json=json)
    before = home.status().daemon
    if holder.end(home.layout) is not None and before is None and interval is None and max_running is None:
        terminal.note("orch: it could not say how it ran: the next one begins with the defaults")
    if before is not None:
        interval = before.interval_s if interval is None and "interval_s" in before.fixed else interval
        max_running = before.max_running if max_running is None and "max_running" in before.fixed else max_running
    return _start(home, interval, max_running, as_json=json)


@verb("[OPTIONS]", of=app)
def status(*, json: Json = False) -> int:
    """Say whether the daemon runs; exit 5 when none answers.

    orch daemon status
    """
    home = reach.client()
    unit = systemd.unit_of(home.layout.home)
    facts = home.status().daemon
    if json:
        reach.write_json({"daemon": facts})
    if facts is not None:
        if not json:
            reach.write_text(_page(facts, home, unit))
        return exits.OK
    if unit:
        raise UnreachableError(
            f"no daemon runs in {home.layout.home}: {governing.standing(unit)}", hint="orch daemon start"
        )
    raise unanswered(home)


@verb("[OPTIONS]", of=app)
def logs(
    *,
    follow: Follow = False,
    lines: Annotated[int, typer.Option("--lines", "-n", metavar="N", min=0, help="Only the last N lines.")] = (
        LOG_TAIL_LINES
    ),
) -> int:
    """Print the daemon's own log.

    orch daemon logs -f
    """
    home = reach.client()
    if unit := systemd.unit_of(home.layout.home):
        governing.read_journal(unit, lines, follow=follow)
    path = home.layout.daemon_log
    if not os.path.exists(path):  # noqa: PTH110 - a string, as all of the layout
        raise NotFoundError(
            f"there is no log yet: no daemon was started in the background ({path})", hint="orch daemon start"
        )
    log = LogFile(path)
    log.skip_to_last(lines)
    following.copy(following.Output(log), lambda: not follow)
    return exits.OK


def unanswered(home: Client) -> UnreachableError:
    """Say of a daemon that gave no answer whether there is one, and what to do."""
    daemon = holder.find(home.layout)
    if daemon is None:
        return UnreachableError(f"no daemon runs in {home.layout.home}", hint="orch daemon start")
    with daemon:
        told = f"daemon {daemon.pid} holds {home.layout.home} and does not answer"
        return UnreachableError(told, hint="orch daemon restart")


def _become(argv: list[str]) -> NoReturn:
    sys.stdout.flush()
    os.execv(argv[0], argv)  # noqa: S606 - no shell: the daemon takes the place of this process


def _start(home: Client, interval: float | None, max_running: int | None, *, as_json: bool) -> int:
    is_new = home.ensure_daemon(interval_s=interval, max_running=max_running)
    facts = home.status().daemon
    if facts is None:
        raise UnreachableError("the daemon has started, and ended again", hint="orch daemon logs")
    if not is_new and interval not in (None, facts.interval_s):
        terminal.note(f"orch: it runs already, every {facts.interval_s:g} s (orch daemon restart)")
    if unit := systemd.unit_of(home.layout.home):
        governing.note_stranger(facts.pid, unit)
    return _tell(facts, "has started" if is_new else "runs already", as_json=as_json)


def _tell(facts: DaemonFacts, deed: str, *, as_json: bool) -> int:
    if as_json:
        reach.write_json({"daemon": facts})
    else:
        reach.write_text(f"daemon {facts.pid} {deed}\n")
    return exits.OK


def _page(facts: DaemonFacts, home: Client, unit: Unit | None) -> str:
    log = f"journalctl --user --unit={unit.service}" if unit else home.layout.daemon_log
    units = f"unit        {governing.standing(unit)}\n" if unit else ""
    return (
        f"daemon      {facts.pid}, up {age(facts.started_at, reach.now())}, version {facts.version}\n"
        f"epoch       {facts.epoch}\n"
        f"home        {facts.home}\n"
        f"socket      {home.layout.socket}\n"
        f"{units}"
        f"log         {log}\n"
        f"settings    {facts.config}\n"
        f"tick        every {facts.interval_s:g} s\n"
        f"lane        {facts.max_running} sessions at a time\n"
        f"events      {facts.sequence}\n"
        f"quarantine  {counted(facts.rejected, 'file')} in {home.layout.quarantine}\n"
    )
