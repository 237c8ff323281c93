"""Reactions that merge, stop, revive, begin another session or run a command, step by step."""

from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.core.reaction import Kind, required
from orchestrd.model.change import Checks, Mergeable, Pr, Review
from orchestrd.model.command import CommandRun, Merged, SpawnedAnother
from orchestrd.model.effect import EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.limits import FAILED_ATTEMPTS_MIN, REVIVED_LASTS_S
from orchestrd.model.notice import Priority
from orchestrd.model.reaction import Act, Condition, Reaction
from orchestrd.model.words import Activity, Authority, Desired, Reason, State
from tests.changes import CHANGE
from tests.core.reacting import CI_FAILED, CLEARED, ESCALATED, FAILED, FIRED, READY, Reacting, red, types_of


def test_it_is_merged_only_as_it_was_seen_to_be_ready() -> None:
    life = Reacting(READY)
    life.told(review=Review.APPROVED)

    life.react()

    (effect,) = life.in_flight(EffectKind.MERGE)
    assert effect.merge is not None
    assert (effect.merge.head, effect.merge.number, effect.merge.branch, effect.merge.base) == (
        "c1",
        7,
        "orch/abcdefgh",
        "main",
    )
    assert effect.merge.when == required(READY)
    assert effect.merge.when.checks == (Checks.PASSING,)


@pytest.mark.parametrize(
    "news",
    [
        {"checks": Checks.PENDING},
        {"checks": Checks.UNKNOWN},
        {"checks": Checks.NONE},
        {"checks": Checks.FAILING},
        {"mergeable": Mergeable.UNKNOWN},
        {"mergeable": Mergeable.HELD_BACK},
        {"mergeable": Mergeable.CONFLICTING},
        {"pr": Pr.DRAFT},
        {"pr": Pr.UNKNOWN},
        {"head": None},
        {"review": Review.UNKNOWN},
    ],
)
def test_nothing_is_merged_that_is_not_known_to_be_ready(news: dict[str, Any]) -> None:
    life = Reacting(READY)
    life.told(**{"review": Review.APPROVED, **news})

    assert life.react() == []
    assert life.record.effects == ()


def test_a_merge_that_was_refused_is_parked_tried_again_and_handed_to_a_person() -> None:
    life = Reacting(READY)
    for _ in range(6):
        life.told(after_s=5_000.0, review=Review.APPROVED)
        life.react()
        for effect in life.in_flight(EffectKind.MERGE):
            life.give(Merged(effect=effect.id, is_merged=False, error="the base was modified"))

    assert types_of(life.events).count(FIRED) == FAILED_ATTEMPTS_MIN
    assert types_of(life.events).count(ESCALATED) == 1
    settled = [event for event in life.events if event.type is EventType.MERGE_SETTLED]
    assert {(event.source, event.to, event.text, event.error) for event in settled} == {
        ("ready", "refused", "c1", "the base was modified")
    }


@pytest.mark.parametrize(("is_merged", "word"), [(True, "merged"), (None, "unknown")])
def test_what_the_forge_tells_of_a_merge_is_taken_in(word: str, *, is_merged: bool | None) -> None:
    life = Reacting(READY)
    life.told(review=Review.APPROVED)
    life.react()
    change = replace(CHANGE, pr=Pr.MERGED) if is_merged else None

    life.give(Merged(effect=life.in_flight(EffectKind.MERGE)[0].id, is_merged=is_merged, change=change))

    assert (life.ledger.attempts, life.ledger.failures) == (1, 0)
    assert next(event.to for event in life.events if event.type is EventType.MERGE_SETTLED) == word
    assert life.record.change is not None
    assert (life.record.change.pr is Pr.MERGED) == bool(is_merged)


