"""Launching: from a session's spec to an order for its runtime; here agent, workspace and runtime meet."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.core.messages import problem_with_hosted
from orchestrd.core.running import run_of
from orchestrd.core.setup import with_setup
from orchestrd.model.command import Placed
from orchestrd.model.decision import Decision, Way
from orchestrd.model.document import KnownAgent, KnownAgents
from orchestrd.model.errors import OrchestrdError, RefusedError, UsageError
from orchestrd.model.run import AgentLaunch, Glimpse, LaunchContext, Order
from orchestrd.model.session import Session, Spec
from orchestrd.ports import Agent, Attachments, Runtime, WorkspaceKeeper


class LaunchedRun(Struct, frozen=True):
    """What a launch comes back with."""

    handle: str
    types_prompt: bool


class Launching:
    """Knows the adapters by name; a session that names another fails to launch, and says which there are."""

    def __init__(
        self,
        layout: Layout,
        attachments: Attachments,
        runtimes: Mapping[str, Runtime],
        agents: Mapping[str, Agent],
        workspaces: Mapping[str, WorkspaceKeeper],
        *,
        with_hooks: bool,
    ) -> None:
        self._layout = layout
        self._attachments = attachments
        self._agents = agents
        self._workspaces = workspaces
        self.runtimes = runtimes
        self.with_hooks = with_hooks

    def problem_with(self, spec: Spec) -> OrchestrdError | None:
        """Say why this daemon cannot launch such a session, or null; whether its workspace is there is seen later."""
        for what, name, adapters in (
            ("runtime", spec.runtime, self.runtimes),
            ("agent", spec.agent, self._agents),
            ("workspace", spec.workspace.kind, self._workspaces),
        ):
            if name not in adapters:
                said = f"there is no {what} {name!r}; there is: {', '.join(sorted(adapters))}"
                return UsageError(said, code="invalid", hint="orch spawn --help")
        agent = self._agents[spec.agent]
        if agent.needs_terminal and not self.runtimes[spec.runtime].has_terminal:
            return RefusedError(
                f"agent {agent.name} draws on a terminal, and the runtime {spec.runtime} has none",
                code="no_terminal",
                hint=f"orch spawn --agent {agent.name} --runtime tmux",
            )
        if spec.permission not in agent.capabilities.policies:
            policies = ", ".join(agent.capabilities.policies)
            return UsageError(
                f"agent {agent.name} keeps no policy {spec.permission}; it keeps: {policies}",
                code="invalid",
                hint=f"orch spawn --agent {agent.name} --permission {agent.capabilities.policies[0]}",
            )
        problem = agent.problem_with(spec)
        return UsageError(problem, code="invalid", hint="orch spawn --help") if problem else None

    def problem_with_message(self, spec: Spec, text: str) -> str | None:
        """Say why this text would not arrive as a message, or null. By a protocol more do than by a terminal."""
        agent, runtime = self._agents.get(spec.agent), self.runtimes.get(spec.runtime)
        if agent is None or runtime is None:
            return None
        if agent.capabilities.structured and not runtime.has_terminal:
            return problem_with_hosted(self.commands(spec), text, agent.name)
        return agent.problem_with_message(text)

    def known_agents(self) -> KnownAgents:
        """Tell which agents there are, by name."""
        return KnownAgents(agents=tuple(_known(agent) for _, agent in sorted(self._agents.items())))

    def commands(self, spec: Spec) -> str:
        """Say what the commands of its agent begin with; empty where it has none, or none by its protocol."""
        agent, runtime = self._agents.get(spec.agent), self.runtimes.get(spec.runtime)
        if agent is None or runtime is None:
            return ""
        is_hosted = agent.capabilities.structured and not runtime.has_terminal
        return "" if is_hosted and not agent.capabilities.hosted_commands else agent.capabilities.commands

    def awaits_turn(self, spec: Spec) -> bool:
        """Tell whether its agent is typed into only while it is known to wait."""
        agent = self._agents.get(spec.agent)
        return agent is not None and agent.awaits_turn

    def confirms(self, spec: Spec) -> bool:
        """Tell whether its agent tells of the prompts it takes."""
        agent = self._agents.get(spec.agent)
        return agent is not None and agent.confirms

    async def place(self, session: Session) -> Placed:
        """Say what is to be known of usage limits before it starts: whose it shares, and what has it go on then."""
        agent = self._agents.get(session.spec.agent)
        if agent is None:
            return Placed()
        environment = await asyncio.to_thread(self._attachments.read_secret, session.id)
        return Placed(account=agent.account(session.spec, environment), resume_text=agent.resume_text)

    def draft(self, spec: Spec, screen: str) -> str | None:
        """Give what a person has typed but not sent, by a styled screen of its agent, or null."""
        agent = self._agents.get(spec.agent)
        return agent.draft(screen) if agent else None

    def shown_decision(self, spec: Spec, screen: str, now: datetime) -> Decision | None:
        """Give the decision that its agent sees asked by this screen, to be answered by keys, or null."""
        agent = self._agents.get(spec.agent)
        said = () if agent is None else agent.read(Glimpse(now=now, screen=screen)).testimonies
        asked = (one.decision for one in said if one.decision is not None)
        return next((decision for decision in asked if decision.way is Way.KEYS), None)

    async def prepare(self, session: Session) -> None:
        """Make sure of its workspace; repeatable. Raises OrchestrdError; nothing is started by this call."""
        if problem := self.problem_with(session.spec):
            raise problem
        await self._workspaces[session.spec.workspace.kind].prepare(session.id, session.spec)

    async def launch(self, session: Session) -> LaunchedRun:
        """Launch a session that is prepared; repeatable. Raises OrchestrdError when nothing is started by this call."""
        launch = await self._agent_launch(session)
        handle = await self.runtimes[session.spec.runtime].launch(self._order(session, launch))
        return LaunchedRun(handle, launch.types_prompt)

    async def _agent_launch(self, session: Session) -> AgentLaunch:
        has_prompt = session.spec.prompt is not None
        prompt = await asyncio.to_thread(self._attachments.read_prompt, session.id) if has_prompt else None
        context = LaunchContext(
            session=session.id,
            generation=session.generation,
            run_directory=self._layout.run_directory(session.id, session.generation),
            prompt_path=self._layout.prompt(session.id) if has_prompt else None,
            prompt=prompt,
            conversation=session.conversation,
            has_terminal=self.runtimes[session.spec.runtime].has_terminal,
            with_hooks=self.with_hooks,
        )
        return self._agents[session.spec.agent].launch(session.spec, context)

    def _order(self, session: Session, launch: AgentLaunch) -> Order:
        spec, run = session.spec, run_of(session)
        environment = {
            **dict(launch.environment),
            "ORCH_HOME": self._layout.home,
            "ORCH_SESSION": session.id,
            "ORCH_RUN": run.mark,
            "ORCH_RUN_DIR": self._layout.run_directory(session.id, session.generation),
        }
        return Order(
            run=run,
            argv=with_setup(launch.argv, spec.workspace.setup),
            directory=spec.workspace.directory,
            environment=tuple(environment.items()),
            secrets_path=self._layout.secret(session.id),
            log_path=self._layout.log(session.id),
            files=launch.files,
        )


def _known(agent: Agent) -> KnownAgent:
    return KnownAgent(
        name=agent.name,
        needs_terminal=agent.needs_terminal,
        capabilities=agent.capabilities,
        witnesses=tuple(trust.observer for trust in agent.witnesses),
    )
