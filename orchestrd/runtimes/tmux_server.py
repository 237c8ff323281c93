"""Our own tmux server, as plain calls: made ready, given sessions, typed into, looked at. Never on the event loop.

It runs behind a socket of the home, with no configuration but what is set here, and beside the sessions of the runs it
has one called `orchestrd`: an empty pane without a process, for the daemon's control client to be attached to. A server
without sessions ends by itself; so it lives as long as a run or a daemon needs it, and no longer.

A server that has something to tell while a control client is being taken in, or that loses it in the middle, crashes,
and all its runs with it; tmux 3.2 to 3.6 do that. So a control client is attached only while nobody else has a pane:
before the first run, and when there is no run any more.

Whatever is done to a pane is done only if the process in it is still the one it was meant for: the server itself checks
that in the same breath. Where somebody else is concerned, names say nothing: sessions may be renamed and panes moved.
"""

import contextlib
import re
import secrets
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from orchestrd.core.tmux import HUB, control_argv
from orchestrd.model.errors import RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import (
    TERMINAL_COLUMNS,
    TERMINAL_HISTORY_LINES,
    TERMINAL_ROWS,
    TMUX_ANSWER_S,
    TMUX_LAUNCH_S,
)
from orchestrd.model.run import Run
from orchestrd.runtimes.control_process import ControlProcess, end_strays, start_control
from orchestrd.runtimes.panes import LIST, Pane, panes_of, screen_of
from orchestrd.runtimes.tmux_command import TmuxCommand, TmuxError

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,15}")  # as tmux names them: 1, y, Enter, Escape, BTab, C-c

SIZE = ("-x", str(TERMINAL_COLUMNS), "-y", str(TERMINAL_ROWS))
TERMINFO = ("~/.terminfo", "/etc/terminfo", "/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo")

SERVER_OPTIONS = {"exit-empty": "on", "escape-time": "10", "focus-events": "on"}
SESSION_OPTIONS = {
    "status": "off",
    "mouse": "on",
    "history-limit": str(TERMINAL_HISTORY_LINES),
    "default-size": f"{TERMINAL_COLUMNS}x{TERMINAL_ROWS}",
    "default-command": "",
    "destroy-unattached": "off",
    "set-titles": "off",
    "update-environment": "",
}
WINDOW_OPTIONS = {
    "remain-on-exit": "off",
    "window-size": "latest",
    "allow-rename": "off",
    "automatic-rename": "off",
}


