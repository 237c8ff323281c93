"""The witnesses of what agents do: what a look at a run brought to light is put before its agent, its word passed on.

Hook lines and titles come with the look. What the agent writes down itself is gathered, and its screen is looked at
where that may say more than is known. An agent that has neither costs nothing. What cannot be read says nothing: there
is no evidence in a failure.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from orchestrd.core.evidence import SCREEN
from orchestrd.core.running import run_of
from orchestrd.core.sifting import hook_lines, report
from orchestrd.engine.roster import Roster
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Reported, Testimony
from orchestrd.model.run import AgentFiles, Gathered, Glimpse, Look, Wanted
from orchestrd.model.session import Session
from orchestrd.ports import Agent, Attachments, Clock, Gatherer, Runtime

NOTHING = Gathered()
UNSEEN = Testimony(observer=SCREEN, allows=())  # nobody looks there now: what it showed last says nothing any more


class Witnesses:
    """Asks the agents of a look what it means."""

    def __init__(
        self,
        *,
        roster: Roster,
        agents: Mapping[str, Agent],
        gatherer: Gatherer,
        attachments: Attachments,
        clock: Clock,
    ) -> None:
        self._roster = roster
        self._agents = agents
        self._gatherer = gatherer
        self._attachments = attachments
        self._clock = clock
        self._environments: dict[SessionId, Mapping[str, str]] = {}
        self._titles: dict[SessionId, str | None] = {}
        self._stated: set[SessionId] = set()  # whose agent was seen to keep a state file

    async def hear(self, runtime: Runtime, looks: Sequence[Look]) -> list[tuple[SessionId, Reported]]:
        """Give what is new of each run's agent."""
        seen = [(look, session, agent) for look in looks for session, agent in self._of(look)]
        gathered = await self._gathered(seen)
        screens = await self._screens(runtime, seen)
        heard, now = [], self._clock.now().at
        for look, session, agent in seen:
            if self._is_over(session):  # it ended meanwhile, and was forgotten before this look came back
                self.forget(session)
                continue
            found = gathered.get(session.id, NOTHING)
            reading = agent.read(self._glimpse(look, found, screens.get(session.id), now))
            if session.id not in screens and session.activity_source != SCREEN:
                reading = replace(reading, testimonies=(*reading.testimonies, UNSEEN))
            offset = max(found.transcript_offset, look.run.transcript_offset)
            said = report(look, reading, offset, self._roster.evidence(session.id), agent.witnesses)
            if said is not None:
                heard.append((session.id, said))
        return heard

    def forget(self, session: Session) -> None:
        """Let go of what is remembered of a run that is over."""
        self._environments.pop(session.id, None)
        self._titles.pop(session.id, None)
        self._stated.discard(session.id)
        self._gatherer.forget(session.id, session.generation)

    def _is_over(self, session: Session) -> bool:
        now = self._roster.get(session.id)
        return now is None or now.is_terminal or now.generation != session.generation

    def _of(self, look: Look) -> Iterable[tuple[Session, Agent]]:
        session = self._roster.get(look.run.session)
        agent = self._agents.get(session.spec.agent) if session else None
        if session is not None and agent is not None:
            yield session, agent

    async def _gathered(self, seen: Sequence[tuple[Look, Session, Agent]]) -> dict[SessionId, Gathered]:
        wanted = [
            Wanted(
                session=session.id,
                generation=session.generation,
                files=files,
                transcript_offset=look.run.transcript_offset,
            )
            for look, session, agent in seen
            if agent.confirms and (files := await self._files(look, session, agent)) is not None
        ]
        if not wanted:
            return {}
        found = await self._gatherer.gather(wanted)
        return {want.session: gathered for want, gathered in zip(wanted, found, strict=True)}

    async def _files(self, look: Look, session: Session, agent: Agent) -> AgentFiles | None:
        environment = self._environments.get(session.id)
        if environment is None:
            environment = await asyncio.to_thread(self._attachments.read_secret, session.id)
            self._environments[session.id] = environment
        return agent.files(session.spec, environment, look.run, look.agent_pid)

    async def _screens(
        self, runtime: Runtime, seen: Sequence[tuple[Look, Session, Agent]]
    ) -> dict[SessionId, str | None]:
        if not runtime.has_terminal:
            return {}
        wanted = [
            session for _, session, agent in seen if agent.wants_screen(session.activity, session.activity_source)
        ]
        async with asyncio.TaskGroup() as group:
            shown = {
                session.id: group.create_task(self._screen(runtime, session), name=f"screen of {session.id}")
                for session in wanted
            }
        return {session: task.result() for session, task in shown.items()}

    async def _screen(self, runtime: Runtime, session: Session) -> str | None:
        try:
            return await runtime.screen(run_of(session))
        except OrchestrdError:
            return None

    def _glimpse(self, look: Look, gathered: Gathered, screen: str | None, now: datetime) -> Glimpse:
        session = look.run.session
        last_title, self._titles[session] = self._titles.get(session), look.title
        had_state = session in self._stated
        if gathered.state is not None:
            self._stated.add(session)
        return Glimpse(
            now=now,
            hook_lines=hook_lines(look),
            has_hooks=look.run.hooks_offset > 0 or bool(look.hook_lines),
            agent_pid=look.agent_pid,
            agent_started_ticks=look.agent_started_ticks,
            state=gathered.state,
            had_state=had_state,
            transcript_lines=gathered.transcript_lines,
            title=look.title,
            last_title=last_title,
            screen=screen,
        )
