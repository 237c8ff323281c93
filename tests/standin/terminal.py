"""A terminal of its own for one program: a private tmux server, its screen, its title, its keys."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.acceptance.processes import identity_of, until

PATIENCE_S = 20.0


class Terminal:
    """One tmux server on a socket of its own, without anyone's configuration, with one pane."""

    def __init__(self, place: Path, columns: int = 220, rows: int = 50) -> None:
        self.socket = place / "tmux.sock"
        self.columns = columns
        self.rows = rows

    def tmux(self, *words: str, stdin: bytes = b"") -> bytes:
        """Run one tmux command."""
        command = ["tmux", "-S", str(self.socket), "-f", "/dev/null", *words]
        return subprocess.run(command, input=stdin, check=True, capture_output=True, env=_environment()).stdout

    def run(self, argv: Sequence[str], directory: Path, environment: Mapping[str, str]) -> None:
        """Run a program in the terminal, with this environment and no other."""
        size = ["-x", str(self.columns), "-y", str(self.rows)]
        pairs = [f"{name}={value}" for name, value in environment.items()]
        self.tmux("new-session", "-d", *size, "-c", str(directory), "env", "-i", *pairs, *argv, ";", *_KEEPING)

    def close(self) -> None:
        """End the server, and so the terminal of whoever runs in it."""
        asked = subprocess.run(
            ["tmux", "-S", str(self.socket), "display-message", "-p", "#{pid}", ";", "kill-server"],
            check=False,
            capture_output=True,
        )
        if asked.stdout:
            until(lambda: identity_of(int(asked.stdout)) is None, "the tmux server has ended")

    # ---- what it shows -----------------------------------------------------------------------------------------------

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p").decode()

    def styled_screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-e").decode()

    def title(self) -> bytes:
        return self._told("#{pane_title}")

    def pid(self) -> int:
        return int(self._told("#{pane_pid}"))

    def has_ended(self) -> bool:
        """Tell whether the program has ended; tmux itself may miss that."""
        return identity_of(self.pid()) is None

    def _told(self, words: str) -> bytes:
        return self.tmux("display-message", "-p", words).rstrip(b"\n")

    def until_shown(self, text: str, *, within_s: float = PATIENCE_S) -> str:
        """Wait until the screen shows a text; gives the screen."""
        until(lambda: text in self.screen(), f"the screen shows {text!r}", within_s=within_s)
        return self.screen()

    def until_gone(self, text: str, *, within_s: float = PATIENCE_S) -> str:
        until(lambda: text not in self.screen(), f"the screen no longer shows {text!r}", within_s=within_s)
        return self.screen()

    # ---- keys --------------------------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type a text, letter by letter."""
        self.tmux("send-keys", "-l", text)

    def paste(self, text: str) -> None:
        """Paste a text, whole, as a terminal does when it is asked to bracket it."""
        self.tmux("load-buffer", "-b", "pasted", "-", stdin=text.encode())
        self.tmux("paste-buffer", "-p", "-d", "-b", "pasted")


_KEEPING = ("set-option", "-g", "remain-on-exit", "on", ";", "set-option", "-g", "status", "off")


def _environment() -> dict[str, str]:
    """No terminal around the tests may have a word in theirs."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TMUX", "ORCH_"))}
