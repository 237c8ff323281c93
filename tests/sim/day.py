"""A day of the forge, in virtual time, from one seed: agents push, checks flap, reviewers speak, daemons come and go.

Everything that the day before (`simulation.py`) is about goes on; here the forge fails, refuses and knows nothing at
times, agents stand before dialogs, the phone has no network, and daemons end at random moments. At the end all is
well again for long enough, and whatever was to happen must have happened.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from msgspec.structs import replace

from orchestrd.config import effective, packaged, reactions_of
from orchestrd.engine.presence import Settings
from orchestrd.engine.service import EngineService
from orchestrd.model.change import Checks, Pr, Review
from orchestrd.model.command import Revive
from orchestrd.model.document import SpawnRequest
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.ids import ID_ALPHABET, SessionId
from orchestrd.model.notice_settings import ChannelSettings
from orchestrd.model.reaction import Act, Condition, Reaction
from orchestrd.model.session import Session, Spec, Workspace
from orchestrd.model.words import Activity, State
from orchestrd.ports import Forge
from orchestrd.testing.clocks import DAWN
from orchestrd.testing.history import decode_event
from tests.sim.agents import DayRunner, DayRuntime, DayWorld
from tests.sim.daemon import Daemon, End
from tests.sim.forge import ForgeTroubles, ForgeWorld, Pull, SimCheckouts, SimForge
from tests.sim.ledgers import DayChecker, check_ledgers
from tests.sim.outside import Outside
from tests.sim.phone import Phone, PhoneChannel
from tests.sim.simulation import RUNTIMES, Simulation
from tests.sim.troubles import CALM, Troubles
from tests.sim.world import SimWorld

HOURS = 2  # that it lasts, before its troubles end
LIFE_S = 900.0  # that a daemon lives, on average
SETTLES_S = 1.5 * 3_600.0  # after the troubles have ended: budgets are spent, and people told
LASTS_S = 0.8 * SETTLES_S  # what has been so for so long has been dealt with
REST_S = 1_200.0  # what was begun is over by then
EVERY_S = 300.0  # from one attempt to the next
SESSIONS = 3
DISK_STEPS_MAX = 4_000
RUNS = Reaction(
    name="own-look",
    when=Condition(pr=(Pr.OPEN,), checks=(Checks.FAILING,)),
    act=Act.RUN,
    command="make",
    every_s=EVERY_S,
)


class Day(Simulation):
    """Sessions of one repository, and a person with a phone."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        chance = self.chance
        self.max_running = SESSIONS
        self.interval_s = chance.choice((20.0, 45.0))
        self.troubles = Troubles(full_disk=chance.choice((0.0, 0.01)), torn_journal=chance.choice((0.0, 0.02)))
        merges, ours = chance.random() < 0.7, effective([packaged()], {}).configuration
        self.reactions = (*(_hurried(one, merges=merges) for one in reactions_of(ours)), RUNS)
        self.checker = DayChecker(self.records, self.world, self.max_running, self.judge, self.trace)
        self.checker.allow(self.reactions)
        self.phone = Phone(self.judge)
        self.forge_troubles = ForgeTroubles(
            error=chance.choice((0.0, 0.15)),
            error_after=chance.choice((0.0, 0.1)),
            unknown=chance.choice((0.0, 0.3)),
            limit=chance.choice((0.0, 0.02)),
            late=chance.choice((0.0, 0.02)),
        )
        self._requests = [self._request(number) for number in range(SESSIONS)]

    def world_of(self, seed: int) -> SimWorld:
        self.forge = ForgeWorld(self.chance, self.judge)
        self.day_world = DayWorld(self.clock, seed, self.records, self.judge, self.forge)
        return self.day_world

    def runtime(self) -> DayRuntime:
        return DayRuntime(self.day_world, RUNTIMES[0], self.chance, CALM)

    def outside(self) -> "DayOutside":
        return DayOutside(self)

    def settings(self) -> Settings:
        return replace(super().settings(), reactions=self.reactions, channels={"phone": ChannelSettings()})

    def run(self) -> str:
        ends_at = DAWN.at + timedelta(hours=HOURS)
        while self._moment.at < ends_at:
            self._live(self._troubled_life)
        self._live(self._last_life)
        self.judge.must(self._is_at_rest, "a daemon without any trouble came to an end")
        events = [event for _, line in sorted(self.checker.lines.items()) if (event := decode_event(line))]
        check_ledgers(events, self.day_world.told, self.phone.told, self.judge)
        self._check_outcome()
        self.judge.close()
        return self.trace.hexdigest()

    # ---- lives

    async def _troubled_life(self, daemon: Daemon) -> None:
        end = self.chance.choice((End.KILLED, End.KILLED, End.STOPPED, End.STOPPED, End.POWER_CUT))
        asyncio.get_running_loop().call_later(self.chance.expovariate(1 / LIFE_S), daemon.end, end)
        if self.chance.random() < 0.3:
            self.disk.crash_after = self.chance.randint(0, DISK_STEPS_MAX)
        await daemon.engine.start()
        await self._trouble(daemon)

    async def _trouble(self, daemon: Daemon) -> None:
        self.disk.chance, self.disk.troubles = self.chance, self.troubles
        async with asyncio.TaskGroup() as group:
            group.create_task(self._people(daemon.engine.service))
            group.create_task(self._follow(daemon))

    async def _last_life(self, daemon: Daemon) -> None:
        await daemon.engine.start()
        self._calm(daemon)
        await self._revive_all(daemon.engine.service)
        await asyncio.sleep(SETTLES_S)
        async with asyncio.timeout(REST_S):
            while any(record.effects for record in self.records.values()):  # noqa: ASYNC110 - a disk tells nobody
                await asyncio.sleep(self.interval_s)
        self._is_at_rest = True
        daemon.end(End.STOPPED)

    # ---- people

    async def _people(self, service: EngineService) -> None:
        """Begin what was not begun, revive what has ended; review, and let the base move."""
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / 200.0))
            self.day_world.catch_up()
            await self._revive_all(service)
            for pull in self.forge.pulls.values():
                if self.chance.random() < 0.2:
                    self.forge.review(pull)
                if self.chance.random() < 0.05:
                    self.forge.conflict(pull)

    async def _revive_all(self, service: EngineService) -> None:
        for request in self._requests:
            record = self.records.get(request.id)
            with suppress(OrchestrdError):
                if record is None:
                    await service.spawn(request)
                elif record.is_terminal:
                    await service.revive(Revive(session=request.id))

    def _request(self, number: int) -> SpawnRequest:
        session = SessionId("".join(self.chance.choice(ID_ALPHABET) for _ in range(8)))
        spec = Spec(
            name=f"agent-{number}",
            project="/shop",
            agent="shell",
            runtime=RUNTIMES[0],
            argv=("agent",),
            workspace=Workspace(kind="worktree", path=f"/trees/{session}", branch=f"orch/{session}", base="main"),
            nonce=f"{self.chance.getrandbits(64):x}",
        )
        return SpawnRequest(id=session, spec=spec, environment={})

    # ---- what must have come of it

    def _check_outcome(self) -> None:
        for record in self.records.values():
            pull = self.forge.pulls.get(str(record.spec.workspace.branch))
            is_steady = pull is not None and self.forge.now_s - pull.since_s > LASTS_S
            if pull and is_steady and record.state is State.RUNNING and record.activity is Activity.WAITING:
                self._check_heeded(record, pull)

    def _check_heeded(self, record: Session, pull: Pull) -> None:
        """What has been so for hours has been dealt with: by the agent, or by a person who was told."""
        if pull.pr is not Pr.OPEN:
            return
        escalated = {episode.reaction for episode in record.episodes if episode.is_escalated}
        if pull.checks is Checks.FAILING:
            self.judge.must("ci-failed" in escalated, f"{record.id} fails for hours, and nobody was told")
        if pull.is_conflicting:
            self.judge.must("merge-conflicts" in escalated, f"{record.id} conflicts for hours, and nobody was told")
        if pull.review is Review.APPROVED and pull.remarks:
            self.judge.must("review-comments" in escalated, f"{record.id} has remarks for hours, and nobody was told")
        merges = any(one.act is Act.MERGE for one in self.reactions)
        is_ready = (pull.checks, pull.review) == (Checks.PASSING, Review.APPROVED)
        is_free = not (pull.is_conflicting or pull.remarks)
        self.judge.must(not (merges and is_ready and is_free), f"{record.id} is ready for hours, and not merged")


