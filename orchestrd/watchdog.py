"""The watchdog as a part of the daemon: started last, it tells the supervisor that all is well, as long as it is.

It beats several times in the time it was given, so that one beat in doubt costs nothing. That the loop turns is shown
by the beat itself.
"""

import asyncio
import contextlib
from collections.abc import Callable

from orchestrd.core.watchdog import Pulse, Verdict, judge
from orchestrd.engine.actor import Actor
from orchestrd.engine.tasks import OnError, TaskBag
from orchestrd.model.errors import TransientError
from orchestrd.notify import NotifySocket

BEATS = 4  # in the time that the supervisor waits for one

Look = Callable[[Callable[[], None]], None]  # begins a look at the file system; what it is given is called at its end


class Watchdog(Actor):
    """Feeds a watchdog that waits `watchdog_s` for each feed. `sign_due_s` is when the ticks give their next sign."""

    name = "watchdog"

    def __init__(
        self,
        *,
        watchdog_s: float,
        supervisor: NotifySocket,
        sign_due_s: Callable[[], float],
        look: Look,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._beat_s = watchdog_s / BEATS
        self._supervisor = supervisor
        self._sign_due_s = sign_due_s
        self._look = look
        self._beating = TaskBag(on_error)
        self._asked_s: float | None = None
        self._answered_s: float | None = None
        self._said = Verdict.WELL

    async def started(self) -> None:
        """Beat from now on."""
        self._beating.spawn("watchdog", self._beat_on())

    async def stopped(self) -> None:
        """Beat no more: a supervisor that was told of the end waits for that."""
        await self._beating.close()

    async def _beat_on(self) -> None:
        while True:
            await self._beat()
            await asyncio.sleep(self._beat_s)

    async def _beat(self) -> None:
        verdict = judge(self._pulse())
        if verdict != Verdict.WEDGED:
            await self._supervisor.well()
        if verdict == Verdict.DOUBTFUL:
            self._ask()
        else:
            await self._say(verdict)

    def _pulse(self) -> Pulse:
        return Pulse(
            now_s=asyncio.get_running_loop().time(),
            sign_due_s=self._sign_due_s(),
            asked_s=self._asked_s,
            answered_s=self._answered_s,
        )

    def _ask(self) -> None:
        """Look at the file system; never in doubt while one is looking, it is one look at a time."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(RuntimeError):  # no thread is to be had now: it stays in doubt
            self._look(lambda: _call(loop, self._answered))
            self._asked_s, self._answered_s = loop.time(), None

    def _answered(self) -> None:
        self._answered_s = asyncio.get_running_loop().time()

    async def _say(self, verdict: Verdict) -> None:
        """Say how it is once it is another."""
        if verdict == self._said:
            return
        self._said = verdict
        overdue_s = asyncio.get_running_loop().time() - self._sign_due_s()
        words = {
            Verdict.DISK_SILENT: "the file system of the home does not answer: sessions run on, nothing is decided",
            Verdict.WEDGED: f"a tick is overdue by {overdue_s:.0f} s, and the file system answers: to be killed",
        }.get(verdict)
        self._on_error("watchdog", None if words is None else TransientError(words))
        await self._supervisor.status(words)


def _call(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # a look that comes back behind the end tells nobody
        loop.call_soon_threadsafe(act)
