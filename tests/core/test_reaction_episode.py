"""The episodes of reactions, step by step: when one is over, what is news to it, and what the ledger keeps."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.core.reaction import Kind, judge
from orchestrd.model.change import Checks, Pr, Remark, Review
from orchestrd.model.command import Attempted, Notified, React
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.limits import ENDED_REACTS_S, EPISODES_MAX
from orchestrd.model.reaction import Act, Condition, Episode, Reaction, Seen
from orchestrd.model.verification import Verification
from orchestrd.model.words import Activity, Reason, State
from tests.changes import CHANGE
from tests.core.reacting import (
    CI_FAILED,
    CLEARED,
    ESCALATED,
    FIRED,
    NEEDS_INPUT,
    NOON,
    Reacting,
    blocked,
    red,
    session_of,
    types_of,
)

# ---- when it is over


def test_an_episode_is_over_when_two_different_looks_have_found_it_clear() -> None:
    life = red()
    life.react()
    life.types()

    life.told(checks=Checks.PASSING)
    first = life.react()
    same_look = life.react()
    waits = life.judged()
    life.told()
    second = life.react()

    assert (first, same_look) == ([], [])
    assert waits.why == "its checks are passing; another look has to find the same"
    assert types_of(second) == [CLEARED]
    assert life.record.episodes == ()


def test_the_last_word_of_a_forge_ends_an_episode_for_nobody_looks_again() -> None:
    life = red(state=State.COMPLETED, reason=Reason.EXITED, ended_at=NOON.at)
    told = types_of(life.react())

    life.told(pr=Pr.MERGED)

    assert told == [ESCALATED]
    assert types_of(life.react()) == [CLEARED]
    assert (life.record.episodes, life.record.effects) == ((), ())


def test_what_flaps_is_one_episode_with_one_budget() -> None:
    life = red(replace(CI_FAILED, attempts=1))
    life.react()
    life.types()
    life.looks(Activity.WAITING)

    for _ in range(10):
        life.told(checks=Checks.PASSING)
        life.react()
        life.told(checks=Checks.FAILING)
        life.react()

    assert types_of(life.events).count(FIRED) == 1
    assert CLEARED not in types_of(life.events)
    assert life.ledger.cleared_at is None


def test_what_holds_again_before_anything_was_done_has_its_time_to_hold_anew() -> None:
    life = red(replace(CI_FAILED, after_s=100.0))
    life.react()
    life.told(after_s=90.0, checks=Checks.PASSING)
    life.react()

    life.told(checks=Checks.FAILING)
    life.react()

    waits = life.judged()
    assert waits.again_in_s == pytest.approx(100.0)
    assert waits.why == "its checks are failing; attempt 1 of 2 is made in 1m40s, once that has lasted 1m40s"
    life.told(after_s=100.0)
    assert FIRED in types_of(life.react())


def test_an_episode_in_which_nothing_was_done_ends_in_silence() -> None:
    life = red(replace(CI_FAILED, after_s=100.0))
    life.react()
    life.told(checks=Checks.PASSING)
    life.react()
    life.told()

    assert life.react() == []
    assert life.record.episodes == ()


def test_with_its_end_go_the_message_that_was_not_typed_and_the_notice_that_nobody_has_heard() -> None:
    life = red()
    life.react()
    told = blocked()
    told.react()
    heard = blocked()
    heard.react()
    heard.give(Notified(effect=heard.in_flight(EffectKind.NOTIFY)[0].id, reached=("phone",), is_over=False))

    for _ in range(2):
        life.told(checks=Checks.PASSING)
        life.react()
        for one in (told, heard):
            one.looks(Activity.WORKING)
            one.react()

    assert (life.record.messages, life.in_flight(EffectKind.DELIVER)) == ((), [])
    assert [event.error for event in life.events if event.type is EventType.MESSAGE_SETTLED] == [
        "it was taken back: it holds no more"
    ]
    assert told.in_flight(EffectKind.NOTIFY) == []
    assert len(heard.in_flight(EffectKind.NOTIFY)) == 1
    assert types_of(told.events)[-1] is CLEARED


@pytest.mark.parametrize("is_begun", [False, True])
def test_a_command_that_waits_for_others_is_not_run_when_what_it_is_for_is_over(*, is_begun: bool) -> None:
    life = red(replace(CI_FAILED, act=Act.RUN, command="make"))
    life.react()
    (effect,) = life.in_flight(EffectKind.RUN)
    if is_begun:
        life.give(Attempted(effect=effect.id))

    for _ in range(2):
        life.told(checks=Checks.PASSING)
        life.react()

    assert (life.record.episodes, bool(life.in_flight(EffectKind.RUN))) == ((), is_begun)


def test_what_asks_about_nothing_any_more_is_over_at_once() -> None:
    life = red()
    life.react()
    life.types()
    life.reactions = (replace(CI_FAILED, when=Condition()),)

    assert types_of(life.react()) == [CLEARED]


# ---- what was said, and what was asked


def test_what_reviewers_say_is_told_once_and_what_they_say_then_is_told_again() -> None:
    remarks = tuple(Remark(id=f"t{n}", author="ann", text=f"point {n}") for n in range(3))
    reaction = replace(CI_FAILED, name="remarks", when=Condition(remarks=True), attempts=1, text="{remarks}")
    life = Reacting(reaction)
    life.looks(Activity.WAITING)
    fired = []
    for head, told in (
        ("c1", remarks[:2]),  # two remarks
        ("c2", remarks[:2]),  # a push that settles none
        ("c3", remarks[:1]),  # one of them is settled
        ("c3", remarks[:2]),  # and opened again
        ("c3", remarks[1:]),  # a new one
    ):
        life.told(after_s=60.0, head=head, remarks=told)
        fired.append(types_of(life.react()).count(FIRED))
        life.types()
        life.looks(Activity.WAITING)

    assert fired == [1, 0, 0, 0, 1]


def test_that_all_of_it_is_settled_is_no_news_while_reviewers_have_not_looked_again() -> None:
    asked = Condition(review=(Review.CHANGES_REQUESTED,))
    life = Reacting(replace(CI_FAILED, name="asked", when=asked, attempts=1, escalation=None))
    notes = Reacting(replace(NEEDS_INPUT, when=asked))
    one = Remark(id="t1", author="ann", text="mend it")
    fired = []
    for head, told in (("c1", (one,)), ("c2", (one,)), ("c2", ()), ("c3", ()), ("c3", None), ("c4", (one,))):
        for each in (life, notes):
            each.looks(Activity.WAITING)
            each.told(after_s=60.0, head=head, remarks=told, review=Review.CHANGES_REQUESTED)
        fired.append([types_of(each.react()).count(FIRED) for each in (life, notes)])
        life.types()

    assert fired == [[1, 1]] + [[0, 0]] * 5


def test_each_verification_that_is_red_is_told_once() -> None:
    def red(at: Any, code: int = 1) -> Verification:
        return Verification(generation=1, turn_over_at=at, at=at, exit_code=code, is_clean=True)

    life = Reacting(replace(CI_FAILED, name="verify", when=Condition(verified=False), attempts=1))
    life.looks(Activity.WAITING)
    fired = []
    for _ in range(2):
        life.looks(after_s=60.0)
        life.session = replace(life.record, verification=red(life.now.at))
        fired.append(types_of(life.react()).count(FIRED))
        life.types()
        life.looks(Activity.WAITING)
        fired.append(types_of(life.react()).count(FIRED))
    life.session = replace(life.record, verification=red(life.now.at, code=0))

    assert fired == [1, 0, 1, 0]
    assert types_of(life.react()) == [CLEARED]


def test_no_person_is_told_of_a_red_verification_while_what_was_mended_is_being_verified() -> None:
    verify = replace(CI_FAILED, name="verify", when=Condition(verified=False), attempts=1)
    red = Verification(generation=1, turn_over_at=NOON.at, at=NOON.at, exit_code=1, is_clean=True)
    life = Reacting(verify, verification=red)
    life.looks(Activity.WAITING)
    life.react()
    life.types()
    life.looks(Activity.WORKING, after_s=3_600.0)
    assert life.react() == []

    life.looks(Activity.WAITING)
    life.session = replace(life.record, effects=(Effect(id="1.9", kind=EffectKind.VERIFY, generation=1),))

    assert (life.judged().why, life.react()) == ("its work is being verified again", [])
    life.session = replace(life.record, effects=(), verification=replace(red, at=life.now.at))
    assert types_of(life.react())[0] is FIRED


# ---- the ledger


def test_what_ended_long_ago_begins_nothing_and_what_was_begun_goes_on() -> None:
    reaction = replace(NEEDS_INPUT, name="failed", when=Condition(state=(State.FAILED,)))
    long_ago = NOON.at - timedelta(seconds=ENDED_REACTS_S + 1.0)
    ended = session_of(state=State.FAILED, reason=Reason.SIGNAL, state_since=long_ago)
    begun = replace(ended, episodes=(Episode(reaction="failed", key="1", since=NOON),))

    dug_up, goes_on = (judge(reaction, session, Seen(), NOON) for session in (ended, begun))

    assert (dug_up.kind, dug_up.why) == (Kind.NOTHING, "it is failed, and it ended too long ago")
    assert goes_on.kind is Kind.FIRE


def test_a_reaction_that_is_new_concerns_nobody_who_had_ended_before_it() -> None:
    ended = session_of(state=State.FAILED, reason=Reason.SIGNAL, state_since=NOON.at)
    known = replace(NEEDS_INPUT, when=Condition(state=(State.FAILED,)))
    new = replace(known, taken_at=NOON.at + timedelta(seconds=1.0))
    younger = replace(known, taken_at=NOON.at)

    kinds = [judge(reaction, ended, Seen(), NOON).kind for reaction in (known, new, younger)]

    assert kinds == [Kind.FIRE, Kind.NOTHING, Kind.FIRE]


def test_a_merge_that_has_ended_its_session_is_reacted_to_once_it_has_lasted() -> None:
    later = Reaction(name="merged", when=Condition(pr=(Pr.MERGED,)), act=Act.NOTIFY, after_s=4_000.0)
    life = Reacting(later, change=CHANGE)
    life.told(pr=Pr.MERGED)
    life.react()
    life.session = replace(life.record, state=State.COMPLETED, state_since=life.now.at)

    life.wait(4_001.0)

    assert types_of(life.react()) == [FIRED]
    assert life.react() == []


def test_a_reaction_that_is_new_concerns_no_merge_that_was_told_before_it() -> None:
    merged = session_of(state=State.COMPLETED, state_since=NOON.at, change=replace(CHANGE, pr=Pr.MERGED))
    new = Reaction(name="merged", when=Condition(pr=(Pr.MERGED,)), act=Act.NOTIFY, taken_at=NOON.at)
    told = (NOON.at - timedelta(seconds=1.0), NOON.at)

    kinds = [judge(new, merged, Seen(change_at=at), NOON).kind for at in told]

    assert kinds == [Kind.NOTHING, Kind.FIRE]


def test_a_reaction_that_does_something_else_now_does_it_to_nobody_who_had_ended() -> None:
    told = replace(NEEDS_INPUT, when=Condition(state=(State.FAILED,)))
    life = Reacting(told, state=State.FAILED, reason=Reason.SIGNAL)
    life.react()
    life.wait(60.0)
    life.looks()
    revives = replace(told, act=Act.REVIVE, taken_at=life.now.at)
    reloaded = judge(revives, life.record, life.seen, life.now)

    life.looks(after_s=ENDED_REACTS_S)
    restarted = judge(replace(revives, taken_at=None), life.record, life.seen, life.now)

    assert [(found.kind, found.is_due) for found in (reloaded, restarted)] == [(Kind.NOTHING, False)] * 2


def test_beyond_its_bound_the_ledger_forgets_the_oldest() -> None:
    old = tuple(Episode(reaction=f"r{n}", key="1", since=NOON) for n in range(EPISODES_MAX))
    life = blocked()
    life.session = replace(life.record, episodes=old)

    life.react()

    assert len(life.record.episodes) == EPISODES_MAX
    assert life.record.episodes[-1].reaction == "needs-input"
    assert life.record.episodes[0].reaction == "r1"


def test_a_react_that_is_due_no_more_changes_nothing() -> None:
    life = red()
    due = life.judged()
    life.told(checks=Checks.PASSING)

    taken = life.give(React(reaction=CI_FAILED, seen=life.seen))

    assert due.is_due
    assert not taken.is_commit


def test_the_time_that_is_waited_for_is_the_first_that_matters() -> None:
    life = red(replace(CI_FAILED, escalate_after_s=60.0, after_s=3_600.0))
    life.react()

    assert life.judged().again_in_s == pytest.approx(60.0)
