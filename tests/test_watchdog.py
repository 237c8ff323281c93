"""The watchdog as a part of the daemon: what it tells its supervisor while ticks come, and while they do not."""

import asyncio
from collections.abc import Callable
from typing import Self

from orchestrd.model.limits import DISK_ANSWER_S
from orchestrd.watchdog import BEATS, Watchdog
from tests.supervisors import Told

WATCHDOG_S = 40.0
BEAT_S = WATCHDOG_S / BEATS


class Scene:
    """A watchdog whose ticks and disk do as they are told."""

    def __init__(self) -> None:
        self.supervisor = Told()
        self.troubles: list[str | None] = []
        self.sign_due_s = float("inf")
        self.can_look = True
        self.disk_answers = True
        self.waiting: list[Callable[[], None]] = []
        self.watchdog = Watchdog(
            watchdog_s=WATCHDOG_S,
            supervisor=self.supervisor,
            sign_due_s=lambda: self.sign_due_s,
            look=self.look,
            on_error=lambda what, error: self.troubles.append(str(error) if error else None),
        )

    def look(self, answered: Callable[[], None]) -> None:
        if not self.can_look:
            raise RuntimeError("can't start new thread")
        (answered if self.disk_answers else lambda: self.waiting.append(answered))()

    async def __aenter__(self) -> Self:
        await self.watchdog.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.watchdog.stop()

    async def fed_in(self, seconds: float) -> int:
        before = self.supervisor.fed
        await asyncio.sleep(seconds)
        return self.supervisor.fed - before


async def test_while_ticks_come_it_is_fed_several_times_in_the_time_it_waits() -> None:
    async with Scene() as scene:
        fed = await scene.fed_in(10 * WATCHDOG_S)

        assert fed == 10 * BEATS
        assert scene.supervisor.said == scene.troubles == []


async def test_a_tick_that_never_comes_beside_a_disk_that_answers_is_told_of_once_and_not_fed_for() -> None:
    async with Scene() as scene:
        scene.sign_due_s = 0.0
        await asyncio.sleep(2 * BEAT_S)

        fed = await scene.fed_in(10 * WATCHDOG_S)

        assert fed == 0
        assert len(scene.supervisor.said) == 1
        assert scene.troubles == scene.supervisor.said
        assert "overdue by 20 s" in scene.supervisor.said[0]


async def test_a_tick_that_comes_at_last_is_fed_for_again_and_said() -> None:
    async with Scene() as scene:
        scene.sign_due_s = 0.0
        await asyncio.sleep(3 * BEAT_S)

        scene.sign_due_s = float("inf")
        fed = await scene.fed_in(WATCHDOG_S)

        assert fed == BEATS
        assert scene.supervisor.said[-1] == "at work"
        assert scene.troubles[-1] is None


async def test_beside_a_disk_that_does_not_answer_it_is_fed_for_ever_and_the_disk_is_named() -> None:
    async with Scene() as scene:
        scene.disk_answers = False
        scene.sign_due_s = 0.0

        fed = await scene.fed_in(100 * WATCHDOG_S)

        assert fed == 100 * BEATS
        assert len(scene.waiting) == 1, "one look at a time"
        assert scene.supervisor.said == [
            "the file system of the home does not answer: sessions run on, nothing is decided"
        ]


async def test_while_nobody_can_be_sent_to_the_disk_it_is_in_doubt_and_fed() -> None:
    async with Scene() as scene:
        scene.can_look = False
        scene.sign_due_s = 0.0

        fed = await scene.fed_in(10 * WATCHDOG_S)

        assert fed == 10 * BEATS
        assert scene.supervisor.said == []


async def test_a_disk_that_is_back_gives_the_ticks_their_time_again() -> None:
    async with Scene() as scene:
        scene.disk_answers = False
        scene.sign_due_s = 0.0
        await asyncio.sleep(DISK_ANSWER_S + 2 * BEAT_S)

        scene.disk_answers = True
        scene.waiting.pop()()
        fed = await scene.fed_in(WATCHDOG_S)

        assert fed == BEATS
        assert scene.supervisor.said[-1] == "at work"
