"""A real agent under a real daemon, in real worktrees and terminals, on a model that knows the truth."""

import os
import subprocess
from pathlib import Path

from benchmarks.agents.installed import program
from benchmarks.truth.users import User, settle
from orchestrd.client import calls
from orchestrd.client.requests import WorkspaceWish, spawn_request
from orchestrd.model.decision import Decision
from orchestrd.model.document import AnswerReply, AnswerRequest
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.testing.model import StandIn
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until
from tests.standin.claude import make_repository

START_S = 90.0  # some take seconds to start, and more where others start beside them


class RealSessions:
    """What a user has who drives an agent with `orch`: a home, a repository, and a model of one's own."""

    def __init__(self, home: Home, agent: str) -> None:
        self.home = home
        self._agent = agent
        self.model = StandIn()
        user = home.place / "user"
        self.repository = make_repository(user / "shop")
        self._settled = settle(agent, User(home=user, repository=self.repository, url=self.model.url, wishes={}))

    def close(self) -> None:
        """End the terminals and the model; the agents are ended by the home."""
        self.tmux("kill-server", check=False)
        self.model.close()

    def spawn(self, prompt: str | None = None, *, workspace: str = "worktree", **settings: object) -> SessionId:
        """Begin a session that works in a worktree of the repository, or in the repository itself (`none`)."""
        environment = {**self._settled.environment, "PATH": f"{program(self._agent).parent}:{os.environ['PATH']}"}
        request = spawn_request(
            agent=self._agent,
            prompt=prompt,
            workspace=WorkspaceWish(kind=workspace),
            directory=str(self.repository),
            environ=environment | {"ORCH_HOME": self.home.layout.home},
            runtime="tmux",
            **settings,  # type: ignore[arg-type] # the settings of spawn_request
        )
        self.home.sessions.add(request.id)
        return self.home.ask(calls.spawn(request)).id

    def asked(self, session: str) -> Decision:
        """Wait until the session is blocked on a decision, and give it."""
        self.model.wait_until("blocked", within_s=START_S)
        self.home.reach(session, "blocked")
        until(lambda: self.home.show(session).decision is not None, "it is told what it asks")
        decision = self.home.show(session).decision
        assert decision is not None
        return decision

    def answer(self, session: str, decision: str, choice: str, text: str | None = None) -> AnswerReply:
        return self.home.ask(calls.answer(session, AnswerRequest(decision=decision, choice=choice, text=text)))

    def press(self, session: str, *keys: str) -> None:
        """Press keys in its terminal, as a person who is attached to it."""
        self.tmux("send-keys", "-t", self._pane(session), *keys)

    def screen(self, session: str) -> str:
        return self.tmux("capture-pane", "-p", "-t", self._pane(session))

    def told(self, session: str) -> list[tuple[str, str]]:
        """Give what was said of its activity and by whom, each word once until another one comes."""
        words: list[tuple[str, str]] = []
        for event in self.home.journal():
            is_word = event.session == session and event.type is EventType.ACTIVITY_CHANGED
            if is_word:
                print(event.at, event.from_, event.to, event.source, event.text)  # noqa: T201 - shown when a test fails
            if is_word and event.to != "unknown" and [word for word, _ in words[-1:]] != [event.to]:
                words.append((str(event.to), str(event.source)))
        return words

    def worktree(self, session: str) -> Path:
        return Path(self.home.show(session).workspace.path)

    def tmux(self, *words: str, check: bool = True) -> str:
        command = ["tmux", "-S", self.home.layout.tmux_socket, *words]
        return subprocess.run(command, check=check, capture_output=True, text=True).stdout

    def _pane(self, session: str) -> str:
        panes = self.tmux("list-panes", "-a", "-F", "#{session_name} #{pane_id}").splitlines()
        return next(pane for name, _, pane in (line.partition(" ") for line in panes) if session in name)
