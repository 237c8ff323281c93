"""Laws of what is remembered: events give the record, nothing accepted is lost, a restart strengthens nothing."""

from collections import Counter
from dataclasses import dataclass

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.restart import owed_after_restart
from orchestrd.model.command import Attempted, DuePassed, Result, Swept
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.instant import DueName
from orchestrd.model.limits import MESSAGES_MAX, SETTLED_MAX
from orchestrd.model.observation import Sighted
from orchestrd.model.session import Message, Session
from orchestrd.model.words import Activity, Liveness, State, Until
from orchestrd.testing.history import fold, standing_of
from tests.core import strategies
from tests.core.interpreter import Interpreter, Taken
from tests.core.strategies import Happening, Script, Upset, scripts


@given(scripts)
def test_the_fold_of_the_events_is_the_record_after_every_commit(script: Script) -> None:
    life = script.live()

    standing = None
    for taken in life.history:
        standing = fold(taken.outcome.events, standing)
        assert standing == standing_of(taken.after)
    assert fold(life.events) == standing_of(life.record)


@given(scripts)
def test_every_event_bears_the_revision_of_its_commit_and_the_time_it_was_decided(script: Script) -> None:
    for taken in script.live().history:
        for event in taken.outcome.events:
            assert event.revision == taken.after.revision + 1
            assert (event.at, event.sequence) == (taken.now.at, 0)
            assert (event.session, event.generation) == (taken.after.id, taken.after.generation)


@given(scripts)
def test_each_step_on_the_way_has_its_time_stamp_and_they_never_run_backwards(script: Script) -> None:
    for taken in script.live().history:
        session = taken.after
        stamps = [session.created_at, session.scheduled_at, session.started_at, session.ended_at]
        given_stamps = [stamp for stamp in stamps if stamp is not None]

        assert given_stamps == sorted(given_stamps)
        assert (session.ended_at is not None) == session.is_terminal
        assert (session.scheduled_at is None) == (
            session.state is State.PENDING or (session.is_terminal and session.scheduled_at is None)
        )
        if session.state is State.RUNNING:
            assert session.started_at is not None


@given(scripts)
def test_every_accepted_message_is_either_outstanding_or_settled_and_settled_once(script: Script) -> None:
    life = script.live()
    accepted: list[str] = []
    settled: list[str] = []
    for taken in life.history:
        accepted += [str(e.message) for e in taken.outcome.events if e.type is EventType.MESSAGE_QUEUED]
        settled += [str(e.message) for e in taken.outcome.events if e.type is EventType.MESSAGE_SETTLED]

        outstanding = [message.id for message in taken.after.messages]
        assert Counter(accepted) == Counter(settled) + Counter(outstanding)
        assert outstanding == [name for name in accepted if name not in settled]
        assert len(outstanding) <= MESSAGES_MAX
        assert len(taken.after.settled) <= SETTLED_MAX
        assert set(Counter(accepted).values()) <= {1}


def is_safe(session: Session, message: Message) -> bool:
    """Tell by the words of the design, not by the code under test, whether typing may begin."""
    in_turn = {Activity.WAITING} if message.awaits_turn else {Activity.WAITING, Activity.UNKNOWN}
    return session.state is State.RUNNING and session.activity in in_turn


@given(scripts)
def test_nothing_is_typed_while_the_agent_works_or_is_blocked_or_ends(script: Script) -> None:
    for taken in script.live().history:
        session = taken.after
        waiting = {message.id: message for message in session.messages}
        deliveries = [effect for effect in session.effects if effect.kind is EffectKind.DELIVER]

        assert len(deliveries) <= 1
        for effect in deliveries:
            assert effect.message == session.messages[0].id, "in the order of acceptance"
            assert effect.attempted or is_safe(session, waiting[str(effect.message)])


@given(scripts)
def test_no_message_is_begun_to_be_typed_twice(script: Script) -> None:
    begun = Counter(
        effect.message
        for taken in script.live().history
        for effect in taken.after.effects
        if effect.attempted and isinstance(taken.input, Attempted) and taken.input.effect == effect.id
        if taken.before and effect not in taken.before.effects
    )

    assert set(begun.values()) <= {1}


def gone(taken: Taken) -> set[str]:
    before = taken.before.effects if taken.before else ()
    intended = {effect.id for effect in (*before, *taken.outcome.effects)}
    return intended - {effect.id for effect in taken.after.effects}


@given(scripts)
def test_an_effect_stays_in_the_record_until_its_result_is_in_or_the_run_has_ended(script: Script) -> None:
    for taken in script.live().history:
        known = {effect.id: effect for effect in (taken.before.effects if taken.before else ())}
        assert {effect.id for effect in taken.after.effects} <= known.keys() | {e.id for e in taken.outcome.effects}
        assert set(taken.outcome.effects) <= set(taken.after.effects)
        for name in gone(taken):
            is_for_later = known[name].kind in (EffectKind.DELIVER, EffectKind.ANSWER)  # or asked no more
            is_held_back = is_for_later and not known[name].attempted
            is_of_the_last_turn = known[name].kind is EffectKind.VERIFY  # its agent works again
            has_result = isinstance(taken.input, Result) and taken.input.effect == name
            assert taken.after.is_terminal or is_held_back or is_of_the_last_turn or has_result


