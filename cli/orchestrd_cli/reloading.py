"""`orch daemon reload`: have a running daemon read its settings again, and say what came of it."""

import os
import signal
import time

from orchestrd.client import Client
from orchestrd.model.document import DaemonFacts
from orchestrd.model.errors import TimedOutError, UsageError
from orchestrd.model.limits import DAEMON_LOOK_S, RELOAD_S
from orchestrd_cli import exits, holder, reach
from orchestrd_cli.grammar import Json, verb
from orchestrd_cli.service import app, unanswered
from orchestrd_cli.terminal import note


@verb("[OPTIONS]", of=app)
def reload(*, json: Json = False) -> int:
    """Have the daemon read its settings again, without a restart.

    Exits 2 where something is wrong with them: then all stays as it is. What
    was given to the daemon as an option stays as well.

    orch daemon reload
    """
    home = reach.client()
    facts = _reloaded(home, _facts(home))
    if facts.refused:
        raise UsageError(facts.refused, code="config", hint="orch config check")
    if json:
        reach.write_json({"daemon": facts})
        return exits.OK
    has_read = facts.config is None or os.path.exists(facts.config)  # noqa: PTH110 - for a look
    what = facts.config if has_read else f"its settings; there is no {facts.config}"
    reach.write_text(f"daemon {facts.pid} has read {what}\n")
    if facts.fixed:
        note(f"orch: as it was given to the daemon as an option stays {', '.join(facts.fixed)}")
    return exits.OK


def _reloaded(home: Client, before: DaemonFacts) -> DaemonFacts:
    daemon = holder.find(home.layout)
    if daemon is None:
        raise unanswered(home)
    with daemon:
        daemon.signal(signal.SIGHUP)
    deadline = time.monotonic() + RELOAD_S  # noqa: TID251 - a command line has no injected clock
    while time.monotonic() < deadline:  # noqa: TID251 - as above
        facts = _facts(home)
        if facts.reloads > before.reloads or facts.pid != before.pid:  # another one has read them at its start
            return facts
        time.sleep(DAEMON_LOOK_S)
    raise TimedOutError(f"the daemon has not read its settings within {RELOAD_S:g} s", hint="orch daemon logs")


def _facts(home: Client) -> DaemonFacts:
    facts = home.status().daemon
    if facts is None:
        raise unanswered(home)
    return facts