def test_a_session_is_stopped_once() -> None:
    life = Reacting(Reaction(name="old", when=Condition(age_s=3_600.0), act=Act.STOP))
    young = life.judged()
    life.wait(3_600.0)

    events = life.react()
    life.wait(100.0)

    assert (young.kind, young.again_in_s) == (Kind.NOTHING, 3_600.0)
    assert types_of(events) == [FIRED, EventType.STATE_CHANGED]
    assert (life.record.state, life.record.desired) == (State.STOPPING, Desired.STOPPED)
    assert events[1].authority is Authority.DAEMON
    assert events[1].source == life.reactions[0].name
    assert life.judged().why == "it was begun 1h1m40s ago, and it is ended already"


def test_what_fails_again_and_again_is_revived_within_its_budget_and_not_for_ever() -> None:
    reaction = Reaction(name="again", when=Condition(state=(State.FAILED,)), act=Act.REVIVE, attempts=3, every_s=600.0)
    life = Reacting(reaction)
    for _ in range(200):
        life.session = replace(
            life.record, state=State.FAILED, reason=Reason.EXIT_CODE, state_since=life.now.at, ended_at=life.now.at
        )
        life.looks()
        life.react()
        life.looks(after_s=50.0)  # it runs for a while, and is seen to
        life.react()
        life.looks()
        life.react()

    assert life.record.generation == 4
    assert types_of(life.events).count(ESCALATED) == 1


@pytest.mark.parametrize("every_s", [300.0, 2_400.0])
def test_what_fails_a_while_after_its_pause_each_time_is_not_revived_for_ever(every_s: float) -> None:
    failed = Condition(state=(State.FAILED,))
    life = Reacting(Reaction(name="again", when=failed, act=Act.REVIVE, attempts=2, every_s=every_s))
    for _ in range(50):
        life.session = replace(life.record, state=State.FAILED, reason=Reason.EXIT_CODE, state_since=life.now.at)
        life.looks()
        life.react()
        life.looks(after_s=every_s + 60.0)
        life.react()
        life.looks()
        life.react()

    assert life.record.generation == 3
    assert types_of(life.events).count(ESCALATED) == 1


def test_what_was_not_revived_yet_and_holds_no_more_is_over_with_the_next_looks() -> None:
    reaction = Reaction(name="again", when=Condition(state=(State.FAILED,)), act=Act.REVIVE, after_s=60.0)
    life = Reacting(reaction, state=State.FAILED, reason=Reason.SIGNAL)
    life.react()
    waited = life.record.episodes

    life.session = replace(life.record, state=State.RUNNING)
    for _ in range(2):
        life.looks()
        life.react()

    assert [episode.tries for episode in waited] == [0]
    assert life.record.episodes == ()


def test_a_session_that_runs_is_not_revived_and_one_that_lasts_has_a_new_budget() -> None:
    life = Reacting(Reaction(name="again", when=Condition(age_s=0.0), act=Act.REVIVE))
    failed = Reacting(Reaction(name="again", when=Condition(state=(State.FAILED,)), act=Act.REVIVE))
    failed.session = replace(failed.record, state=State.FAILED, reason=Reason.SIGNAL)
    failed.react()

    failed.wait(REVIVED_LASTS_S - 1.0)
    waits = failed.judged()
    failed.wait(2.0)

    assert life.judged().why.endswith("and it has not ended")
    assert waits.why == "it is pending; whether that lasts is not known yet"
    assert types_of(failed.react()) == [CLEARED]
    assert "again" in [event.source for event in failed.events if event.type is EventType.STATE_CHANGED]


def test_another_session_is_begun_and_a_command_run() -> None:
    when = Condition(checks=(Checks.FAILING,))
    life = red(Reaction(name="helper", when=when, act=Act.SPAWN, agent="codex", text="help {name}"))
    life.reactions = (*life.reactions, Reaction(name="tidy", when=when, act=Act.RUN, command="make tidy"))

    life.react()
    (spawn,), (run,) = life.in_flight(EffectKind.SPAWN), life.in_flight(EffectKind.RUN)
    life.give(SpawnedAnother(effect=spawn.id, error="too many"))
    life.give(CommandRun(effect=run.id, exit_code=2, output="no such target"))

    assert spawn.spawn is not None
    assert (spawn.spawn.agent, spawn.spawn.prompt, run.command) == ("codex", "help work", "make tidy")
    assert types_of(life.events)[-4:] == [EventType.SPAWNED_ANOTHER, FAILED, EventType.COMMAND_RUN, FAILED]
    assert [episode.error for episode in life.record.episodes] == ["too many", "it ended with exit code 2"]


