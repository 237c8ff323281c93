"""Launching: from a session's spec to an order for its runtime; here agent, workspace and runtime meet."""

from collections.abc import Mapping

from orchestrd.core.layout import Layout
from orchestrd.core.running import run_of
from orchestrd.model.errors import UsageError
from orchestrd.model.run import Order
from orchestrd.model.session import Session, Spec
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

    def problem_with(self, spec: Spec) -> str | None:
        """Say why this daemon cannot launch such a session, or null; whether its workspace is there is seen later."""
        for what, name, adapters in (
            ("runtime", spec.runtime, self.runtimes),
            ("agent", spec.agent, self._agents),
            ("workspace", spec.workspace.kind, self._workspaces),
        ):
            if name not in adapters:
                return f"there is no {what} {name!r}; there is: {', '.join(sorted(adapters))}"
        return self._agents[spec.agent].problem_with(spec)

    async def launch(self, session: Session) -> str:
        """Prepare the workspace and launch; repeatable. Raises OrchestrdError when nothing is started by this call."""
        spec = session.spec
        if problem := self.problem_with(spec):
            raise UsageError(problem, hint="orch spawn --help")
        await self._workspaces[spec.workspace.kind].prepare(spec)
        return await self.runtimes[spec.runtime].launch(self._order(session, self._agents[spec.agent]))

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
