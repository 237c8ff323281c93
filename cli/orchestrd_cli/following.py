"""`orch logs`: a session's output, read from its file, so that it needs no daemon and outlives the session."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from orchestrd.client import Client
from orchestrd.core.launch import EXIT
from orchestrd.model.document import Document
from orchestrd.model.words import TERMINAL
from orchestrd_cli import exits, reach, terminal
from orchestrd_cli.grammar import Follow, Ref, verb
from orchestrd_cli.harmless import AsItIs, Harmless
from orchestrd_cli.logfile import LogFile

LOOK_S = 0.1  # between two looks at the file
ASK_S = 0.5  # between two looks at the session

Lines = Annotated[int | None, typer.Option("--lines", "-n", metavar="N", min=0, help="Only the last N lines.")]


@verb("[OPTIONS] ID")
def logs(ref: Ref, *, follow: Follow = False, lines: Lines = None) -> int:
    """Print a session's output.

    With -f it goes on until the session has ended and all is printed. In a
    pipe it is the output as it is; on a terminal, colours stay, and whatever
    else would command the terminal is made visible.

    orch logs fix
    orch logs -f -n 20 fix
    """
    home = reach.client()
    told = home.show(ref)
    reach.note_age_of_disk(home)
    log = LogFile(told.log)
    if lines is not None:
        log.skip_to_last(lines)
    copy(log, _Ending(home, told).has_come if follow else lambda: True)
    if log.skipped_bytes:
        terminal.note(f"orch: {log.skipped_bytes} bytes of its head are no longer kept")
    return exits.OK


def copy(log: LogFile, is_over: Callable[[], bool]) -> None:
    """Print what is there and what comes, until it is over and everything is printed."""
    form = Harmless() if terminal.is_terminal() else AsItIs()
    try:
        over = False
        while not over:
            over = is_over()  # asked before the last read, so that what was written before the end is in it
            for piece in log.rest():
                terminal.write(form.feed(piece))
            if not over:
                time.sleep(LOOK_S)
    finally:
        terminal.write(form.end())


class _Ending:
    """Whether a session is over, asked now and then; without a daemon the launcher's own record says it too."""

    def __init__(self, home: Client, told: Document) -> None:
        self._home = home
        self._told = told
        self._ask_at = 0.0

    def has_come(self) -> bool:
        """Tell whether nothing more will be printed."""
        if self._told.state in TERMINAL:
            return True
        if time.monotonic() < self._ask_at:  # noqa: TID251 - a command line has no injected clock
            return False
        self._told = self._home.show(self._told.id)
        self._ask_at = time.monotonic() + ASK_S  # noqa: TID251 - as above
        return self._told.state in TERMINAL or self._has_exit_record()

    def _has_exit_record(self) -> bool:
        run = self._home.layout.run_directory(self._told.id, self._told.generation)
        return Path(run, EXIT).exists()