@given(scripts)
def test_no_two_effects_of_a_session_share_an_id(script: Script) -> None:
    names = [effect.id for effect in script.live().given_out]

    assert len(names) == len(set(names))


@given(scripts)
def test_an_ended_session_has_nothing_left_to_do(script: Script) -> None:
    for taken in script.live().history:
        session = taken.after
        if session.is_terminal:
            assert (session.dues, session.effects, session.messages, session.ending) == ((), (), (), None)
            assert (session.liveness, session.activity) == (Liveness.DEAD, Activity.UNKNOWN)
            assert session.exit_code is None or session.exit_signal is None
            assert (session.kills_failed, session.outlived) == (0, False)


@given(scripts)
def test_a_session_that_waits_for_something_to_happen_has_a_deadline_or_an_effect_for_it(script: Script) -> None:
    for taken in script.live().history:
        session = taken.after
        names = [due.name for due in session.dues]
        kinds = {effect.kind for effect in session.effects}

        assert len(names) == len(set(names))
        if session.ending is not None:
            assert EffectKind.KILL in kinds or {DueName.GRACE, DueName.KILL_AGAIN} & set(names)
            assert not {DueName.START, DueName.CONTACT} & set(names)
        elif session.state is State.STARTING:
            assert DueName.START in names
        elif session.state is State.RUNNING and session.liveness is Liveness.UNKNOWN:
            assert DueName.CONTACT in names


@given(scripts)
def test_a_record_survives_being_written_and_read(script: Script) -> None:
    for taken in script.live().history:
        assert msgspec.json.decode(msgspec.json.encode(taken.after), type=Session) == taken.after


@given(scripts)
def test_whatever_is_committed_takes_the_place_in_the_reports_along(script: Script) -> None:
    for taken in script.live().history:
        if taken.is_commit:
            assert taken.after.hooks_offset >= taken.outcome.evidence.hooks_offset


# ---- restart ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CleanSweep:
    """A kill that is in flight succeeds."""

    def befall(self, life: Interpreter) -> None:
        for effect in life.record.effects:
            if effect.kind is EffectKind.KILL:
                life.give(Swept(effect=effect.id, generation=effect.generation))


@dataclass(frozen=True)
class Tick:
    """Time passes, and the session is told of every deadline that has passed with it."""

    seconds: float

    def befall(self, life: Interpreter) -> None:
        life.wait(self.seconds)
        for due in life.record.dues:
            life.give(DuePassed(name=due.name))


ticks = st.sampled_from([0.5, 5.0, 12.0, 35.0]).map(Tick)
watched_lives = st.lists(st.one_of(strategies.sightings.map(Happening), ticks, st.just(CleanSweep())), max_size=40)


@given(watched_lives, st.integers(min_value=0, max_value=39), st.sampled_from([2, 4, 5]))
def test_a_restart_delays_or_softens_a_verdict_and_never_strengthens_or_invents_one(
    acts: list[Happening | Tick | CleanSweep], cut: int, opening: int
) -> None:
    begun = strategies.OPENING[:opening]
    unbroken, broken = Script(Until.EXIT, begun).live(), Script(Until.EXIT, begun).live()

    for number, act in enumerate(acts):
        if number == cut:
            broken.restart()
        act.befall(unbroken)
        act.befall(broken)

        if broken.record.is_terminal:
            assert unbroken.record.is_terminal
        if broken.record.ending is not None:
            assert unbroken.record.ending is not None or unbroken.record.is_terminal


def _named(effect: Effect) -> str:
    """Give the name by which the record settles a once effect."""
    return effect.answer.id if effect.answer else str(effect.message)


@given(scripts)
def test_a_restart_settles_what_was_half_done_and_owes_nothing_after_that(script: Script) -> None:
    life = script.live()
    attempted = {_named(effect) for effect in life.record.effects if effect.attempted}
    before = life.record

    life.restart()

    settled = {message.id: message.receipt for message in life.record.settled}
    assert {settled[name] for name in attempted} <= {"unknown"}
    assert not any(effect.attempted for effect in life.record.effects)
    assert all(effect.attempted for effect in set(before.effects) - set(life.record.effects))
    assert life.record.state is before.state


@given(scripts, scripts)
def test_what_was_attempted_is_never_attempted_again_through_any_number_of_restarts(
    first: Script, then: Script
) -> None:
    life = Script(first.until, (*first.acts, Upset("restart"), *then.acts, Upset("restart"))).live()

    begun = [
        (_named(effect), effect.answer and effect.id)  # an answer may be given again if it has not arrived
        for taken in life.history
        for effect in taken.after.effects
        if effect.attempted and not (taken.before and effect in taken.before.effects)
    ]
    assert len(begun) == len(set(begun))


def test_a_sighting_after_a_restart_counts_from_one() -> None:
    life = Script(Until.EXIT, strategies.OPENING).live()
    for _ in range(2):
        life.give(Sighted(generation=1, observer="process", verdict=Liveness.DEAD))
        life.wait(20.0)

    life.restart()
    life.give(Sighted(generation=1, observer="process", verdict=Liveness.DEAD))

    assert life.record.effects == ()
    assert [streak.count for streak in life.evidence.streaks] == [1]


def test_nothing_is_owed_to_a_session_at_rest() -> None:
    life = Script(Until.EXIT, strategies.OPENING).live()

    assert owed_after_restart(replace(life.record, dues=())) == ()
