"""A stage for the real Claude Code: a home, a repository, a stand-in model, a terminal and hooks, all its own.

What can be seen of the program at one moment is a `Glimpse`: the same witnesses that a daemon has.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from orchestrd.testing.model import StandIn
from tests.acceptance.processes import bearing, end, until
from tests.standin import hooks
from tests.standin.claude import CLAUDE, ClaudeHome, make_repository
from tests.standin.terminal import Terminal

PATIENCE_S = 20.0
PRESSES_MAX = 5


class Glimpse(Struct, frozen=True, kw_only=True):
    """What the program shows of itself; null where there is no such file."""

    screen: bytes
    styled: bytes  # the same, with the escape sequences of its styles
    title: bytes
    session: bytes | None  # the file that it keeps about itself
    hooks: bytes | None
    transcript: bytes | None


class Stage:
    """All but the program; `begin` starts it."""

    def __init__(self, columns: int = 220, rows: int = 50) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="stage-", dir="/tmp")  # sockets need short paths
        self.place = Path(self._temporary.name)
        self.model = StandIn()
        self.home = ClaudeHome(self.place / "home" / "user", self.model.url)
        self.repository = make_repository(self.home.path / "shop")
        self.home.prepare(self.repository)
        self.terminal = Terminal(self.place, columns, rows)
        self.run_directory = self.place / "run"
        self.run_directory.mkdir()
        self.hooks = self.run_directory / "hooks.jsonl"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if isinstance(error, AssertionError | TimeoutError):
                error.add_note(f"{self.terminal.screen()}\n{self.home.sessions()}\n{hooks.names(self.hooks)}")
        finally:
            self.terminal.close()
            self.model.close()
            until(self._is_empty, "everything that ran here is gone")
            self._temporary.cleanup()

    def _is_empty(self) -> bool:
        found = list(bearing(self._is_ours))
        for process in found:
            end(process, self._is_ours)
        return not found

    def _is_ours(self, environment: dict[str, str]) -> bool:
        return environment.get("HOME") == str(self.home.path)

    # ---- acting ------------------------------------------------------------------------------------------------------

    def begin(self, *words: str, **environment: str) -> None:
        """Start the program and wait for nothing."""
        settings = self.place / "settings.json"
        settings.write_text(hooks.settings())
        told = {"ORCH_RUN_DIR": str(self.run_directory), "ORCH_HOME": str(self.place), "ORCH_SESSION": "k3v9d2mq"}
        command = [str(CLAUDE), "--settings", str(settings), *words]
        self.terminal.run(command, self.repository, self.home.environment(**told, **environment))

    def start(self, *words: str, **environment: str) -> None:
        """Start the program and wait until it waits for its user."""
        self.begin(*words, **environment)
        self.until_hook("SessionStart")
        self.home.until("idle")

    def submit(self, text: str) -> None:
        """Type a line and press Enter, again if it was lost: the box is drawn a moment before keys are heard."""
        before = hooks.names(self.hooks).count("UserPromptSubmit")
        self.terminal.type(text)
        self.terminal.until_shown(text)
        self.press_until(lambda: hooks.names(self.hooks).count("UserPromptSubmit") > before, "Enter")

    def press_until(self, is_so: Callable[[], bool], *keys: str) -> None:
        """Press keys, and again, until they were heard."""
        for _ in range(PRESSES_MAX):
            self.terminal.press(*keys)
            try:
                until(is_so, f"{keys} heard", within_s=1)
            except AssertionError:
                continue
            return
        raise AssertionError(f"nobody hears {keys}")

    # ---- seeing ------------------------------------------------------------------------------------------------------

    def until_hook(self, name: str, times: int = 1, *, within_s: float = PATIENCE_S) -> None:
        until(lambda: hooks.names(self.hooks).count(name) >= times, f"{times} hooks {name}", within_s=within_s)

    def until_written(self, text: str, *, within_s: float = PATIENCE_S) -> None:
        """Wait until the transcript says something."""
        until(lambda: text.encode() in (self._transcript() or b""), f"the transcript says {text}", within_s=within_s)

    def glimpse(self) -> Glimpse:
        """Look once at everything; what the program is doing must have come to rest."""
        return Glimpse(
            screen=self.terminal.screen().encode(),
            styled=self.terminal.styled_screen().encode(),
            title=self.terminal.title(),
            session=_read(*(self.home.path / ".claude" / "sessions").glob("*.json")),
            hooks=_read(self.hooks),
            transcript=self._transcript(),
        )

    def _transcript(self) -> bytes | None:
        return _read(*self.home.transcripts())


def _read(*paths: Path) -> bytes | None:
    found = [path.read_bytes() for path in paths if path.exists()]
    return b"".join(found) if found else None
