"""The real Claude Code under a real daemon, in real worktrees and terminals, on a model that knows the truth."""

import os
import subprocess
from pathlib import Path

from orchestrd.client import calls
from orchestrd.client.requests import WorkspaceWish, spawn_request
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.testing.model import StandIn
from tests.acceptance.daemon import Home
from tests.acceptance.processes import Identity
from tests.standin import hooks
from tests.standin.claude import CLAUDE, ClaudeHome, make_repository

HELD = frozenset({"unknown"})  # what a restarted daemon may say before it has looked


class ClaudeSessions:
    """What a user has who drives Claude Code with `orch`: a home, a repository, and a model of one's own."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.model = StandIn()
        self.user = ClaudeHome(home.place / "user", self.model.url)
        self.repository = make_repository(self.user.path / "shop")
        self.user.prepare(self.repository)

    def close(self) -> None:
        """End the terminals and the model; the agents are ended by the home."""
        self.tmux("kill-server", check=False)
        self.model.close()

    # ---- acting ------------------------------------------------------------------------------------------------------

    def spawn(self, prompt: str | None = None, **settings: object) -> SessionId:
        """Begin a session that works in a worktree of the repository."""
        environment = self.user.environment(ORCH_HOME=self.home.layout.home)
        request = spawn_request(
            agent="claude",
            prompt=prompt,
            workspace=WorkspaceWish(kind="worktree"),
            directory=str(self.repository),
            environ=environment | {"PATH": f"{CLAUDE.parent}:{os.environ['PATH']}"},
            **{"runtime": "tmux", **settings},  # type: ignore[arg-type] # the settings of spawn_request
        )
        self.home.sessions.add(request.id)
        return self.home.ask(calls.spawn(request)).id

    def restart(self) -> None:
        """Kill the daemon, and start another one."""
        self.home.daemons[-1].kill()
        self.home.start(is_measured=False)

    def press(self, session: str, *keys: str) -> None:
        """Press keys in its terminal, as a person who is attached to it."""
        self.tmux("send-keys", "-t", self._pane(session), *keys)

    def tmux(self, *words: str, check: bool = True) -> str:
        """Run a command of the home's tmux."""
        command = ["tmux", "-S", self.home.layout.tmux_socket, *words]
        return subprocess.run(command, check=check, capture_output=True, text=True).stdout

    # ---- seeing ------------------------------------------------------------------------------------------------------

    def screen(self, session: str) -> str:
        return self.tmux("capture-pane", "-p", "-t", self._pane(session))

    def agent(self, session: str) -> Identity:
        """Find the process of the agent: the one that says so itself."""
        told = next(told for told in self.user.sessions() if told["cwd"] == str(self.worktree(session)))
        return Identity(told["pid"], int(told["procStart"]))

    def submitted(self, session: str, generation: int = 1) -> list[str]:
        """Give the prompts that Claude Code itself has taken, by its hooks."""
        told = hooks.events(Path(self.home.layout.run_directory(SessionId(session), generation), "hooks.jsonl"))
        return [event["prompt"] for event in told if event["hook_event_name"] == "UserPromptSubmit"]

    def told(self, session: str) -> list[str]:
        """Give what was said of its activity, in order, each word once until another one comes."""
        words: list[str] = []
        for event in self.home.journal():
            is_word = event.session == session and event.type is EventType.ACTIVITY_CHANGED
            if is_word:
                print(event.at, event.from_, event.to, event.source, event.text)  # noqa: T201 - shown when a test fails
            if is_word and event.to not in HELD and words[-1:] != [event.to]:
                words.append(str(event.to))
        return words

    def transcript(self) -> str:
        """Give what Claude Code has written down of all its conversations."""
        return "".join(path.read_text() for path in self.user.transcripts())

    def worktree(self, session: str) -> Path:
        return Path(self.home.show(session).workspace.path)

    def _pane(self, session: str) -> str:
        listed = self.tmux("list-panes", "-a", "-F", "#{session_name} #{pane_id}").splitlines()
        return next(pane for name, _, pane in (line.partition(" ") for line in listed) if session in name)