def test_a_session_that_a_reaction_has_begun_begins_no_other() -> None:
    life = red(Reaction(name="helper", when=Condition(checks=(Checks.FAILING,)), act=Act.SPAWN))
    life.session = replace(life.record, spec=replace(life.record.spec, begun_by="helper"))

    assert life.react() == []
    assert life.judged().why == "its checks are failing, and a reaction has begun it, and it begins no other"


def test_another_session_has_the_same_agent_where_no_other_is_named() -> None:
    life = red(Reaction(name="helper", when=Condition(checks=(Checks.FAILING,)), act=Act.SPAWN))
    life.react()
    (effect,) = life.in_flight(EffectKind.SPAWN)

    life.give(SpawnedAnother(effect=effect.id, spawned=life.record.id))

    assert effect.spawn is not None
    assert effect.spawn.agent == "claude"
    assert (life.ledger.attempts, life.ledger.failures) == (1, 0)


@pytest.mark.parametrize("escalation", [Priority.URGENT, None])
def test_a_command_that_succeeded_is_no_trouble_to_anybody(escalation: Priority | None) -> None:
    when = Condition(checks=(Checks.FAILING,))
    life = red(Reaction(name="tidy", when=when, act=Act.RUN, command="make tidy", escalation=escalation))
    life.react()
    (effect,) = life.in_flight(EffectKind.RUN)

    life.give(CommandRun(effect=effect.id, exit_code=0, output="tidy"))
    life.told(after_s=1.0)
    soon = life.judged()
    life.told(after_s=3_600.0)

    assert (soon.kind, soon.why) == (Kind.SPENT, "its checks are failing; 1 of 1 attempts were made")
    assert life.react() == []
    assert life.in_flight(EffectKind.NOTIFY) == []


def test_of_a_command_that_fails_a_person_is_told_which_and_how() -> None:
    when = Condition(checks=(Checks.FAILING,))
    life = red(Reaction(name="tidy", when=when, act=Act.RUN, command="make {tidy}"))
    for _ in range(FAILED_ATTEMPTS_MIN):
        life.react()
        (effect,) = life.in_flight(EffectKind.RUN)
        life.give(CommandRun(effect=effect.id, exit_code=2, output="no such target"))
        life.told(after_s=10_000.0)

    life.react()

    (told,) = [effect.notice for effect in life.in_flight(EffectKind.NOTIFY)]
    assert told is not None
    assert "3 attempts to run 'make {tidy}' came to nothing: it ended with exit code 2" in told.text


def test_nobody_is_said_to_be_told_where_nobody_will_be() -> None:
    life = red(replace(CI_FAILED, attempts=1, escalation=None))
    life.react()
    life.types()
    life.looks(Activity.WAITING)
    life.told()

    assert life.judged().why == "its checks are failing; 1 of 1 attempts were made, and nobody is told"


def test_a_command_that_a_daemon_left_half_run_is_not_run_again() -> None:
    life = red(Reaction(name="tidy", when=Condition(checks=(Checks.FAILING,)), act=Act.RUN, command="make tidy"))
    life.react()
    (effect,) = life.in_flight(EffectKind.RUN)
    life.session = replace(life.record, effects=(replace(effect, attempted=True),))

    life.restart()

    (over,) = [event for event in life.events if event.type is EventType.COMMAND_RUN]
    assert (over.exit_code, over.error) == (None, "the daemon ended while it was running")
    assert (life.ledger.attempts, life.ledger.failures, life.record.effects) == (1, 0, ())
