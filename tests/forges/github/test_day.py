"""Hours of looking in virtual time, seeded: agents that spend of the same allowance, errors, limits and resets."""

import asyncio
from collections import Counter
from random import Random

import pytest

from orchestrd.model.change import Checks, Pr
from orchestrd.model.errors import TransientError
from orchestrd.testing.clocks import LoopClock
from orchestrd.testing.github import Request, Response
from tests.forges.github.surroundings import REPOSITORY, SHA, change_of, forge_at, github_at
from tests.github.described import needs_descriptions

pytestmark = needs_descriptions

HOURS = 4
LIMIT = 100  # so little that looking every 15 s would take all of it, and more
USUAL_S = 15.0


class Day:
    """A forge that looks at one pull request at its own pace, and what goes on around it."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        clock = LoopClock()
        self.github = github_at(clock)
        self.budget = self.github.budgets["graphql"]
        self.budget.limit = self.budget.remaining = LIMIT
        self.repository = self.github.repository("o/r")
        self.repository.pull("fix", sha=SHA)
        self.forge = forge_at(self.github, clock)
        self.ours: Counter[float] = Counter()  # what we have spent, by the end of the window
        self.quiet_until = 0.0
        self.asked_too_soon = 0
        self.looks = 0
        take = self.github.take

        def watched(request: Request) -> Response:
            now, before = asyncio.get_running_loop().time(), self.budget.remaining
            self.asked_too_soon += now < self.quiet_until
            answered = take(request)
            self.ours[self.budget.resets_at] += before != self.budget.remaining
            self.quiet_until = now + int(answered.headers.get("retry-after", 0))
            return answered

        self.github.take = watched  # type: ignore[method-assign]

    async def pass_by(self) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < HOURS * 3_600:
            self._something_happens()
            try:
                await change_of(self.forge, "fix")
                self.looks += 1
            except TransientError:
                pass
            await asyncio.sleep(self.forge.pause_s(REPOSITORY, USUAL_S))

    def _something_happens(self) -> None:
        happening = self.chance.random()
        if happening < 0.05:
            self.github.fail(502)
        elif happening < 0.08:
            self.github.fail(self.chance.choice([403, 429]), retry_after=str(self.chance.randint(1, 300)))
        elif happening < 0.4:
            self.budget.remaining -= self.chance.randint(0, min(2, self.budget.remaining))


@pytest.mark.parametrize("seed", range(3))
async def test_over_a_day_we_spend_our_half_obey_every_wait_and_always_come_back(seed: int) -> None:
    day = Day(seed)

    await day.pass_by()

    assert max(day.ours.values()) <= LIMIT // 2
    assert day.asked_too_soon == 0
    assert day.looks > 10 * HOURS
    await asyncio.sleep(3_700)
    day.github.faults.clear()
    day.repository.check(SHA, "test", "success")
    change = await change_of(day.forge, "fix")
    assert (change.pr, change.checks) == (Pr.OPEN, Checks.PASSING)
    assert day.github.violations == []
