"""Laws of the machine, over random lives: what must hold whatever happens, in whatever order, with whatever clocks."""

import builtins
import socket
import time
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.goal import ENDING_FOR
from orchestrd.core.machine import TABLE
from orchestrd.core.step import step
from orchestrd.model.command import (
    Admitted,
    DuePassed,
    Input,
    Launched,
    LaunchFailed,
    Placed,
    Revive,
    Stop,
    Swept,
    Terminated,
)
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.instant import DueName
from orchestrd.model.limits import START_DEADLINE_S
from orchestrd.model.observation import Cause, ChangeTold, Exited, Observation, Sighted, Vanished
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING, TERMINAL, Authority, Ending, Liveness, Reason, State, Until
from tests.core import strategies
from tests.core.interpreter import SESSION, Interpreter, Taken, generations, spec
from tests.core.strategies import Script, completed, scripts

# Written by hand from the blueprint, not from the table under test: nothing in between may be skipped.
NEXT = {
    State.PENDING: {State.SCHEDULED, State.CANCELLED},
    State.SCHEDULED: {State.STARTING, State.CANCELLED},
    State.STARTING: {State.RUNNING, State.STOPPING, State.LOST, State.FAILED},
    State.RUNNING: {State.STOPPING, State.LOST, State.COMPLETED, State.FAILED},
    State.STOPPING: {State.STOPPING, State.LOST, State.COMPLETED, State.CANCELLED},
    State.LOST: {State.RUNNING, State.STOPPING, State.LOST, State.COMPLETED, State.FAILED, State.CANCELLED},
}
MAY_STAND = {(edge.target.state, edge.target.reason) for edge in TABLE}


def is_proof(input_: Input) -> bool:
    """Tell whether this input can prove that no process of a run lives."""
    match input_:
        case Exited(exit_code=None, exit_signal=None):
            return True
        case Exited(error=error):
            return error is None
        case Vanished(cause=cause):
            return cause is Cause.OTHER_BOOT
        case Swept(survivors=survivors, error=error):
            return not survivors and error is None
        case Terminated(nothing_runs=nothing_runs):
            return nothing_runs
        case _:
            return isinstance(input_, LaunchFailed)


def leaves_terminal(input_: Input) -> bool:
    return isinstance(input_, Revive) and input_.authority is Authority.USER


@given(scripts)
def test_the_same_arguments_give_the_same_outcome_and_stay_as_they_were(script: Script) -> None:
    for taken in script.live().history:
        arguments = (taken.before, taken.evidence, taken.input, taken.now)
        kept = msgspec.msgpack.encode(arguments)

        again = step(*arguments)

        assert again == taken.outcome
        assert msgspec.msgpack.encode(arguments) == kept


@given(scripts)
def test_a_decision_touches_neither_files_nor_network_nor_clocks(script: Script) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((builtins, "open"), (socket, "socket"), (time, "time"), (time, "monotonic")):
            patch.setattr(owner, name, None)

        life = script.live()

    assert life.history


arbitrary_sessions = st.builds(
    lambda life, fields, effects: replace(life.record, effects=tuple(effects), **fields),
    scripts.map(Script.live),
    st.fixed_dictionaries(
        {
            "state": st.sampled_from(State),
            "reason": st.sampled_from(Reason),
            "ending": st.none() | st.sampled_from(Ending),
            "liveness": st.sampled_from(Liveness),
            "started_at": st.none() | strategies.moment,
            "outlived": st.booleans(),
        }
    ),
    st.lists(
        st.builds(
            Effect,
            id=st.sampled_from(["1.1", "1.2"]),
            kind=st.sampled_from(EffectKind),
            generation=st.just(1),
            attempted=st.booleans(),
            message=st.none() | st.sampled_from("abc"),
        ),
        max_size=2,
    ),
)


@given(arbitrary_sessions, strategies.inputs, st.sampled_from(["1.1", "1.2"]))
def test_any_input_in_any_session_has_an_outcome_even_where_the_record_makes_no_sense(
    session: Session, input_: Input, effect: str
) -> None:
    life = Interpreter()
    if isinstance(input_, Launched | LaunchFailed | Terminated | Swept):
        input_ = replace(input_, effect=effect)

    outcome = step(session, life.evidence, completed(input_, session), life.now)

    assert outcome.session is not None
    where = (outcome.session.state, outcome.session.reason)
    assert where in MAY_STAND or where == (session.state, session.reason)
    assert msgspec.json.decode(msgspec.json.encode(outcome.session), type=Session) == outcome.session


@given(strategies.inputs)
def test_where_there_is_no_session_only_a_spawn_makes_one(input_: Input) -> None:
    life = Interpreter()

    outcome = step(None, life.evidence, input_, life.now)

    assert (outcome.session is not None) == (outcome.events != ())
    assert outcome.effects == ()


