"""The lifecycle: the tick, level-triggered safety net under everything that is faster.

Each tick takes in what other hands put on disk, looks at deadlines, asks the lane, probes every run once, has the
reactions judged that wait for that, and does some upkeep. A tick never overlaps itself; missed ones collapse into one.
What fails in one part of a tick is logged, and the other parts and the next tick go on.
"""

import asyncio
from collections.abc import Awaitable, Callable

from orchestrd.core.restart import owed_after_restart
from orchestrd.engine.actor import Actor
from orchestrd.engine.deadlines import Deadlines
from orchestrd.engine.intake import Intake
from orchestrd.engine.lane import Lane
from orchestrd.engine.ledger import Ledger
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.prober import Prober
from orchestrd.engine.reactor import Reactor
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError, TaskBag
from orchestrd.engine.troubles import Troubles
from orchestrd.engine.upkeep import Upkeep
from orchestrd.model.limits import TICK_SIGN_S


class LifecycleHandle:
    """A running lifecycle. Dropping it stops nothing; `stop` does, and calling that twice is harmless."""

    def __init__(self, manager: "LifecycleManager") -> None:
        self._manager = manager

    @property
    def ticks(self) -> int:
        """How many ticks have ended since the start."""
        return self._manager.ticks

    async def stop(self) -> None:
        """Let the tick that runs end; none starts after this has returned."""
        await self._manager.halt()


class LifecycleManager:
    """Owns the tick loop; `interval_s` is the time from the start of one tick to the start of the next."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        intake: Intake,
        deadlines: Deadlines,
        lane: Lane,
        prober: Prober,
        reactor: Reactor,
        upkeep: Upkeep,
        troubles: Troubles,
        interval_s: float,
        on_error: OnError,
    ) -> None:
        self._ledger = ledger
        self._intake = intake
        self._deadlines = deadlines
        self._lane = lane
        self._prober = prober
        self._reactor = reactor
        self._upkeep = upkeep
        self._troubles = troubles
        self._tasks = TaskBag(on_error)
        self._halting = asyncio.Event()
        self._stirred = asyncio.Event()  # whoever waits for the next tick has to look again
        self._halted = asyncio.Event()
        self.interval_s = interval_s
        self.ticks = 0
        self.sign_due_s = 0.0  # on the loop's clock: a tick that works has got further by then

    def start(self) -> LifecycleHandle:
        """Begin to tick, at once."""
        self._promise_sign(0.0)
        self._tasks.spawn("ticks", self._run())
        return LifecycleHandle(self)

    async def tick(self) -> None:
        """Do one round."""
        for part in (
            self._intake.scan,
            self._intake.drain,
            self._wake,
            self._prober.probe_all,
            self._reactor.tick,
            self._upkeep.trim_logs,
            self._upkeep.archive,
            self._ledger.try_again,
        ):
            await self._do(part)
        self.ticks += 1

    def tick_every(self, interval_s: float) -> None:
        """Tick at another interval, counted from when the tick that runs, or the last one, was due."""
        self.interval_s = interval_s
        self._stirred.set()

    async def halt(self) -> None:
        """Stop ticking; for the handle."""
        self._halting.set()
        self._stirred.set()
        if len(self._tasks):
            await self._halted.wait()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            due = loop.time()
            while not self._halting.is_set():
                await self.tick()
                due = await self._rest(since=due)
        finally:
            self._halted.set()

    async def _rest(self, *, since: float) -> float:
        """Wait until the next tick is due, and tell when that is: one that was missed is due now."""
        loop = asyncio.get_running_loop()
        while True:
            due = max(since + self.interval_s, loop.time())
            self._stirred.clear()
            if self._halting.is_set():
                return due
            await self._wait_until(due)
            if not self._stirred.is_set():
                return due

    def _promise_sign(self, idle_s: float) -> None:
        self.sign_due_s = asyncio.get_running_loop().time() + idle_s + TICK_SIGN_S

    async def _wait_until(self, due: float) -> None:
        self._promise_sign(due - asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout_at(due):
                await self._stirred.wait()
        except TimeoutError:
            return

    async def _wake(self) -> None:
        self._deadlines.check_all()
        self._lane.wake()

    async def _do(self, part: Callable[[], Awaitable[object]]) -> None:
        self._promise_sign(0.0)
        try:
            await part()
        except Exception as error:  # noqa: BLE001 - one part of a tick never costs the others
            self._troubles.failed(part.__qualname__, error)
        else:
            self._troubles.works(part.__qualname__)


class Lifecycle(Actor):
    """The lifecycle as a part of the daemon: it begins with what the last daemon left undone."""

    name = "lifecycle"

    def __init__(
        self, manager: LifecycleManager, deadlines: Deadlines, roster: Roster, mailboxes: Mailboxes, on_error: OnError
    ) -> None:
        super().__init__(on_error)
        self._manager = manager
        self._deadlines = deadlines
        self._roster = roster
        self._mailboxes = mailboxes
        self._handle: LifecycleHandle | None = None

    async def started(self) -> None:
        """Settle what was half done, take up every deadline, and tick."""
        for session in self._roster:
            for owed in owed_after_restart(session):
                await self._mailboxes.submit(session.id, owed)
        self._deadlines.begin()
        self._handle = self._manager.start()

    async def stopped(self) -> None:
        """No tick starts any more, and no deadline wakes anyone."""
        assert self._handle is not None, "it was started"
        await self._handle.stop()
        await self._deadlines.close()
