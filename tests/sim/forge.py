"""The forge of the day: branches, checks, reviews and merges that go on whether a daemon lives or not.

What is to happen stands in a plan, by the wall clock; it happens when anybody looks. A forge of one daemon may be late,
fail before or after it acted, know nothing of a field, or refuse for a while: the world beneath never does.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from heapq import heappop, heappush

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.core.merging import unready
from orchestrd.model.allowance import Allowance
from orchestrd.model.change import Change, Checks, FailedCheck, Mergeable, Pr, Remark, Review
from orchestrd.model.errors import RefusedError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.issue import Issue
from orchestrd.model.reaction import MergeOrder
from orchestrd.ports import ChangeLook, Checkout, Clock, Merging, WantedChange, WantedCheckout
from tests.sim.judge import Judge

REPOSITORY, REMOTE, MAIN = "shop", "sim://shop", "main"
LATE_S = 90.0  # longer than anybody waits


class ForgeTroubles(Struct, frozen=True, kw_only=True):
    """Chances of each trouble, per look or merge."""

    error: float = 0.0  # 502, before it acted
    error_after: float = 0.0  # 502, after it acted
    unknown: float = 0.0  # a field of a branch is not told
    limit: float = 0.0  # 403: nothing is told until a reset
    late: float = 0.0


class Pull:
    """One branch with its pull request, as it truly is."""

    def __init__(self, session: SessionId, branch: str, number: int) -> None:
        self.session = session
        self.branch = branch
        self.number = number
        self.pr = Pr.NONE
        self.heads = ["0" * 8]
        self.checks = Checks.NONE
        self.review = Review.REQUIRED
        self.remarks: tuple[Remark, ...] = ()
        self.is_conflicting = False
        self.since_s = 0.0  # that it is as it is

    @property
    def head(self) -> str:
        """Give the newest commit."""
        return self.heads[-1]

    def told(self) -> Change:
        """Tell all of it, as it is."""
        failed = (FailedCheck(id="1", name="unit", step="pytest", log="1 failed"),)
        return Change(
            forge="sim",
            repository=REPOSITORY,
            branch=self.branch,
            base=MAIN,
            pr=self.pr,
            number=None if self.pr is Pr.NONE else self.number,
            title=f"work of {self.session}",
            head=self.head,
            checks=self.checks,
            failed=failed if self.checks is Checks.FAILING else (),
            review=self.review,
            remarks=self.remarks,
            mergeable=Mergeable.CONFLICTING if self.is_conflicting else Mergeable.CLEAN,
        )


class ForgeWorld:
    """All branches, and what happens to them."""

    def __init__(self, chance: random.Random, judge: Judge) -> None:
        self.chance = chance
        self.pulls: dict[str, Pull] = {}
        self.told_green: set[str] = set()  # commits that a forge has told to have passed, whoever asked
        self.merged: list[str] = []
        self.limited_until_s = 0.0
        self._must = judge.must
        self._plan: list[tuple[float, int, Callable[[], object]]] = []
        self._planned = 0
        self.now_s = 0.0

    def later(self, wait_s: float, act: Callable[[], object]) -> None:
        """Let this happen so much later than what happens now."""
        self._planned += 1
        heappush(self._plan, (self.now_s + wait_s, self._planned, act))

    def catch_up(self, now_s: float) -> None:
        """Let everything happen that was to happen by now."""
        while self._plan and self._plan[0][0] <= now_s:
            self.now_s, _, act = heappop(self._plan)
            act()
        self.now_s = max(self.now_s, now_s)

    def branch(self, session: SessionId, branch: str) -> Pull:
        """Give the branch of a session."""
        return self.pulls.setdefault(branch, Pull(session, branch, len(self.pulls) + 1))

    def push(self, pull: Pull) -> None:
        """Put a new commit on a branch; its checks begin, and what was asked of it is done."""
        if pull.pr in (Pr.MERGED, Pr.CLOSED):
            return
        pull.heads.append(f"{self.chance.getrandbits(32):08x}")
        pull.pr, pull.is_conflicting, pull.remarks = Pr.OPEN, False, ()
        if pull.review is Review.CHANGES_REQUESTED:
            pull.review = Review.REQUIRED
        self._check(pull, pull.head)

    def merge(self, pull: Pull, head: str) -> None:
        """Put this commit into the base, once and for good."""
        self._must(head == pull.head, f"{head} is merged, and {pull.head} is the newest of {pull.branch}")
        self._must(head in self.told_green, f"{head} is merged, and nobody was told that it has passed")
        self._must(pull.checks is Checks.PASSING, f"{head} is merged, and its checks are {pull.checks}")
        self._must(pull.branch not in self.merged, f"{pull.branch} is merged twice")
        pull.pr = Pr.MERGED
        self.merged.append(pull.branch)

    def _check(self, pull: Pull, head: str) -> None:
        """Let the checks of a commit run, once or several times: they may flap."""
        outcomes = self.chance.choice(
            (
                (Checks.PASSING,),
                (Checks.PASSING,),
                (Checks.FAILING,),
                (Checks.FAILING, Checks.PENDING, Checks.FAILING, Checks.PENDING, Checks.FAILING),
                (Checks.FAILING, Checks.PENDING, Checks.PASSING),
                (Checks.PASSING, Checks.PENDING, Checks.FAILING, Checks.PASSING, Checks.FAILING),
            )
        )
        self._turn(pull, head, Checks.PENDING)
        wait_s = 0.0
        for outcome in outcomes:
            wait_s += self.chance.uniform(20, 900)
            self.later(wait_s, lambda outcome=outcome: self._turn(pull, head, outcome))  # type: ignore[misc]

    def _turn(self, pull: Pull, head: str, checks: Checks) -> None:
        if pull.head == head and pull.pr in (Pr.OPEN, Pr.DRAFT):
            pull.checks, pull.since_s = checks, self.now_s

    def review(self, pull: Pull) -> None:
        """Let a reviewer say something."""
        if pull.pr is not Pr.OPEN:
            return
        verdict = self.chance.choice((Review.APPROVED, Review.APPROVED, Review.CHANGES_REQUESTED, None))
        if verdict is not Review.APPROVED:
            number = len(pull.remarks) + 1
            pull.remarks = (*pull.remarks, Remark(id=f"{pull.head}.{number}", author="ada", text="why?"))
        pull.review, pull.since_s = verdict or pull.review, self.now_s

    def conflict(self, pull: Pull) -> None:
        """Let the base move so that it conflicts."""
        pull.is_conflicting, pull.since_s = pull.pr is Pr.OPEN, self.now_s


class SimForge:
    """The forge as one daemon sees it."""

    name = "sim"

    def __init__(self, world: ForgeWorld, clock: Clock, troubles: ForgeTroubles) -> None:
        self.is_dead = False
        self._troubles = troubles
        self._world = world
        self._clock = clock
        self._chance = world.chance

    def calm(self) -> None:
        """Spare it all trouble from now on."""
        self._troubles = ForgeTroubles()
        self._world.limited_until_s = 0.0

    def repository_of(self, remote: str) -> str | None:
        """See the port."""
        return REPOSITORY if remote == REMOTE else None

    async def look(self, repository: str, wanted: Sequence[WantedChange]) -> Sequence[ChangeLook]:
        """See the port."""
        await self._answer()
        told = [self._told(wish) for wish in wanted]
        await self._may_fail_after()
        return told

    async def merge(self, order: MergeOrder, wanted: WantedChange) -> Merging:
        """See the port."""
        await self._answer()
        pull = self._world.pulls[order.branch]
        change = pull.told()
        if pull.pr is not Pr.MERGED:
            if why := unready(order, change):
                return Merging(is_merged=False, change=change, error=why)
            self._world.merge(pull, order.head)
            if self._strikes(self._troubles.error_after):
                return Merging(is_merged=None, error="502: nobody knows")
        await self._may_fail_after()
        is_merged = pull.head == order.head
        return Merging(is_merged=is_merged, change=pull.told(), error=None if is_merged else "another was merged")

    async def issue(self, repository: str, number: int) -> Issue:
        """See the port."""
        raise RefusedError("there are no issues here")

    def allowances(self) -> Sequence[Allowance]:
        """See the port."""
        return ()

    def pause_s(self, repository: str, usual_s: float) -> float:
        """See the port."""
        return max(4 * usual_s, self._world.limited_until_s - self._now_s())

    def on_change(self, nudge: Callable[[str], None]) -> None:
        """See the port."""

    async def close(self) -> None:
        """See the port."""

    def _told(self, wish: WantedChange) -> ChangeLook:
        pull = self._world.pulls.get(wish.branch)
        if pull is None:
            none = Change(forge="sim", repository=REPOSITORY, branch=wish.branch, pr=Pr.NONE, remarks=())
            return ChangeLook(session=wish.session, change=none)
        if self._strikes(self._troubles.unknown / 4):
            return ChangeLook(session=wish.session, error="this one could not be read")
        change = self._with_gaps(pull.told())
        if change.checks is Checks.PASSING and change.head:
            self._world.told_green.add(change.head)
        return ChangeLook(session=wish.session, change=change)

    def _with_gaps(self, change: Change) -> Change:
        if not self._strikes(self._troubles.unknown):
            return change
        gaps: tuple[Change, ...] = (
            replace(change, checks=Checks.UNKNOWN, failed=()),
            replace(change, review=Review.UNKNOWN),
            replace(change, remarks=None),
            replace(change, mergeable=Mergeable.UNKNOWN),
            replace(change, pr=Pr.UNKNOWN, number=None, head=None, checks=Checks.UNKNOWN, review=Review.UNKNOWN),
        )
        return replace(self._chance.choice(gaps), error="a field failed")

    async def _answer(self) -> None:
        await asyncio.sleep(self._chance.random() * 2)
        if self.is_dead:
            await asyncio.Event().wait()
        self._world.catch_up(self._now_s())
        if self._strikes(self._troubles.limit):
            self._world.limited_until_s = self._now_s() + self._chance.uniform(60, 1_800)
        if self._now_s() < self._world.limited_until_s:
            raise TransientError("403: nothing may be asked before its reset")
        if self._strikes(self._troubles.error):
            raise TransientError("502: bad gateway")

    async def _may_fail_after(self) -> None:
        if self._strikes(self._troubles.late):
            await asyncio.sleep(LATE_S)
        if self._strikes(self._troubles.error_after):
            raise TransientError("502: bad gateway, and nobody knows what was done")

    def _now_s(self) -> float:
        return self._clock.now().at.timestamp()

    def _strikes(self, probability: float) -> bool:
        return self._chance.random() < probability


class SimCheckouts:
    """The worktrees of the day: each on the branch of its session, all of it pushed."""

    def __init__(self, world: ForgeWorld, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    async def look(self, wanted: Sequence[WantedCheckout], remote: str) -> Sequence[Checkout]:
        """See the port."""
        self._world.catch_up(self._clock.now().at.timestamp())
        by_session = {pull.session: pull for pull in self._world.pulls.values()}
        return [_checkout(by_session.get(one.session)) for one in wanted]


def _checkout(pull: Pull | None) -> Checkout:
    if pull is None:
        return Checkout(remote=REMOTE, default=MAIN)
    return Checkout(remote=REMOTE, branch=pull.branch, head=pull.head, pushed=pull.head, default=MAIN)
