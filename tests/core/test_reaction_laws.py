"""Laws of reactions, over random lives: budgets, escalations and silence, whatever forges, agents and daemons do."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.episode import episode_of
from orchestrd.core.reaction import Kind, judge, required
from orchestrd.core.step import step
from orchestrd.model.change import Checks, Mergeable, Pr, Remark, Review
from orchestrd.model.command import CommandRun, Input, Merged, Notified, React, Revive, SpawnedAnother, Stop
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import Event, EventType
from orchestrd.model.limits import ATTEMPT_PAUSE_S, FAILED_ATTEMPTS_MIN
from orchestrd.model.notice import Priority
from orchestrd.model.observation import ChangeTold, Evidence, Exited
from orchestrd.model.reaction import Act, Condition, Episode, Reaction, Refusal, Seen
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, Receipt, State
from tests.changes import CHANGE
from tests.core.interpreter import Taken
from tests.core.reacting import CLEARED, ESCALATED, FAILED, FIRED, NOON, Reacting, holds, types_of
from tests.core.test_condition import ALL_SEEN, sessions, words

RED = Condition(checks=(Checks.FAILING,))
BLOCKED = Condition(activity=(Activity.BLOCKED,))
REACTIONS = {
    reaction.name: reaction
    for reaction in (
        Reaction(name="ci", when=RED, act=Act.SEND, attempts=2, every_s=60.0, rounds=3, escalate_after_s=4_000.0),
        Reaction(name="said", when=Condition(remarks=True), act=Act.SEND, every_s=60.0),
        Reaction(name="needed", when=BLOCKED, act=Act.NOTIFY, priority=Priority.URGENT, every_s=60.0),
        Reaction(name="ready", when=Condition(review=(Review.APPROVED,)), act=Act.MERGE, attempts=2, every_s=60.0),
        Reaction(name="tidy", when=RED, act=Act.RUN, command="true", after_s=30.0, every_s=60.0),
        Reaction(name="again", when=Condition(state=(State.FAILED,)), act=Act.REVIVE, attempts=2),
    )
}

Happens = Callable[[Reacting], Any]


def _of_notices(life: Reacting, reached: tuple[str, ...], error: str | None) -> None:
    for effect in life.in_flight(EffectKind.NOTIFY)[:1]:
        life.give(Notified(effect=effect.id, reached=reached, error=error))


def _of_merges(life: Reacting, is_merged: bool | None, refusal: Refusal | None = None) -> None:  # noqa: FBT001 - one of three answers
    for effect in life.in_flight(EffectKind.MERGE):
        error = None if is_merged else "not now"
        life.give(Merged(effect=effect.id, is_merged=is_merged, error=error, refusal=refusal))


def _of_commands(life: Reacting, exit_code: int | None) -> None:
    for effect in life.in_flight(EffectKind.RUN):
        life.give(CommandRun(effect=effect.id, exit_code=exit_code))
    for effect in life.in_flight(EffectKind.SPAWN):
        life.give(SpawnedAnother(effect=effect.id))


def _exits(life: Reacting, exit_code: int) -> None:
    generation = life.record.generation
    life.give(Exited(generation=generation, observer="process", exit_code=exit_code, exit_signal=None, at=life.now.at))


news = st.fixed_dictionaries(
    {},
    optional={
        "checks": st.sampled_from(Checks),
        "review": st.sampled_from(Review),
        "mergeable": st.sampled_from(Mergeable),
        "pr": st.sampled_from([Pr.OPEN, Pr.OPEN, Pr.DRAFT, Pr.UNKNOWN, Pr.NONE, Pr.CLOSED]),
        "head": st.sampled_from(["c1", "c2", "c3", None]),
        "remarks": st.sets(st.sampled_from("abcd")).map(
            lambda ids: tuple(Remark(id=name, author="ann", text=name) for name in sorted(ids))
        )
        | st.none(),
    },
)
happenings: st.SearchStrategy[Happens] = st.one_of(
    st.builds(lambda facts, s: lambda life: life.told(after_s=s, **facts), news, st.sampled_from([15.0, 45.0, 300.0])),
    st.builds(lambda checks: lambda life: life.told(checks=checks), st.sampled_from(Checks)),
    st.builds(lambda activity: lambda life: life.looks(activity), st.sampled_from(Activity)),
    st.builds(lambda receipt: lambda life: life.types(receipt), st.sampled_from(Receipt)),
    st.builds(
        lambda reached, error: lambda life: _of_notices(life, reached, error),
        st.sampled_from([(), ("phone",)]),
        st.sampled_from([None, "no answer"]),
    ),
    st.builds(lambda is_merged: lambda life: _of_merges(life, is_merged), st.sampled_from([True, False, None])),
    st.builds(lambda code: lambda life: _of_commands(life, code), st.sampled_from([0, 1, None])),
    st.builds(lambda seconds: lambda life: life.wait(seconds), st.sampled_from([1.0, 60.0, 700.0, 90_000.0])),
    st.just(lambda life: life.restart()),
    st.just(lambda life: life.jump(86_400.0)),
    st.builds(lambda code: lambda life: _exits(life, code), st.sampled_from([0, 1])),
    st.just(lambda life: life.give(Stop(session=life.record.id))),
    st.just(lambda life: life.give(Revive(session=life.record.id))),
    st.just(lambda life: setattr(life, "session", replace(life.record, state=State.RUNNING, ending=None, dues=()))),
)
READY_TO_MERGE = {"checks": Checks.PASSING, "review": Review.APPROVED, "mergeable": Mergeable.CLEAN, "pr": Pr.OPEN}


def _told(after_s: float, **facts: Any) -> Happens:
    return lambda life: life.told(after_s=after_s, **facts)


def _looks(activity: Activity) -> Happens:
    return lambda life: life.looks(activity)


def _types(receipt: Receipt) -> Happens:
    return lambda life: life.types(receipt)


# What hangs together, and chance would hardly ever put together.
MOTIFS: tuple[tuple[Happens, ...], ...] = (
    (_looks(Activity.WAITING), _told(45.0, pr=Pr.OPEN, checks=Checks.FAILING), _types(Receipt.SUBMITTED)),
    (_looks(Activity.WAITING), _told(700.0, checks=Checks.FAILING), _types(Receipt.REFUSED)),
    (_told(60.0, head="c2", checks=Checks.FAILING), _looks(Activity.WAITING), _types(Receipt.SUBMITTED)),
    (_told(60.0, head="c3", checks=Checks.FAILING), _looks(Activity.BLOCKED)),
    (_told(15.0, checks=Checks.PASSING), _told(15.0)),
    (_looks(Activity.BLOCKED), lambda life: _of_notices(life, ("phone",), None)),
    (_looks(Activity.WORKING), _looks(Activity.WORKING)),
    (_told(45.0, head="c1", **READY_TO_MERGE), lambda life: _of_merges(life, False)),
    (_told(700.0, head="c1", **READY_TO_MERGE), lambda life: _of_merges(life, None)),
    (_told(700.0, head="c2", **READY_TO_MERGE), lambda life: _of_merges(life, False, Refusal.RULE)),
    (lambda life: _exits(life, 1), lambda life: life.wait(700.0), lambda life: life.looks()),
    (lambda life: setattr(life, "session", replace(life.record, state=State.RUNNING, ending=None, dues=())),),
    (lambda life: life.restart(), _looks(Activity.WAITING), _told(45.0)),
)
histories: st.SearchStrategy[list[Happens]] = st.lists(
    st.sampled_from(MOTIFS) | st.sampled_from(MOTIFS) | happenings.map(lambda one: (one,)), min_size=4, max_size=25
).map(lambda parts: [happens for part in parts for happens in part])


def _lived(history: list[Happens]) -> Reacting:
    life = Reacting(*REACTIONS.values())
    for happens in history:
        happens(life)
        life.react()
    return life


def _reacted(life: Reacting) -> list[tuple[Taken, React]]:
    return [(taken, taken.input) for taken in life.history if isinstance(taken.input, React) and taken.before]


def _of(life: Reacting, name: str) -> list[Event]:
    ours = (FIRED, FAILED, ESCALATED, CLEARED)
    return [event for event in life.events if event.source == name and event.type in ours]


@given(histories)
def test_no_two_attempts_have_one_name_and_none_is_made_twice(history: list[Happens]) -> None:
    life = _lived(history)

    names = Counter(event.message for event in life.events if event.type is FIRED)

    assert set(names.values()) <= {1}
    queued = Counter(event.message for event in life.events if event.type is EventType.MESSAGE_QUEUED)
    assert set(queued.values()) <= {1}


@given(histories)
def test_no_ledger_ever_says_more_than_its_budget_allows(history: list[Happens]) -> None:
    for taken in _lived(history).history:
        for episode in taken.after.episodes:
            reaction = REACTIONS[episode.reaction]
            assert 0 <= episode.attempts <= reaction.attempts
            assert 0 <= episode.failures <= max(reaction.attempts, FAILED_ATTEMPTS_MIN)
            assert 1 <= episode.round <= reaction.rounds + 1
            assert episode.round <= reaction.rounds or episode.attempts == 0


@given(histories)
def test_a_person_is_told_of_an_episode_once_at_most(history: list[Happens]) -> None:
    life = _lived(history)

    for name in REACTIONS:
        told = 0
        for event in _of(life, name):
            told = 0 if event.type is CLEARED else told + (event.type is ESCALATED)
            assert told <= 1


@given(histories)
def test_what_is_done_rests_on_what_is_known_since_the_daemon_started(history: list[Happens]) -> None:
    for taken, react in _reacted(_lived(history)):
        assert taken.before is not None
        verdict = holds(required(react.reaction), taken.before, react.seen, taken.now)
        types = set(types_of(list(taken.outcome.events)))
        if types & {FIRED, ESCALATED}:
            assert verdict is True
        if CLEARED in types:
            assert verdict is False
        if verdict is None:
            assert not taken.is_commit


@given(histories)
def test_nothing_is_said_into_a_dialog_a_limit_or_an_end(history: list[Happens]) -> None:
    for taken, react in _reacted(_lived(history)):
        if react.reaction.act is Act.SEND and FIRED in types_of(list(taken.outcome.events)):
            assert taken.before is not None
            assert taken.before.state is State.RUNNING
            assert taken.before.ending is None
            assert taken.before.activity not in (Activity.BLOCKED, Activity.LIMITED)


@given(histories)
def test_between_two_attempts_of_an_episode_there_is_time_and_something_new_was_seen(history: list[Happens]) -> None:
    for taken, react in _reacted(_lived(history)):
        assert taken.before is not None
        before = next((one for one in taken.before.episodes if one.reaction == react.reaction.name), None)
        if FIRED not in types_of(list(taken.outcome.events)) or before is None or before.tried_at is None:
            continue
        assert taken.now.since_s(before.tried_at) >= ATTEMPT_PAUSE_S
        if react.reaction.when.checks:
            assert react.seen.change_at is not None
            assert react.seen.change_at > before.tried_at.at


@given(histories)
def test_no_commit_is_merged_that_was_not_seen_to_be_ready_since_the_start(history: list[Happens]) -> None:
    for taken, react in _reacted(_lived(history)):
        for effect in taken.outcome.effects:
            if effect.kind is EffectKind.MERGE:
                assert taken.before is not None
                assert effect.merge is not None
                change = taken.before.change
                assert change is not None
                assert react.seen.change_at is not None
                assert (effect.merge.head, change.pr, change.checks) == (change.head, Pr.OPEN, Checks.PASSING)
                assert (change.review, change.mergeable) == (Review.APPROVED, Mergeable.CLEAN)


@given(histories)
def test_what_was_refused_for_good_is_not_ordered_again_for_that_commit(history: list[Happens]) -> None:
    for taken, react in _reacted(_lived(history)):
        assert taken.before is not None
        before, after = (episode_of(one, react.reaction.name) for one in (taken.before, taken.after))
        if FIRED in types_of(list(taken.outcome.events)) and before is not None and before.refused is not None:
            assert after is not None
            assert after.key != before.key


@given(histories)
def test_a_restart_forgets_nothing_and_repeats_nothing(history: list[Happens]) -> None:
    life = _lived(history)
    life.restart()
    ledger, given_out = life.record.episodes, len(life.given_out)

    events = life.react()

    by_state = {name for name, reaction in REACTIONS.items() if reaction.when.state}  # that stands in the record itself
    assert {event.source for event in events if event.type is FIRED} <= by_state
    assert {one for one in ledger if one.reaction not in by_state} <= set(life.record.episodes)
    assert len(life.given_out) == given_out


@given(histories)
def test_a_react_changes_the_record_exactly_when_it_is_due_and_that_comes_to_rest(history: list[Happens]) -> None:
    life = _lived(history)

    for reaction in REACTIONS.values():
        for _ in range(3):
            is_due = judge(reaction, life.record, life.seen, life.now).is_due
            ledger = life.record.episodes
            life.give(React(reaction=reaction, seen=life.seen))
            assert (life.record.episodes != ledger) == is_due

        assert not judge(reaction, life.record, life.seen, life.now).is_due


@given(
    st.integers(1, 5),
    st.sampled_from([1.0, 60.0, 600.0]),
    st.sampled_from([1.0, 2.0, 3.0]),
    st.sampled_from([5.0, 15.0, 40.0]),
)
def test_what_lasts_is_tried_exactly_as_often_as_it_may_be_then_a_person_is_told(
    attempts: int, every_s: float, backoff: float, look_s: float
) -> None:
    reaction = Reaction(name="ci", when=RED, act=Act.SEND, attempts=attempts, every_s=every_s, backoff=backoff)
    life = Reacting(reaction)
    life.looks(Activity.WAITING)
    at, pause_s = [], max(every_s, ATTEMPT_PAUSE_S)
    for _ in range(attempts + 1):
        life.told(after_s=look_s, checks=Checks.FAILING)
        at += [life.now.up_s for event in life.react() if event.type in (FIRED, ESCALATED)]
        life.types()
        life.looks(Activity.WAITING, after_s=1.0)
        life.told(after_s=max(0.0, pause_s - look_s - 2.0))
        assert life.react() == []
        life.restart()
        life.looks(Activity.WAITING, after_s=2.0)
        pause_s = max(every_s * backoff ** len(at), ATTEMPT_PAUSE_S)

    life.told(after_s=1_000_000.0)
    last = life.react()

    assert types_of([event for event in life.events if event.source == "ci"]) == [*[FIRED] * attempts, ESCALATED]
    assert last == []
    assert len(at) == attempts + 1


@given(st.lists(st.sampled_from([Checks.FAILING, Checks.PASSING, Checks.PENDING, Checks.UNKNOWN]), max_size=60))
def test_what_flaps_is_never_told_more_often_than_its_budget_allows(flaps: list[Checks]) -> None:
    life = Reacting(Reaction(name="ci", when=RED, act=Act.SEND, attempts=2, every_s=60.0))
    life.looks(Activity.WAITING)
    clear = 0
    for checks in flaps:
        clear = clear + (checks is Checks.PASSING) if checks is not Checks.FAILING else 0
        if clear == 2:  # that would be an end
            clear, checks = 0, Checks.FAILING  # noqa: PLW2901 - what the forge tells in its place
        life.told(after_s=200.0, checks=checks)
        life.react()
        life.types()
        life.looks(Activity.WAITING)

    fired = types_of(life.events)
    assert fired.count(FIRED) <= 2
    assert fired.count(ESCALATED) <= 1
    assert CLEARED not in fired


@given(st.lists(st.sampled_from(["c1", "c2", "c3", "c4", "c5", "c6"]), max_size=40), st.integers(1, 4))
def test_each_new_commit_has_a_budget_of_its_own_for_as_many_rounds_as_there_may_be(
    heads: list[str], rounds: int
) -> None:
    life = Reacting(Reaction(name="ci", when=RED, act=Act.SEND, rounds=rounds))
    life.looks(Activity.WAITING)
    pushes = 0
    for number, head in enumerate(heads):
        pushes += not number or head != heads[number - 1]
        life.told(after_s=60.0, checks=Checks.FAILING, head=head)
        life.react()
        life.types()
        life.looks(Activity.WAITING)

    assert types_of(life.events).count(FIRED) == min(pushes, rounds)


@given(words, sessions, st.sampled_from(Act), st.booleans())
def test_any_reaction_to_any_session_is_judged_and_says_why(
    asked: dict[str, Any],
    session: Session,
    act: Act,
    all_seen: bool,  # noqa: FBT001 - drawn
) -> None:
    reaction = Reaction(name="any", when=Condition(**asked), act=act)

    judgement = judge(reaction, session, ALL_SEEN if all_seen else Seen(), NOON)

    assert judgement.why
    assert judgement.kind in Kind
    assert (judgement.episode is not None) or judgement.kind in (Kind.NOTHING, Kind.UNKNOWN, Kind.END)
    assert judgement.again_in_s is None or judgement.again_in_s >= 0


@given(histories)
def test_a_message_that_was_taken_back_or_settled_is_no_attempt_under_way(history: list[Happens]) -> None:
    life = _lived(history)

    waiting = {message.id for message in life.record.messages} | {effect.id for effect in life.record.effects}

    dangling = [
        episode
        for episode in life.record.episodes
        if episode.in_flight is not None and episode.in_flight not in waiting
    ]
    assert all(REACTIONS[episode.reaction].act is Act.RUN for episode in dangling)  # called off with its run


inputs_of_reactions = st.one_of(
    st.builds(
        lambda asked, act, all_seen: React(
            reaction=Reaction(name="any", when=Condition(**asked), act=act, escalate_after_s=0.0, command="true"),
            seen=ALL_SEEN if all_seen else Seen(),
        ),
        words,
        st.sampled_from(Act),
        st.booleans(),
    ),
    st.builds(Notified, effect=st.just("1.1"), reached=st.sampled_from([(), ("phone",)]), is_over=st.booleans()),
    st.builds(Merged, effect=st.just("1.1"), is_merged=st.sampled_from([True, False, None]), change=st.just(CHANGE)),
    st.builds(SpawnedAnother, effect=st.just("1.1"), error=st.none() | st.just("no")),
    st.builds(CommandRun, effect=st.just("1.1"), exit_code=st.sampled_from([None, 0, 1])),
    st.just(ChangeTold(change=CHANGE)),
)
effects = st.lists(
    st.builds(
        Effect,
        id=st.sampled_from(["1.1", "1.2"]),
        kind=st.sampled_from(EffectKind),
        generation=st.just(1),
        attempted=st.booleans(),
        reaction=st.sampled_from([None, "any"]),
    ),
    max_size=2,
).map(tuple)
ledgers = st.lists(
    st.builds(
        Episode,
        reaction=st.sampled_from(["any", "other"]),
        key=st.sampled_from(["c1", "1", "1/?", "remarks/a.b", ""]),
        since=st.just(NOON),
        attempts=st.integers(0, 3),
        tries=st.integers(0, 3),
        failures=st.integers(0, 5),
        in_flight=st.sampled_from([None, "1.1", "gone"]),
        tried_at=st.sampled_from([None, NOON]),
        is_escalated=st.booleans(),
        cleared_at=st.sampled_from([None, NOON.at]),
    ),
    max_size=2,
).map(tuple)


@given(sessions, effects, ledgers, inputs_of_reactions)
def test_whatever_a_record_says_each_input_of_a_reaction_has_an_outcome_that_can_be_written(
    session: Session, in_flight: tuple[Effect, ...], ledger: tuple[Episode, ...], input_: Input
) -> None:
    session = replace(session, effects=in_flight, episodes=ledger)

    outcome = step(session, Evidence(), input_, NOON)

    assert outcome.session is not None
    assert msgspec.json.decode(msgspec.json.encode(outcome.session), type=Session) == outcome.session