class TmuxServer:
    """What is asked of the server. Raises OSError as TmuxCommand does, and RefusedError without tmux."""

    def __init__(self, command: TmuxCommand) -> None:
        self._command = command
        self._is_ready = False
        self._control: ControlProcess | None = None  # the control client that was attached last, ...
        self._is_given = False  # ... and whether somebody has it

    def make_ready(self, *, may_start: bool) -> None:
        """Set the options and make the hub, in a server that runs or, where it may, in a new one."""
        options = [*_options("-sq", SERVER_OPTIONS | {"default-terminal": self._terminal})]
        options += [*_options("-gq", SESSION_OPTIONS), *_options("-gwq", WINDOW_OPTIONS)]
        new_session = ("new-session", "-d", "-s", HUB, *SIZE, "-c", "/", "--", "sleep", "2147483647", ";")
        emptied = ("split-window", "-t", f"={HUB}:", "", ";", "kill-pane", "-a", "-t", f"={HUB}:")
        ask = self._command.begin if may_start else self._command.ask
        try:
            ask("start-server", ";", *options, *new_session, *emptied)
        except TmuxError as error:
            if "duplicate session" not in str(error):
                raise
        self._is_ready = True

    def open_control(self) -> ControlProcess:
        """Give a control client, and end those that earlier daemons have left behind. Raises OSError beside runs."""
        if not self.has_control:
            self._end_strays()
            self._attach()
        assert self._control is not None
        self._is_given = True
        return self._control

    @property
    def has_control(self) -> bool:
        """Tell whether there is a control client that nobody has asked for yet."""
        return self._control is not None and not self._is_given

    def end_control(self) -> None:
        """End the control client that nobody has asked for, if there is one."""
        if self._control is not None and not self._is_given:
            self._control.channel.close()
            self._control.end()
            self._control = None

    def unready(self) -> None:
        """Make it ready anew before the next session: it may be another server by then."""
        self._is_ready = False

    def open_session(self, run: Run, argv: list[str], environment: Iterable[tuple[str, str]] = ()) -> int:
        """Make a session whose one pane runs this, by no shell, with the mark of the run; give the pid of the process.

        The mark and the environment, none of it secret, are given by env(1): what a session is given by tmux, the
        panes that people open in it inherit.
        """
        if not self._is_ready:
            self.make_ready(may_start=True)
        if self._control is None or not self._control.is_alive():
            with contextlib.suppress(OSError):
                self._attach()
        name = ("-s", f"{run.session}-{run.generation}")
        given = (f"{name}={value}" for name, value in (("ORCH_RUN", run.mark), *environment))
        command = ("--", "env", *given, *argv)
        try:
            return self._new_session(*name, *command)
        except TmuxError as error:
            if "duplicate session" in str(error):  # the name is only for people to read
                return self._new_session(*command)
            self.make_ready(may_start=True)  # the server we knew is gone
            return self._new_session(*name, *command)

    def panes(self) -> dict[int, Pane]:
        """List the panes by the pids of their processes."""
        try:
            return panes_of(self._command.ask(*LIST).stdout)
        except TmuxError:
            self.unready()
            raise

    def require_pane(self, pid: int) -> Pane:
        """Find the pane made for this process. Raises RefusedError when there is none."""
        if (pane := self.panes().get(pid)) is None:
            raise RefusedError("the run has no pane any more", code="not_typed")
        return pane

    def load(self, session: SessionId, text: str) -> tuple[str, dict[int, Pane]]:
        """Lay a text ready for a paste; give the name it has there, and the panes as they are now."""
        buffer = f"{session}-{secrets.token_hex(8)}"  # a paste that comes late must not find another text by its name
        stdin = text.encode("utf-8", "replace")
        found = self._command.ask("load-buffer", "-b", buffer, "-", ";", *LIST, stdin=stdin)
        return buffer, panes_of(found.stdout)

    def unload(self, buffer: str) -> None:
        """Take away a text that is not pasted after all."""
        self._command.delete_buffer(buffer_name=buffer)

    def paste(self, pane: str, pid: int, buffer: str) -> None:
        """Paste, out of copy mode, in brackets where the program knows them. Raises RefusedError: nothing was typed."""
        self._type(pane, pid, f"paste-buffer -p -d -b {buffer} -t {pane}", f"delete-buffer -b {buffer} ; ")

    def press_keys(self, pane: str, pid: int, keys: Sequence[str]) -> None:
        """Press keys by their names, out of copy mode, in one go. Raises RefusedError: none was pressed."""
        strange = next((key for key in keys if KEY.fullmatch(key) is None), None)
        if strange is not None:
            raise RefusedError(f"there is no key {strange[:40]!r}", code="not_typed")
        self._type(pane, pid, f"send-keys -t {pane} {' '.join(keys)}")

    def press_enter(self, pane: str, pid: int) -> None:
        """Press Enter, out of copy mode. Raises RefusedError: it was not pressed."""
        self.press_keys(pane, pid, ("Enter",))

    def screen(self, pane: str, look: tuple[str, ...]) -> str:
        """Give what the pane shows now, plain (CAPTURE) or styled (CAPTURE_STYLED)."""
        return screen_of(self._command.ask(*look, "-t", pane).stdout)

    def close_dead(self, pane: str, pid: int) -> None:
        """Close a pane whose process is over and that was told to stay all the same."""
        still = f"#{{&&:#{{pane_dead}},#{{==:#{{pane_pid}},{pid}}}}}"
        self._command.ask("if-shell", "-F", "-t", pane, still, f"kill-pane -t {pane}")

    def close_hub(self) -> None:
        """Take away what only a daemon needs; a server without runs ends with it."""
        self._command.kill_session(f"={HUB}")

    def _attach(self) -> None:
        """Attach a control client where that endangers nobody. Raises OSError where there are runs, or no answer."""
        self.end_control()
        if self.panes():
            raise TmuxError("no control client is attached beside a run")
        if not self._is_ready:
            self.make_ready(may_start=False)
        self.unready()  # until it proves to be
        control = start_control(self._control_argv, self._command.environment)
        control.await_answer(TMUX_ANSWER_S)
        self._control, self._is_given, self._is_ready = control, False, True

    def _end_strays(self) -> None:
        found = self._command.ask("list-clients", "-F", "#{client_control_mode} #{client_pid}").stdout
        end_strays([int(line[2:]) for line in found if line.startswith("1 ")], self._control_argv)

    def _new_session(self, *rest: str) -> int:
        made = ("new-session", "-d", "-P", "-F", "#{pane_pid}", *SIZE, "-c", "/")
        return int(self._command.ask(*made, *rest, within_s=TMUX_LAUNCH_S).stdout[0])

    def _type(self, pane: str, pid: int, keys: str, otherwise: str = "") -> None:
        meant, gone = f"#{{==:#{{pane_pid}},{pid}}}", f"{otherwise}display-message -p gone"
        answer = self._command.ask("if-shell", "-F", "-t", pane, meant, f"copy-mode -q -t {pane} ; {keys}", gone)
        if answer.stdout[0] == "gone":
            raise RefusedError("nothing reads the terminal of the run: it is closed", code="not_typed")

    @property
    def _control_argv(self) -> list[str]:
        return control_argv(self._command.found(), self._command.socket)

    @cached_property
    def _terminal(self) -> str:
        """Choose what programs are told they run in: what the system knows, so that they do not fail."""
        entries = [Path(place, first, "tmux-256color") for place in TERMINFO for first in ("t", "74")]
        known = any(entry.expanduser().exists() for entry in entries)
        return "tmux-256color" if known else "screen-256color"


def _options(scope: str, values: dict[str, str]) -> list[str]:
    return [word for name, value in values.items() for word in ("set-option", scope, name, value, ";")]
