"""The terminal of a session: which one to attach to, and where it is in the tmux server of the home.

It needs no daemon. A run's pane is the one whose process took the run's claim, so that renamed sessions, moved panes
and whatever else lives on that server make no difference. Nothing here changes anything, and no server is started.
"""

import subprocess
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from orchestrd.core.document import ACCEPTED, is_over
from orchestrd.core.launch import CLAIM, ClaimRecord, decode_record
from orchestrd.core.layout import Layout
from orchestrd.core.terminal import has_terminal, no_terminal
from orchestrd.model.document import Document
from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError, TimedOutError
from orchestrd.model.limits import ATTACH_ANSWER_S, RUN_RECORD_BYTES_MAX
from orchestrd.model.words import WAITING_FOR_A_RUN, Activity, State

NOT_THERE_YET = "not_started"  # the code of a session whose terminal may come
URGENT = (Activity.BLOCKED, Activity.WAITING, Activity.LIMITED)  # who needs a person most, first
_PANES = "#{pid} #{pane_pid} #{session_id}:#{window_id}.#{pane_id}"


def was_drawn(told: Document) -> bool:
    """Tell whether a session's output was written to a terminal, and so is full of commands to one."""
    return has_terminal(told.runtime)


class Terminal(Struct, frozen=True, kw_only=True):
    """Where a session's terminal is: an exact target of tmux, good whatever anything is called."""

    socket: str
    server_pid: int
    target: str

    def command(self, *words: str) -> tuple[str, ...]:
        """Give the command line of a tmux command to this server; it reads no configuration and starts no server."""
        return (*tmux_argv(self.socket), *words)

    def encloses(self, environ: Mapping[str, str]) -> bool:
        """Tell whether whoever has this environment is inside this very server already."""
        return environ.get("TMUX", "").rpartition(",")[0].endswith(f",{self.server_pid}")


def most_urgent(sessions: Iterable[Document]) -> Document:
    """Choose whom to attach to: blocked before waiting before limited, and of these who has waited longest.

    Raises NotFoundError where nobody with a terminal needs a person.
    """
    needing = [told for told in sessions if has_terminal(told.runtime) and _needs_a_person(told)]
    if not needing:
        raise NotFoundError(
            "nothing needs you: no session with a terminal is blocked, waiting or limited",
            code="nobody_waits",
            hint="orch status",
        )
    return min(needing, key=_urgency)


def terminal_of(layout: Layout, told: Document) -> Terminal:
    """Find where a session's terminal is.

    Raises RefusedError: `no_terminal` for a runtime without any, `already_ended`, `not_started`, `terminal_gone`;
    TimedOutError when the server does not answer, OrchestrdError (`no_tmux`) without tmux.
    """
    if not has_terminal(told.runtime):
        raise no_terminal(told.id, told.runtime)
    if is_over(told):
        raise RefusedError(
            f"session {told.id} has ended: {told.state} ({told.reason})",
            code="already_ended",
            hint=f"orch revive {told.id}, or see what it did: orch logs {told.id}",
        )
    pid = None if told.state in (ACCEPTED, *WAITING_FOR_A_RUN) else _claimed_by(layout, told)
    if pid is None:
        raise _not_there_yet(told)
    found = next((pane for pane in _panes(layout.tmux_socket, told.id) if pane[1] == str(pid)), None)
    if found is not None:
        return Terminal(socket=layout.tmux_socket, server_pid=int(found[0]), target=found[2])
    if told.state == State.STARTING:
        raise _not_there_yet(told)
    raise RefusedError(
        f"session {told.id} has no terminal any more: it has just ended, or its terminal was closed",
        code="terminal_gone",
        hint=f"orch explain {told.id}",
    )


def tmux_argv(socket: str) -> tuple[str, ...]:
    """Give how a client of this server begins its command line: no configuration is read, no server is started."""
    return ("tmux", "-u", "-N", "-f/dev/null", "-S", socket)


def _needs_a_person(told: Document) -> bool:
    return told.state == State.RUNNING and told.activity in URGENT


def _urgency(told: Document) -> tuple[int, datetime, str]:
    return URGENT.index(Activity(told.activity)), told.activity_since or told.state_since, told.id


def _not_there_yet(told: Document) -> RefusedError:
    return RefusedError(
        f"session {told.id} has no terminal at the moment: it is {told.state} ({told.reason})",
        code=NOT_THERE_YET,
        hint=f"orch explain {told.id}",
    )


def _claimed_by(layout: Layout, told: Document) -> int | None:
    """Read who took the run's only start; null where nobody has, or a kill has, so that it never will."""
    path = f"{layout.run_directory(told.id, told.generation)}/{CLAIM}"
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - one file, one call
            claim = decode_record(file.read(RUN_RECORD_BYTES_MAX), ClaimRecord)
    except OSError:
        return None
    return claim.pid if claim is not None and claim.by == "launcher" else None


def _panes(socket: str, session: str) -> list[list[str]]:
    """List the panes of the server: its pid, that of the pane's process, the pane; none where no server runs."""
    try:
        done = subprocess.run(
            [*tmux_argv(socket), "list-panes", "-a", "-F", _PANES],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ATTACH_ANSWER_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise OrchestrdError("there is no tmux on the PATH here", code="no_tmux", hint="apt install tmux") from error
    except subprocess.TimeoutExpired as error:
        raise TimedOutError(
            f"the tmux server of this home gave no answer within {ATTACH_ANSWER_S:g} s",
            hint=f"orch explain {session}",
        ) from error
    return [fields for line in done.stdout.decode().splitlines() if len(fields := line.split(" ")) == 3]
