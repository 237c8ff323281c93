"""Starting the daemon from a client: a process of its own that holds nothing of its caller's, watched until it answers.

It has its own session, no descriptor of the caller's, and none of a run's marks in its environment. Inside a run no
daemon is started: it would be a child of that run, and end with it. Where systemd starts the daemon of a home, it is
asked to, and nothing is started here.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from orchestrd.client.connection import UNRESPONSIVE
from orchestrd.client.systemd import MISCONFIGURED, REASON, Unit
from orchestrd.core.layout import Layout
from orchestrd.model.errors import UnreachableError, UsageError
from orchestrd.model.limits import DAEMON_LOOK_S, DAEMON_START_S

LOG_TAIL_BYTES = 4_096
ALREADY_RUNNING = 4  # how a second daemon ends: then the first one will answer
NEXT = "try: "  # how a daemon begins the line behind its reason
_MARKS = ("ORCH_SESSION", "ORCH_RUN", "ORCH_RUN_DIR", "ORCH_PROMPT_FILE")


def start_daemon(
    layout: Layout,
    answers: Callable[[], bool],
    *,
    interval_s: float | None = None,
    max_running: int | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Start a daemon for this home and wait until `answers` says that it does.

    Raises UnreachableError: `in_a_run` inside a run, `not_started` with the daemon's last words when it ended or did
    not answer in time. Raises RefusedError (`foreign_home`) where the home is another user's.
    """
    from orchestrd.store.owner import refuse_foreign

    refuse_foreign(layout.home)
    if environ.get("ORCH_RUN"):
        raise UnreachableError(
            "no daemon answers, and one started from inside a session would end with it",
            code="in_a_run",
            hint="orch daemon start (in a terminal of its own)",
        )
    said_before = _size(layout.daemon_log)
    try:
        process = _launched(layout, _options(interval_s, max_running), environ)
    except OSError as error:
        raise UnreachableError(
            f"the daemon cannot be started: {error.filename}: {error.strerror}", code="not_started", hint="orch doctor"
        ) from error
    threading.Thread(target=process.wait, name="reap the daemon", daemon=True).start()
    deadline = time.monotonic() + DAEMON_START_S  # noqa: TID251 - a client has no loop and no injected clock
    while not answers():
        ended = process.poll()
        if ended not in (None, ALREADY_RUNNING) or time.monotonic() > deadline:  # noqa: TID251 - as above
            raise _not_started(layout, ended, said_before)
        time.sleep(DAEMON_LOOK_S)


def start_unit(unit: Unit, answers: Callable[[], bool], *options: object) -> None:
    """Have systemd start a home's daemon, and wait until it is ready; harmless when it is.

    Raises UsageError where an option for the daemon is given, UnreachableError (`not_started`, or `unresponsive` where
    it is ready and does not answer), RefusedError (`no_systemd`), TimedOutError.
    """
    refuse_options(*options)
    unit.start()
    if not answers():
        raise UnreachableError(
            f"the daemon of {unit.service} does not answer", code=UNRESPONSIVE, hint="orch daemon restart"
        )


def refuse_options(*options: object) -> None:
    """Say where a daemon of systemd is told how to run. Raises UsageError where an option for it is given."""
    if any(option is not None for option in options):
        raise UsageError(
            "systemd starts the daemon of this home: how it ticks and how much it runs is set in its configuration",
            hint="orch config edit",
        )


def _launched(layout: Layout, options: Iterable[str], environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    for directory in (layout.home, layout.logs):
        Path(directory).mkdir(mode=0o700, parents=True, exist_ok=True)
    log = os.open(layout.daemon_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "orchestrd", "run", *options],  # -P: a folder is not searched for modules
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=layout.home,
            env={**_unmarked(environ), "ORCH_HOME": layout.home},
            start_new_session=True,
        )
    finally:
        os.close(log)


def _options(interval_s: float | None, max_running: int | None) -> Iterator[str]:
    """What is not given is left to the daemon's own defaults."""
    if interval_s is not None:
        yield from ("--interval", f"{interval_s:g}")
    if max_running is not None:
        yield from ("--max-running", str(max_running))


def _unmarked(environ: Mapping[str, str]) -> dict[str, str]:
    """A daemon that bore the mark of a run would be swept away with it."""
    return {name: value for name, value in environ.items() if name not in _MARKS}


def _not_started(layout: Layout, ended: int | None, said_before: int) -> UnreachableError:
    how = f"did not answer within {DAEMON_START_S:g} s" if ended is None else f"ended with code {ended}"
    said, next_ = _last_words(layout.daemon_log, since=said_before)
    next_ = next_ or ("orch daemon logs" if said else "orch doctor")  # a full disk takes no word of it
    return UnreachableError(
        f"the daemon {how}" + (f": {said}" if said else " and said nothing"),
        code="not_started",
        hint="orch config check" if ended == MISCONFIGURED else next_,
    )


def _last_words(path: str, *, since: int) -> tuple[str, str]:
    """Give the reason it has ended with, or else its last line; and its own next command, where it knows one."""
    with contextlib.suppress(OSError), open(path, "rb") as log:  # noqa: PTH123 - one file, one call
        log.seek(max(since, _size(path) - LOG_TAIL_BYTES))
        lines = log.read(LOG_TAIL_BYTES).decode("utf-8", "replace").strip().splitlines() or [""]
        reasons = [number for number, line in enumerate(lines) if line.startswith(REASON)]
        if not reasons:
            return lines[-1], ""
        hints = [line.removeprefix(NEXT) for line in lines[reasons[-1] :] if line.startswith(NEXT)]
        return lines[reasons[-1]].removeprefix(REASON), "".join(hints[:1])
    return "", ""


def _size(path: str) -> int:
    with contextlib.suppress(OSError):
        return os.stat(path).st_size  # noqa: PTH116 - as above
    return 0
