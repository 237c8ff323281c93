"""Launching: from a session's spec to an order for its runtime; here agent, workspace and runtime meet."""

from collections.abc import Iterable, Mapping

from orchestrd.core.layout import Layout
from orchestrd.core.running import run_of
from orchestrd.model.errors import UsageError
from orchestrd.model.run import Order
from orchestrd.model.session import Session
from orchestrd.ports import Agent, Runtime, WorkspaceKeeper


class Launching:
    """Knows the adapters by name; a session that names another fails to launch, and says which there are."""

    def __init__(
        self,
        layout: Layout,
        runtimes: Mapping[str, Runtime],
        agents: Mapping[str, Agent],
        workspaces: Mapping[str, WorkspaceKeeper],
    ) -> None:
        self._layout = layout
        self._agents = agents
        self._workspaces = workspaces
        self.runtimes = runtimes

    async def launch(self, session: Session) -> str:
        """Prepare the workspace and launch; repeatable. Raises OrchestrdError when nothing was or can be started."""
        spec = session.spec
        runtime = self.runtimes.get(spec.runtime)
        agent = self._agents.get(spec.agent)
        workspace = self._workspaces.get(spec.workspace.kind)
        if runtime is None:
            raise _unknown("runtime", spec.runtime, self.runtimes)
        if agent is None:
            raise _unknown("agent", spec.agent, self._agents)
        if workspace is None:
            raise _unknown("workspace", spec.workspace.kind, self._workspaces)
        if problem := agent.problem_with(spec):
            raise UsageError(problem)
        await workspace.prepare(spec)
        return await runtime.launch(self._order(session, agent))

    def _order(self, session: Session, agent: Agent) -> Order:
        spec = session.spec
        prompt = self._layout.prompt(session.id) if spec.prompt is not None else None
        run = run_of(session)
        environment = {
            **agent.environment(spec, prompt),
            "ORCH_HOME": self._layout.home,
            "ORCH_SESSION": session.id,
            "ORCH_RUN": run.mark,
            "ORCH_RUN_DIR": self._layout.run_directory(session.id, session.generation),
        }
        return Order(
            run=run,
            argv=agent.argv(spec, prompt),
            directory=spec.workspace.path,
            environment=tuple(environment.items()),
            secrets_path=self._layout.secret(session.id),
            log_path=self._layout.log(session.id),
        )


def _unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    return UsageError(f"there is no {what} {name!r}; there is: {', '.join(sorted(known))}")
