"""`orch daemon`: run, start, stop and look at the daemon of this home. Sessions go on whatever happens to it."""

import os
import signal
import sys
from typing import Annotated, NoReturn

import typer

from orchestrd.client import Client
from orchestrd.model.document import DaemonFacts
from orchestrd.model.errors import NotFoundError, TimedOutError, UnreachableError
from orchestrd.model.limits import DAEMON_KILL_S, DAEMON_STOP_S, LOG_TAIL_LINES
from orchestrd.render import age, counted
from orchestrd_cli import exits, following, holder, reach, terminal
from orchestrd_cli.grammar import SETTINGS, Follow, Json, verb
from orchestrd_cli.logfile import LogFile

app = typer.Typer(
    help="Run, start, stop and look at the daemon. Sessions go on without it.",
    no_args_is_help=True,
    context_settings=SETTINGS,
)

Interval = Annotated[float | None, typer.Option(metavar="SECONDS", help="From one tick to the next.")]
MaxRunning = Annotated[int | None, typer.Option(metavar="N", min=1, help="Sessions at a time; others queue.")]


@verb("[OPTIONS]", of=app)
def run(*, interval: Interval = None, max_running: MaxRunning = None) -> int:
    """Run the daemon in the foreground, logging to stderr.

    It ticks every 5 seconds and lets 10 sessions run at a time. TERM or
    Ctrl-C ends it gracefully, a second one at once. A second daemon of the
    same home exits 4.

    orch daemon run --interval 0.5
    """
    words = [] if interval is None else ["--interval", f"{interval:g}"]
    words += [] if max_running is None else ["--max-running", str(max_running)]
    _become([sys.executable, "-P", "-m", "orchestrd", "run", *words])


@verb("[OPTIONS]", of=app)
def start(*, interval: Interval = None, max_running: MaxRunning = None, json: Json = False) -> int:
    """Start the daemon in the background; exit 0 once it answers.

    It ticks every 5 seconds and lets 10 sessions run at a time. Verbs that
    need a daemon start it themselves.

    orch daemon start --interval 0.5
    """
    return _start(reach.client(), interval, max_running, as_json=json)


@verb("[OPTIONS]", of=app)
def stop() -> int:
    """Stop the daemon gracefully; sessions run on.

    What waits is committed first. One that hangs is killed after 15 seconds;
    nothing is lost by that either. The next daemon finds every session.

    orch daemon stop
    """
    pid = _stop(reach.client())
    reach.write_text("no daemon is running\n" if pid is None else f"daemon {pid} has stopped; sessions go on\n")
    return exits.OK


@verb("[OPTIONS]", of=app)
def restart(*, interval: Interval = None, max_running: MaxRunning = None, json: Json = False) -> int:
    """Stop the daemon and start it again, by default as it was.

    orch daemon restart
    """
    home = reach.client()
    before = home.status().daemon
    if _stop(home) is not None and before is None and interval is None and max_running is None:
        terminal.note("orch: it could not say how it ran: the next one begins with the defaults")
    if before is not None:
        interval = before.interval_s if interval is None else interval
        max_running = before.max_running if max_running is None else max_running
    return _start(home, interval, max_running, as_json=json)


@verb("[OPTIONS]", of=app)
def status(*, json: Json = False) -> int:
    """Say whether the daemon runs; exit 5 when none answers.

    orch daemon status
    """
    home = reach.client()
    facts = home.status().daemon
    if json:
        reach.write_json({"daemon": facts})
    if facts is not None:
        if not json:
            reach.write_text(_page(facts, home))
        return exits.OK
    with_pid = holder.find(home.layout)
    if with_pid is None:
        raise UnreachableError(f"no daemon runs in {home.layout.home}", hint="orch daemon start")
    with with_pid:
        raise UnreachableError(
            f"daemon {with_pid.pid} holds {home.layout.home} and does not answer", hint="orch daemon restart"
        )


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
    path = reach.client().layout.daemon_log
    if not os.path.exists(path):  # noqa: PTH110 - a string, as all of the layout
        raise NotFoundError(
            f"there is no log yet: no daemon was started in the background ({path})", hint="orch daemon start"
        )
    log = LogFile(path)
    log.skip_to_last(lines)
    following.copy(following.Output(log), lambda: not follow)
    return exits.OK


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
    if as_json:
        reach.write_json({"daemon": facts})
    else:
        reach.write_text(f"daemon {facts.pid} {'has started' if is_new else 'runs already'}\n")
    return exits.OK


def _stop(home: Client) -> int | None:
    """Stop the daemon that holds the home and wait for its end; gives its pid, or null when there is none.

    One that does not stop in time is killed: agents are no part of it, and what it has accepted is on disk.
    """
    daemon = holder.find(home.layout)
    if daemon is None:
        return None
    with daemon:
        daemon.signal(signal.SIGTERM)
        if not daemon.ends_within(DAEMON_STOP_S) and daemon.holds(home.layout.lock):
            _kill(daemon)
        return daemon.pid


def _kill(daemon: holder.Holder) -> None:
    terminal.note(f"orch: daemon {daemon.pid} did not stop within {DAEMON_STOP_S:g} s: killing it (nothing is lost)")
    daemon.signal(signal.SIGKILL)
    if not daemon.ends_within(DAEMON_KILL_S):
        raise TimedOutError(
            f"daemon {daemon.pid} was killed and has not ended within {DAEMON_KILL_S:g} s: the kernel holds it",
            hint=f"ps -o pid,stat,wchan -p {daemon.pid}",
        )


def _page(facts: DaemonFacts, home: Client) -> str:
    return (
        f"daemon      {facts.pid}, up {age(facts.started_at, reach.now())}, version {facts.version}\n"
        f"epoch       {facts.epoch}\n"
        f"home        {facts.home}\n"
        f"socket      {home.layout.socket}\n"
        f"log         {home.layout.daemon_log}\n"
        f"tick        every {facts.interval_s:g} s\n"
        f"lane        {facts.max_running} sessions at a time\n"
        f"events      {facts.sequence}\n"
        f"quarantine  {counted(facts.rejected, 'file')} in {home.layout.quarantine}\n"
    )