@given(scripts)
def test_an_ended_session_takes_in_nothing_but_the_users_revive(script: Script) -> None:
    for taken in script.live().history:
        is_of_change = isinstance(taken.input, ChangeTold)
        if taken.before and taken.before.is_terminal and is_of_change:
            assert replace(taken.after, change=None) == replace(taken.before, change=None)
            assert {event.type for event in taken.outcome.events} <= {EventType.CHANGE_CHANGED}
        elif taken.before and taken.before.is_terminal and not leaves_terminal(taken.input):
            assert taken.after == taken.before
            assert (taken.outcome.events, taken.outcome.effects) == ((), ())
            assert taken.outcome.evidence == taken.evidence


@given(scripts)
def test_only_the_user_leaves_an_end_and_begins_the_next_generation(script: Script) -> None:
    for taken in script.live().history:
        if taken.before and taken.before.is_terminal and taken.moves:
            assert leaves_terminal(taken.input)
            assert taken.after.generation == taken.before.generation + 1
            assert (taken.after.state, taken.after.reason) == (State.PENDING, Reason.REVIVED)
        elif taken.before:
            assert taken.after.generation == taken.before.generation


def _counts_as_often_as_it_comes(input_: Input) -> bool:
    return isinstance(input_, Sighted) and input_.verdict is Liveness.DEAD


@given(scripts, strategies.facts | strategies.results)
def test_a_fact_or_result_heard_twice_is_the_same_as_heard_once(script: Script, input_: Input) -> None:
    life = script.live()
    heard = completed(input_, life.record)
    if life.give(heard).moves:
        life.give(heard)  # a change of state is committed by itself: what follows from it (a goal met) comes next
    once = life.record

    again = life.give(heard)

    if not _counts_as_often_as_it_comes(heard):
        assert not again.is_commit
        assert life.record == once


@given(scripts, strategies.sightings | strategies.starts | strategies.proofs)
def test_a_stream_of_the_same_fact_comes_to_rest(script: Script, fact: Observation) -> None:
    life = script.live()
    for _ in range(16):  # longer than a word that was only heard is believed
        life.give(completed(fact, life.record))
        life.wait(5.0)
    at_rest = life.record

    for _ in range(8):
        life.give(completed(fact, life.record))
        life.wait(5.0)

    assert life.record == at_rest


@given(
    st.lists(
        st.tuples(st.sampled_from([Liveness.DEAD, Liveness.UNKNOWN]), st.floats(min_value=0, max_value=3)), max_size=9
    )
)
def test_before_the_start_deadline_nothing_ends_a_run_that_nobody_has_seen_and_after_it_a_kill_comes_first(
    samples: list[tuple[Liveness, float]],
) -> None:
    life = Interpreter()
    life.spawn()
    life.give(Placed())
    life.give(Admitted())
    left_s = START_DEADLINE_S
    for verdict, seconds in samples:
        life.give(Sighted(generation=1, observer="process", verdict=verdict))
        life.give(DuePassed(name=DueName.START))
        life.wait(seconds)
        left_s -= seconds
        assert [effect.kind for effect in life.record.effects] == [EffectKind.LAUNCH]

    life.wait(left_s + 0.001)
    killed = life.give(DuePassed(name=DueName.START))
    swept = life.give(Swept(effect=killed.outcome.effects[0].id, generation=1))

    assert killed.after.state is State.STARTING
    assert [effect.kind for effect in killed.outcome.effects] == [EffectKind.KILL]
    assert (swept.after.state, swept.after.reason) == (State.FAILED, Reason.START_TIMEOUT)


@given(scripts)
def test_an_event_of_an_axis_is_written_exactly_when_its_word_changes(script: Script) -> None:
    for taken in script.live().history:
        before, after = taken.before, taken.after
        types = [event.type for event in taken.outcome.events]
        if before is None or before.generation != after.generation:
            continue
        assert (EventType.STATE_CHANGED in types) == ((before.state, before.reason) != (after.state, after.reason))
        told = [event for event in taken.outcome.events if event.type is EventType.ACTIVITY_CHANGED]  # one a line heard
        assert [event.from_ for event in told] + [after.activity] == [before.activity] + [event.to for event in told]
        assert all(event.from_ != event.to for event in told)
        assert (EventType.LIVENESS_CHANGED in types) == (before.liveness is not after.liveness)


@given(scripts)
def test_an_outcome_changes_the_state_at_most_once_and_is_put_off_only_with_a_change(script: Script) -> None:
    for taken in script.live().history:
        assert len(taken.moves) <= 1
        assert taken.outcome.consumed or taken.moves


@given(scripts)
def test_every_state_has_a_reason_that_belongs_to_it(script: Script) -> None:
    for taken in script.live().history:
        assert (taken.after.state, taken.after.reason) in MAY_STAND


