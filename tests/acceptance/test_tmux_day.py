"""50 agents in tmux born and dying under `kill -9` of the daemon: every end is true, and nothing is left behind.

In the suite the day is short. A full one, and the same choices again: `pytest tests/acceptance/test_tmux_day.py
--day 60 --seed N`.
"""

import random
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from orchestrd.model.event import Event, EventType
from orchestrd.model.words import TERMINAL, Reason, Receipt, State
from tests.acceptance import agents, tmux_day, truths
from tests.acceptance.daemon import Daemon, Home
from tests.acceptance.day import Plan, wait_for_a_moment
from tests.acceptance.processes import Identity, is_alive, until
from tests.acceptance.tmux import needs_tmux
from tests.acceptance.tmux_day import HEARD, LINE, OPEN, TmuxDay

pytestmark = needs_tmux

WORK_S = 2.0  # at most, between two kills
STOPS = 0.1  # now and then it is told to stop instead
STEADY = 2
CROWD = ("--max-running", str(OPEN))


@pytest.fixture
def day_s(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--day"))


@pytest.mark.timeout(300)
def test_a_day_of_50_agents_in_tmux_under_kills_of_the_daemon_leaves_true_ends_and_nothing_else(
    make_home: Callable[[str], Home], seed: int, day_s: float
) -> None:
    day = TmuxDay(make_home("home"), seed)
    try:
        steady = _begin(day)
        _storm(day, steady, day_s)
        last = day.home.start(*CROWD)
        day.close()
        day.leave()
        _evening(day, steady)
        _check(day, last, make_home("fresh"))
    finally:
        day.release()
        day.leave()


def _begin(day: TmuxDay) -> list[Identity]:
    """Begin with a full house, a few of whom live through it all; give the processes of these."""
    daemon = day.home.start(*CROWD, is_measured=False)
    plans = [day.spawn("steady") for _ in range(STEADY)]
    for plan in plans:
        until(partial(day.home.mark, plan.session), "the agent has begun")
        day.home.reach(plan.session, "running")
    steady = list(day.home.processes())
    for _ in range(OPEN - STEADY):
        day.spawn_any()
    day.begin()
    daemon.kill()
    return steady


def _storm(day: TmuxDay, steady: list[Identity], day_s: float) -> None:
    chance = random.Random(~day.seed)
    until_s = time.monotonic() + day_s
    while time.monotonic() < until_s:
        daemon = day.home.begin(*CROWD, is_measured=False)
        wait_for_a_moment(daemon, chance, WORK_S)
        (daemon.stop if chance.random() < STOPS else daemon.kill)()
        assert not day.failures, day.failures
        assert all(map(is_alive, steady)), "an agent did not survive its daemon"
        assert len(day.home.tmux.servers()) == 1


def _evening(day: TmuxDay, steady: list[Identity]) -> None:
    """End what does not end by itself, and see that nobody has bothered the steady ones."""
    assert all(map(is_alive, steady))
    until(lambda: not list(Path(day.home.layout.inbox_new).iterdir()), "what was spooled is taken in")
    for plan in sorted(day.plans.values(), key=lambda plan: plan.kind == "hears"):  # they may wait for a place
        if plan.kind == "steady":
            assert day.home.mark(f"{plan.session}.touched") == []
        if (plan.kind == "hears" or not plan.ends_by_itself) and day.home.show(plan.session).ended_at is None:
            _hears_what_was_typed(day, plan)
            plan.sent.add("SIGKILL")
            plan.may_be_ended_by_user = True
            day.home.kill(plan.session)
    day.home.until_over()
    day.end(day.home.facts().sequence)


def _hears_what_was_typed(day: TmuxDay, plan: Plan) -> None:
    """Whatever was accepted is settled; what was typed is heard, also where it had to wait for that."""
    if not plan.sent:
        until(lambda: not day.home.record(plan.session).messages, f"{plan}: every message is settled")
        typed = [settled.receipt for settled in day.home.record(plan.session).settled].count(Receipt.TYPED)
        until(lambda: len(day.home.mark(f"{plan.session}.lines")) >= typed, f"{plan} hears {typed} lines")


def _check(day: TmuxDay, last: Daemon, fresh: Home) -> None:
    events = day.home.journal()
    truths.journal_is_gapless(events)
    truths.no_step_was_skipped(events)
    truths.each_generation_ended_once(events)
    truths.the_lane_held_its_limit(events, OPEN)
    truths.stamps_are_in_order(day.home)
    truths.journal_folds_to_the_records(day.home, events)
    truths.nothing_accepted_was_lost(day)
    truths.nothing_was_started_twice(day, events)
    truths.the_subscriber_saw_all_once(day, events)
    truths.nothing_is_in_quarantine(day.home)
    truths.no_process_is_left(day.home)
    _each_end_is_what_the_agent_wrote_down_or_was_sent(day, events)
    _each_log_is_whole(day)
    _nothing_was_typed_twice(day)
    day.release()
    _nothing_leaks(day.home, last, fresh)
    assert day.most >= OPEN // 2
    assert day.failures == []


def _each_end_is_what_the_agent_wrote_down_or_was_sent(day: TmuxDay, events: list[Event]) -> None:
    for event in events:
        if event.session and event.type is EventType.STATE_CHANGED and event.to in TERMINAL:
            plan = day.plans[event.session]
            written = _written(day.home, f"{plan.session}.end").get(f"{plan.session}:{event.generation}")
            recorded = event.exit_signal if event.exit_code is None else str(event.exit_code)
            where = f"{plan}: wrote {written}: {event}"
            assert recorded == written or recorded in plan.sent or _never_began(day.home, event), where
            if written is not None and not plan.sent:
                assert written == (plan.signal if plan.code is None else str(plan.code)), where
            _its_reason_fits(event, where, was_ended=bool(plan.sent))


def _never_began(home: Home, event: Event) -> bool:
    place = Path(home.layout.run_directory(str(event.session), event.generation or 0))
    return event.to == State.CANCELLED and not (place / "start.json").exists()


def _its_reason_fits(event: Event, where: str, *, was_ended: bool) -> None:
    if event.to == State.CANCELLED:
        assert was_ended, where
    elif event.exit_signal is not None:
        assert event.reason == Reason.SIGNAL, where
    else:
        assert event.reason == (Reason.EXIT_CODE if event.exit_code else Reason.EXITED), where


def _written(home: Home, name: str) -> dict[str, str]:
    """Give the last word that each run has left under a name."""
    pairs = (line.split() for line in home.mark(name))
    return {run.rpartition(":")[0]: word for run, word in pairs}


def _each_log_is_whole(day: TmuxDay) -> None:
    for plan in day.plans.values():
        log = Path(day.home.layout.log(plan.session))
        found = defaultdict[str, list[int]](list)
        for run, number in LINE.findall(log.read_bytes() if log.exists() else b""):
            found[run.decode()].append(int(number))
        for run, said in _written(day.home, f"{plan.session}.said").items():
            assert found[run] == list(range(1, len(found[run]) + 1)), f"{plan}: {run}"
            assert len(found[run]) >= int(said), f"{plan}: {run} said {said} lines, the log has {len(found[run])}"


def _nothing_was_typed_twice(day: TmuxDay) -> None:
    for session, receipts in day.typed.items():
        heard = day.home.mark(f"{session}.lines")
        typed = receipts.count(Receipt.TYPED)
        told = [tmux_day.text(number) for number in range(1, HEARD + 1)]
        assert heard == told[: len(heard)], f"{day.plans[session]}: {receipts}"
        assert len(heard) >= typed or day.plans[session].sent, f"{day.plans[session]}: {receipts}: {heard}"


def _nothing_leaks(home: Home, last: Daemon, fresh: Home) -> None:
    """A home with only ended sessions holds what one holds that never had more than one."""
    new = fresh.start(*CROWD)
    for each in (home, fresh):
        each.until_over(each.spawn(agents.ends_with(0), runtime="tmux"))
    until(lambda: home.tmux.sessions() == fresh.tmux.sessions() == [], "the servers have settled")

    truths.nothing_leaks(last, new)
    assert home.tmux.clients() == last.children()
    assert home.tmux.descriptors() == fresh.tmux.descriptors()
    assert len(list(home.tmux.processes())) == len(list(fresh.tmux.processes()))
