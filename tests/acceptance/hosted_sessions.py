"""Sessions of a real agent without a terminal, on a model that knows the truth."""

import os
from itertools import groupby
from pathlib import Path

from msgspec.structs import replace

from benchmarks.agents.installed import program
from benchmarks.truth.users import User, settle
from orchestrd.client import calls
from orchestrd.client.requests import WorkspaceWish, spawn_request
from orchestrd.model.decision import Decision
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.words import Permission, Receipt
from orchestrd.testing.model import StandIn
from tests.acceptance.daemon import Home


class HostedSessions:
    """What a user has who drives one agent with `orch spawn --runtime process`."""

    def __init__(self, home: Home, agent: str) -> None:
        self.home = home
        self.agent = agent
        self.model = StandIn()
        self.shop = home.place / "shop"
        self.shop.mkdir()
        self._user = User(home=home.place / "user", repository=self.shop, url=self.model.url, wishes={})
        self._environment = dict(settle(agent, self._user).environment)

    def spawn(
        self, prompt: str | None = None, *, permission: Permission = Permission.ASK, **settings: object
    ) -> SessionId:
        """Begin a session that works in the shop itself."""
        path = f"{program(self.agent).parent}:{os.environ['PATH']}"
        request = spawn_request(
            agent=self.agent,
            prompt=prompt,
            runtime="process",
            workspace=WorkspaceWish(kind="none"),
            directory=str(self.shop),
            environ=self._environment | {"PATH": path, "ORCH_HOME": self.home.layout.home},
            env_names=[name for name in self._environment if name not in ("HOME", "PATH")],
            **settings,  # type: ignore[arg-type] # the settings of spawn_request
        )
        request = replace(request, spec=replace(request.spec, permission=permission))
        self.home.sessions.add(request.id)
        return self.home.ask(calls.spawn(request)).id

    def send(self, session: SessionId, text: str) -> None:
        """Send a message that has to be seen taken."""
        reply = self.home.send(session, text, message=f"m{self.model.asked_times}")
        assert reply.receipt is Receipt.SUBMITTED, reply

    def asked(self, session: SessionId) -> Decision:
        """Wait until a decision is asked, and give it."""
        self.home.reach(session, "blocked")
        decision = self.home.show(session).decision
        assert decision is not None
        return decision

    def answer(self, session: SessionId, decision: Decision, choice: str) -> Receipt:
        return self.home.client.answer(session, decision.id, choice).receipt

    def restart(self) -> None:
        """Kill the daemon, and start another one."""
        self.home.daemons[-1].kill()
        self.home.start(is_measured=False)

    def pid_of(self, session: SessionId, name: str) -> int:
        """Find the process of the run that was started under this name."""
        found = [one.pid for one in self.home.processes(session) if _program(one.pid).endswith(name)]
        assert found, f"no process {name}"
        return max(found)

    def words(self, session: SessionId) -> list[str]:
        """Give what was told of its activity, in order; nobody knows between two words, or before the same again."""
        events = [event for event in self.home.journal() if event.session == session]
        told = [str(event.to) for event in events if event.type is EventType.ACTIVITY_CHANGED]
        return [word for word, _ in groupby(word for word in told if word != "unknown")]


def _program(pid: int) -> str:
    """Give the first word of a command line; empty where the process has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]
    except OSError:
        return ""