class DayOutside(Outside):
    """The forge and the phone of one daemon."""

    def __init__(self, day: Day) -> None:
        super().__init__()
        self.runner = self._runner = DayRunner(day.day_world, day.chance)
        self._forge = SimForge(day.forge, day.clock, day.forge_troubles)
        self.checkouts = SimCheckouts(day.forge, day.clock)
        self.forges: Mapping[str, Forge] = {"sim": self._forge}
        self._fails = day.chance.choice((0.0, 0.3))
        self._channels: list[PhoneChannel] = []

        def make(name: str, settings: ChannelSettings) -> PhoneChannel:
            channel = PhoneChannel(day.phone, name, settings, day.chance, self._fails)
            self._channels.append(channel)
            return channel

        self.make_notifier = make

    def calm(self) -> None:
        self._forge.calm()
        self._fails = 0.0
        for channel in self._channels:
            channel.fails = 0.0

    def cut_off(self) -> None:
        self._forge.is_dead = self._runner.is_dead = True
        for channel in self._channels:
            channel.is_dead = True


def _hurried(reaction: Reaction, *, merges: bool) -> Reaction:
    """The same in minutes: a day is short."""
    hurried = replace(reaction, every_s=EVERY_S, escalate_after_s=None)
    if merges and reaction.name == "approved-and-green":
        return replace(hurried, act=Act.MERGE, attempts=3)
    return hurried