@given(scripts)
def test_a_generation_walks_from_pending_to_one_end_and_skips_no_step(script: Script) -> None:
    for moves in generations(script.live().events):
        path = [State(str(move.to)) for move in moves]
        reasons = [move.reason for move in moves]

        assert path[0] is State.PENDING
        assert all(after in NEXT.get(before, set()) for before, after in pairwise(path))
        assert [state for state in path if state in TERMINAL] == [state for state in path[-1:] if state in TERMINAL]
        if Reason.RECOVERED in reasons:
            assert reasons[reasons.index(Reason.RECOVERED) - 1] is Reason.CONTACT_LOST


@given(scripts)
def test_no_run_is_called_ended_without_proof(script: Script) -> None:
    for taken in script.live().history:
        if taken.before and taken.before.state in OCCUPYING and taken.after.is_terminal:
            is_held_back = taken.evidence.exit is not None  # a proof came before: its goal was to be decided first
            assert is_proof(taken.input) or is_held_back


@given(scripts)
def test_what_was_seen_alive_after_its_exit_was_recorded_is_not_ended_by_that_record(script: Script) -> None:
    for taken in script.live().history:
        if taken.before and taken.before.outlived and taken.after.is_terminal:
            assert not isinstance(taken.input, Exited)


@given(scripts)
def test_what_another_generation_did_changes_nothing(script: Script) -> None:
    for taken in script.live().history:
        generation = getattr(taken.input, "generation", None)
        if taken.before and generation not in (None, taken.before.generation):
            assert not taken.is_commit
            assert taken.outcome.evidence == taken.evidence


def drive_to_the_end(life: Interpreter) -> None:
    """Let every effect succeed and every deadline pass, until nothing is left to happen."""
    for _ in range(40):
        for effect in life.record.effects:
            if effect.kind is EffectKind.TERMINATE:
                life.give(Terminated(effect=effect.id, generation=effect.generation))
            elif effect.kind is EffectKind.KILL:
                life.give(Swept(effect=effect.id, generation=effect.generation))
        for due in life.record.dues:
            life.wait(due.wait_s(life.now))
            life.give(DuePassed(name=due.name))


@given(scripts)
def test_a_users_stop_ends_any_session_as_cancelled(script: Script) -> None:
    life = script.live()
    was_ended = life.record.is_terminal

    life.give(Stop(session=SESSION))
    drive_to_the_end(life)

    assert was_ended or life.record.state is State.CANCELLED


@given(scripts)
def test_a_session_that_is_being_ended_is_ended_once_the_kill_succeeds(script: Script) -> None:
    life = script.live()
    was_ending = life.record.ending is not None or life.record.state is State.STARTING

    drive_to_the_end(life)

    assert not was_ending or life.record.is_terminal


@given(scripts)
def test_a_refused_command_changes_nothing(script: Script) -> None:
    for taken in script.live().history:
        if taken.outcome.reply is not None and hasattr(taken.outcome.reply, "code"):
            assert not taken.is_commit
            assert taken.outcome.evidence == taken.evidence


@given(scripts)
def test_the_users_wish_is_changed_by_commands_only(script: Script) -> None:
    for taken in script.live().history:
        if taken.before and taken.before.desired is not taken.after.desired:
            assert hasattr(taken.input, "authority")


def goal_is_met(taken: Taken) -> bool:
    return any(move.reason is Reason.GOAL_MET for move in taken.moves)


@given(scripts)
def test_a_goal_that_is_met_ends_no_agent_at_work_and_none_with_something_left_to_say(script: Script) -> None:
    for taken in script.live().history:
        if goal_is_met(taken):
            assert taken.after.spec.until is not Until.EXIT
            assert taken.after.activity == "waiting" or taken.after.spec.until is Until.PR_MERGED
            assert taken.after.activity != "working" or taken.after.stuck_since is not None
            assert taken.after.messages == ()
            assert taken.after.ending in ENDING_FOR.values()


@given(scripts)
def test_what_is_verified_green_is_the_turn_that_was_over_last(script: Script) -> None:
    for taken in script.live().history:
        if any(move.reason is Reason.VERIFIED for move in taken.moves):
            assert taken.after.verification is not None
            assert taken.after.verification.is_proof
            assert taken.after.verification.generation == taken.after.generation
            assert taken.after.spec.verify is not None


@given(scripts)
def test_a_verification_that_is_under_way_is_of_an_agent_that_does_not_work(script: Script) -> None:
    for taken in script.live().history:
        if any(effect.kind is EffectKind.VERIFY for effect in taken.after.effects):
            assert taken.after.activity != "working" or taken.after.liveness is Liveness.DEAD
            assert taken.after.turn_over_at is not None
            assert taken.after.ending is None


def test_the_spec_of_a_session_never_changes() -> None:
    life = Script(Until.EXIT, strategies.OPENING).live()

    assert {taken.after.spec for taken in life.history} == {spec()}
