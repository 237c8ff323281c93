"""One day in the life of a home, in virtual time, from one seed: daemons come and go, the home and its agents stay.

A seed decides everything: what people ask for, what agents do, which troubles there are, and when each daemon is killed
or loses its power. A daemon that dies is cut off from disk and world at that very moment, and then dropped, so nothing
that it still wanted to do is done. The last daemon is not killed, and its troubles end: then all must come to rest.
"""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec.structs import replace

from orchestrd.codec import Decoded, decode_session, encode_record
from orchestrd.core.layout import Layout
from orchestrd.engine.presence import Settings
from orchestrd.model.command import Stop
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.limits import RECORD_BYTES_MAX
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING, State
from orchestrd.store.inbox import FileInbox, spool
from orchestrd.testing.clocks import DAWN, LoopClock, later
from orchestrd.testing.history import decode_event
from tests.sim.checking import Checker
from tests.sim.daemon import Daemon, End
from tests.sim.judge import Judge
from tests.sim.lagging import LaggingLoop
from tests.sim.outside import Outside
from tests.sim.troubles import CALM, Trouble, TroubledDisk, TroubledRuntime, drawn
from tests.sim.users import Promises, Users
from tests.sim.world import SimWorld

LAYOUT = Layout("/sim")
LIVES_MAX = 6
LIFE_S_MAX = 120.0
DISK_STEPS_MAX = 600  # of a life that ends in the midst of one
REST_S = 60.0  # after the troubles have ended: what can move has moved
END_S = 400.0  # after everything was stopped: nothing lives
USERS = 3
RUNTIMES = ("scripted",)

Life = Callable[[Daemon], Awaitable[None]]


