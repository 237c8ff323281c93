"""`kill -9` of the daemon at random moments of a scripted day: the promise that nothing accepted is lost."""

import random
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.acceptance import truths
from tests.acceptance.daemon import Daemon, Home
from tests.acceptance.day import Day, wait_for_a_moment
from tests.acceptance.processes import Identity, is_alive, until

KILLS = 100  # of each of the two homes that have their day side by side
STOPS = 0.08  # now and then it is told to stop instead
STEADY = 2
WORK_S = 0.2  # at most, between two kills


@pytest.mark.timeout(240)
def test_200_kills_of_the_daemon_lose_nothing_and_touch_no_agent(make_home: Callable[[str], Home], seed: int) -> None:
    days = [Day(make_home(name), seed + number) for number, name in enumerate(("east", "west"))]

    with ThreadPoolExecutor(len(days)) as side_by_side:
        results = [
            side_by_side.submit(_live_through, day, make_home(f"fresh-{number}")) for number, day in enumerate(days)
        ]
        for result in results:
            result.result()


def _live_through(day: Day, fresh: Home) -> None:
    try:
        steady = _begin(day)
        _storm(day, steady)
        last = day.home.start()
        day.close()
        _evening(day, steady)
        _check(day, last, fresh)
    finally:
        day.release()


def _begin(day: Day) -> list[Identity]:
    """Begin with sessions that live through it all, and give their processes."""
    daemon = day.home.start(is_measured=False)
    plans = [day.spawn("steady") for _ in range(STEADY)]
    for plan in plans:
        until(partial(day.home.mark, plan.session), "the agent has begun")
        day.home.reach(plan.session, "running")
    steady = list(day.home.processes())
    assert len(steady) >= 2 * STEADY
    day.begin()
    daemon.kill()
    return steady


def _storm(day: Day, steady: list[Identity]) -> None:
    chance = random.Random(~day.seed)
    kills = 0
    while kills < KILLS:
        daemon = day.home.begin(is_measured=False)
        wait_for_a_moment(daemon, chance, WORK_S)
        if chance.random() < STOPS:
            assert daemon.stop() in (0, -signal.SIGTERM)  # the latter before it has learnt to stop gracefully
        else:
            daemon.kill()
            kills += 1
        assert not day.failures, day.failures
        assert all(map(is_alive, steady)), "an agent did not survive its daemon"


def _evening(day: Day, steady: list[Identity]) -> None:
    """End what does not end by itself, and see that nobody has bothered the steady ones."""
    assert all(map(is_alive, steady))
    until(lambda: not list(Path(day.home.layout.inbox_new).iterdir()), "what was spooled is taken in")
    for plan in day.plans.values():
        if plan.kind == "steady":
            assert day.home.mark(f"{plan.session}.touched") == []
        if not plan.ends_by_itself and day.home.show(plan.session).ended_at is None:
            day.home.kill(plan.session)
    day.home.until_over()
    day.end(day.home.facts().sequence)


def _check(day: Day, last: Daemon, fresh: Home) -> None:
    events = day.home.journal()
    truths.journal_is_gapless(events)
    truths.no_step_was_skipped(events)
    truths.each_generation_ended_once(events)
    truths.the_lane_held_its_limit(events)
    truths.stamps_are_in_order(day.home)
    truths.journal_folds_to_the_records(day.home, events)
    truths.nothing_accepted_was_lost(day)
    truths.each_ended_as_planned(day)
    truths.nothing_was_started_twice(day, events)
    truths.the_subscriber_saw_all_once(day, events)
    truths.nothing_is_in_quarantine(day.home)
    truths.no_process_is_left(day.home)
    day.release()
    truths.nothing_leaks(last, fresh.start())
    assert day.failures == []
