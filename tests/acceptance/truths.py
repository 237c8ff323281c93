"""What must be true of a home after its day, whatever happened to its daemons; each function asserts one truth."""

import time
from collections import Counter, defaultdict
from pathlib import Path

from orchestrd.model.event import Event, EventType
from orchestrd.model.limits import MAX_RUNNING
from orchestrd.model.words import OCCUPYING, TERMINAL, Reason, Receipt, State
from orchestrd.testing.history import fold, standing_of
from tests.acceptance.daemon import Daemon, Home
from tests.acceptance.day import Day, Plan
from tests.acceptance.processes import LOOK_S

CLOSE_S = 5.0  # after which a daemon has noticed that its clients have gone


def journal_is_gapless(events: list[Event]) -> None:
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))


def journal_folds_to_the_records(home: Home, events: list[Event]) -> None:
    told: defaultdict[str | None, list[Event]] = defaultdict(list)
    for event in events:
        told[event.session].append(event)
    for session, record in home.records().items():
        assert fold(told[session]) == standing_of(record), f"{session}: {told[session]}"
        revisions = [event.revision for event in told[session] if event.type is not EventType.COMMAND_REJECTED]
        assert revisions == sorted(revisions, key=lambda revision: revision or 0)


def each_generation_ended_once(events: list[Event]) -> None:
    ends = Counter(
        (event.session, event.generation)
        for event in events
        if event.type is EventType.STATE_CHANGED and event.to in TERMINAL
    )
    begun = {(event.session, event.generation) for event in events if event.type is EventType.STATE_CHANGED}

    assert ends == Counter(begun)


def no_step_was_skipped(events: list[Event]) -> None:
    """Every change of state begins where the one before it ended."""
    states: dict[tuple[str | None, int | None], str | None] = {}
    for event in events:
        if event.type is EventType.STATE_CHANGED:
            key = (event.session, event.generation)
            before = states.get(key, states.get((event.session, (event.generation or 1) - 1)))
            assert event.from_ == before, event
            states[key] = event.to


def the_lane_held_its_limit(events: list[Event], limit: int = MAX_RUNNING) -> None:
    occupying: set[str | None] = set()
    for event in events:
        if event.type is EventType.STATE_CHANGED:
            (occupying.add if event.to in OCCUPYING else occupying.discard)(event.session)
            assert len(occupying) <= limit, event


def stamps_are_in_order(home: Home) -> None:
    for record in home.records().values():
        stamps = (record.scheduled_at, record.started_at, record.ended_at)
        known = [record.created_at, *(stamp for stamp in stamps if stamp)]
        assert known == sorted(known), record
        assert record.ended_at, record


def nothing_accepted_was_lost(day: Day) -> None:
    records = day.home.records()
    for plan in day.plans.values():
        record = records[plan.session]
        assert record.generation >= plan.generations, plan
        assert record.revision >= day.revisions.get(plan.session, 0), plan
        assert not record.messages, plan
        assert not record.effects, plan


def each_ended_as_planned(day: Day) -> None:
    records = day.home.records()
    for plan in day.plans.values():
        record = records[plan.session]
        _ended_as_planned(plan, record.state, record.reason, record.exit_code, record.exit_signal)
        _heard_as_told(day.home, plan)


def _ended_as_planned(plan: Plan, state: State, reason: Reason, code: int | None, signal: str | None) -> None:
    if plan.ends_by_itself:
        assert (code, signal) == (plan.code, plan.signal), plan
        expected = Reason.SIGNAL if signal else Reason.EXIT_CODE if code else Reason.EXITED
        assert reason is expected, (plan, reason)
    elif plan.ended_by_user:
        assert state is State.CANCELLED, (plan, state, reason)
    elif plan.kind == "asks":
        assert (state, code) in ((State.COMPLETED, 0), (State.CANCELLED, code)), (plan, state, code)
    else:
        assert state is State.CANCELLED, (plan, state, reason)


def _heard_as_told(home: Home, plan: Plan) -> None:
    """What must happen once happened once at most; and where we were told that it did, it did."""
    heard = home.mark(f"{plan.session}.heard")
    assert len(heard) <= 1, plan
    if plan.receipt in (Receipt.SUBMITTED, Receipt.TYPED):
        assert heard == ["go"], plan


def nothing_was_started_twice(day: Day, events: list[Event]) -> None:
    started = {
        (event.session, event.generation)
        for event in events
        if event.type is EventType.STATE_CHANGED and event.to == State.RUNNING
    }
    for plan in day.plans.values():
        marks = [tuple(line.split(":")[:2]) for line in day.home.mark(plan.session)]
        generations = Counter(int(generation) for _, generation in marks)
        assert all(count == 1 for count in generations.values()), f"{plan}: {marks}"
        for generation in range(1, day.home.record(plan.session).generation + 1):
            place = Path(day.home.layout.run_directory(plan.session, generation))
            is_left_alone = plan.ends_by_itself and not plan.may_be_ended_by_user
            if (plan.session, generation) in started and is_left_alone:
                assert generations[generation] == 1, f"{plan}: generation {generation} has left no mark"
            if not (place / "start.json").exists():
                assert generations[generation] == 0, f"{plan}: generation {generation} ran without a start record"


def no_process_is_left(home: Home) -> None:
    left = list(home.processes())

    assert left == []


def nothing_is_in_quarantine(home: Home) -> None:
    assert home.quarantined() == []
    assert home.facts().rejected == 0


def the_subscriber_saw_all_once(day: Day, events: list[Event]) -> None:
    """Whoever read the journal a moment earlier or later knows less or more of what came of the last end."""
    assert [event.sequence for event in day.seen] == list(range(1, len(day.seen) + 1))
    assert all(seen == told for seen, told in zip(day.seen, events, strict=False))


def nothing_leaks(daemon: Daemon, fresh: Daemon) -> None:
    """A daemon with only ended sessions holds what one holds that never had any, or few."""
    deadline = time.monotonic() + CLOSE_S
    while daemon.descriptors() != fresh.descriptors() and time.monotonic() < deadline:
        time.sleep(LOOK_S)

    assert daemon.descriptors() == fresh.descriptors()
    assert len(daemon.children()) == len(fresh.children())