class Simulation:
    """All that outlives a daemon, and what happens to it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.judge = Judge()
        self.records: dict[SessionId, Session] = {}
        self.disk = TroubledDisk()
        self.clock = LoopClock(DAWN)
        self.max_running = self.chance.choice((1, 2, 3, 10))
        self.interval_s = self.chance.choice((0.5, 2.0, 5.0))
        self.troubles = drawn(self.chance)
        self.world = self.world_of(seed)
        self.trace = hashlib.sha256()
        self.checker = Checker(self.records, self.world, self.max_running, self.judge, self.trace)
        self.users = Users(self.chance, Promises(), self.judge)
        self._moment = DAWN
        self._spooled = 0
        self._boots = 1
        self._is_at_rest = False

    # ---- what a daemon is given

    def world_of(self, seed: int) -> SimWorld:
        """Make the world of runs."""
        return SimWorld(self.clock, seed, self.records, self.judge)

    def runtime(self) -> TroubledRuntime:
        """Give the runtime of the next daemon."""
        return TroubledRuntime(self.world, RUNTIMES[0], self.chance, self.troubles)

    def outside(self) -> Outside:
        """Give what lies beyond runs, as the next daemon sees it."""
        return Outside()

    def settings(self) -> Settings:
        """Say what is set."""
        return Settings(interval_s=self.interval_s, max_running=self.max_running, pid=1, version="0")

    # ---- the day

    def run(self) -> str:
        """Live through it, and give the digest of all that was committed, and when. Raises Violation."""
        for _ in range(self.chance.randint(1, LIVES_MAX)):
            self._live(self._troubled_life)
            if self.chance.random() < 0.5:
                self._prepare_home()
                self._spool()
        self._live(self._last_life)
        if not self._is_at_rest:  # its troubles were the death of it
            self.troubles = CALM
            self._live(self._last_life)
        self.judge.must(self._is_at_rest, "a daemon without any trouble came to an end")
        self.users.check(self.records, self.world.typed)
        self.users.check_rejected(event for line in self.checker.lines.values() if (event := decode_event(line)))
        self.judge.close()
        return self.trace.hexdigest()

    # ---- lives

    def _live(self, life: Life) -> None:
        lags = self.chance.choice((0.0, 0.001, 0.05))
        loop = LaggingLoop(lambda: self.chance.random() * lags)
        self.clock = self.world.clock = LoopClock(self._moment)
        self.users.is_heard = True
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._one_daemon(life))
        self.judge.close()

    async def _one_daemon(self, life: Life) -> None:
        await Daemon(self).live(life)

    async def _troubled_life(self, daemon: Daemon) -> None:
        """Live until chance ends it."""
        end = self.chance.choice(tuple(End))
        asyncio.get_running_loop().call_later(self.chance.uniform(0.0, LIFE_S_MAX), daemon.end, end)
        if self.chance.random() < 0.4:
            self.disk.crash_after = self.chance.randint(0, DISK_STEPS_MAX)
        await daemon.engine.start()
        await self._trouble(daemon)

    async def _trouble(self, daemon: Daemon) -> None:
        """Let everything happen that can, for ever."""
        self.disk.chance, self.disk.troubles = self.chance, self.troubles
        async with asyncio.TaskGroup() as group:
            for _ in range(USERS):
                pause_s = self.chance.choice((0.5, 3.0, 20.0))
                group.create_task(self.users.live(daemon.engine.service, pause_s))
            group.create_task(self._follow(daemon))
            group.create_task(self._meddle())

    async def _last_life(self, daemon: Daemon) -> None:
        """Live in trouble, then in peace, then stop everything, and see it come to rest."""
        await daemon.engine.start()
        self.users.check(self.records, self.world.typed)
        with suppress(TimeoutError):
            async with asyncio.timeout(self.chance.choice((0.0, 1.0, LIFE_S_MAX))):
                await self._trouble(daemon)
        self._calm(daemon)
        await asyncio.sleep(REST_S + 4 * self.interval_s)
        self._check_rest()
        for session in sorted(self.records):
            with suppress(OrchestrdError):
                await daemon.engine.service.stop(Stop(session=session, grace_s=1.0))
        await asyncio.sleep(END_S)
        self._check_end()
        self._is_at_rest = True
        daemon.end(End.STOPPED)

    def _calm(self, daemon: Daemon) -> None:
        """End all troubles."""
        self.disk.chance = None
        self.world.outage, self.world.unseen = None, set()
        daemon.calm()

    def _check_rest(self) -> None:
        must = self.judge.must
        states = [record.state for record in self.records.values()]
        must(State.PENDING not in states, "a session is still pending")
        taken = sum(state in OCCUPYING for state in states)
        must(State.SCHEDULED not in states or taken == self.max_running, "a place in the lane stays empty")
        must(not FileInbox(LAYOUT, self.disk).pending(), "a spooled command still waits")
        for record in self.records.values():
            must(not any(effect.attempted for effect in record.effects), f"{record.id} still types")
            if record.state is State.RUNNING and record.ending is None and record.spec.runtime in RUNTIMES:
                lives = self.world.is_alive((record.id, record.generation))
                must(lives, f"{record.id} is running, and nothing of it lives")

    def _check_end(self) -> None:
        must = self.judge.must
        for record in self.records.values():
            if record.spec.runtime not in RUNTIMES and record.state is State.LOST:
                continue  # it was half launched, and who could tell what became of it is not there
            must(record.is_terminal, f"{record.id} is still {record.state} ({record.reason}), {record.error}")
            must(not record.messages and not record.effects, f"{record.id} has ended, and something is in flight")
        must(not self.world.running(), f"still alive: {self.world.running()}")

    # ---- what else happens

    async def _follow(self, daemon: Daemon) -> None:
        """Follow the journal from a random cursor: no number is missing, and what is published is durable."""
        cursor = self.chance.randint(0, self.checker.tail)
        while True:
            follower = daemon.engine.service.follow(cursor)
            async for lines in follower:
                for line in lines:
                    cursor += 1
                    self.judge.must(self.checker.lines.get(cursor) == line, f"{line!r} was told as event {cursor}")
                await asyncio.sleep(self.chance.choice((0.0, 0.0, 0.1, 10.0)))
                if self.chance.random() < 0.05:
                    follower.close()
            await asyncio.sleep(1.0)

    async def _meddle(self) -> None:
        """Move the clock, cut the runtime off, edit records, spool commands."""
        acts = [self._jump, self._edit, self._spool, self._cut_off, self._cut_off_some]
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / 8.0))
            self.chance.choice(acts)()

    def _jump(self) -> None:
        self.clock.jump(self.chance.uniform(-20_000, 20_000))

    def _cut_off(self) -> None:
        self.world.outage = self.chance.choice((None, None, Trouble("the runtime is unavailable")))

    def _cut_off_some(self) -> None:
        self.world.unseen = {session for session in sorted(self.records) if self.chance.random() < 0.1}

    def _edit(self) -> None:
        """Put a valid record of a higher revision in place of ours."""
        if not self.records:
            return
        session = self.chance.choice(sorted(self.records))
        path = LAYOUT.record(session)
        found = decode_session(self.disk.read(path, RECORD_BYTES_MAX), session, LAYOUT.log(session))
        if isinstance(found, Decoded):
            record = found.record
            spec = replace(record.spec, name=f"edited-{self.chance.randint(0, 99)}")
            edited = replace(record, revision=record.revision + self.chance.randint(1, 3), spec=spec)
            with self.disk.at_peace():
                self.disk.write(path, encode_record(edited))
            self.checker.edited.add(session)

    def _spool(self) -> None:
        command = self.users.spooled()
        self._spooled += 1
        with self.disk.at_peace():
            spool(LAYOUT, command, self._spooled, self.disk)
        self.users.promised(command)

    def _prepare_home(self) -> None:
        """A client that finds no home makes one."""
        for directory in LAYOUT.directories():
            self.disk.make_directory(directory)

    # ---- the end of a daemon

    def cut_off(self, end: End) -> None:
        """Leave the disk and the world as the daemon leaves them; whatever it does from now on reaches neither."""
        self.users.is_heard = False
        self.disk.chance = self.disk.crash_after = None
        self._moment = self.clock.now()
        if end is End.POWER_CUT:
            self.disk = self.disk.after_power_cut(self.chance, reorders=self.chance.random() < 0.5)
            self.world.power_off()
            self._boots += 1
            self._moment = Instant(at=self._moment.at, boot=f"boot-{self._boots}", up_s=0.0)
        else:
            self.disk = self.disk.killed()
        self.world.outage, self.world.unseen = None, set()
        self._moment = later(self._moment, self.chance.choice((0.0, 1.0, self.chance.uniform(0.0, 200.0))))
