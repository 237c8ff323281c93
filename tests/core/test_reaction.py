"""Reactions, told step by step: what is done, when it is done again, and when a person is told instead."""

import re
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.core.reaction import Kind, judge, left_over, required
from orchestrd.core.restart import owed_after_restart
from orchestrd.model.change import Checks, FailedCheck, Mergeable, Pr, Remark, Review
from orchestrd.model.command import Attempted, CommandRun, Merged, Notified, React, Send, SpawnedAnother
from orchestrd.model.decision import Decision, DecisionKind
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.limits import (
    ATTEMPT_PAUSE_S,
    ENDED_REACTS_S,
    EPISODES_MAX,
    FAILED_ATTEMPTS_MIN,
    LOGS_AWAITED_S,
    MESSAGES_MAX,
    NOTICES_MAX,
    PAUSE_S_MAX,
    REVIVED_LASTS_S,
)
from orchestrd.model.notice import Priority
from orchestrd.model.observation import Exited
from orchestrd.model.reaction import Act, Condition, Episode, Reaction, Seen
from orchestrd.model.session import Message
from orchestrd.model.verification import Verification
from orchestrd.model.words import Activity, Authority, Desired, Ending, Reason, Receipt, State
from tests.changes import CHANGE
from tests.core.reacting import NOON, SPEC, Reacting, session_of, types_of

CI_FAILED = Reaction(
    name="ci-failed", when=Condition(checks=(Checks.FAILING,)), act=Act.SEND, text="mend {checks}", attempts=2
)
NEEDS_INPUT = Reaction(
    name="needs-input", when=Condition(activity=(Activity.BLOCKED,)), act=Act.NOTIFY, priority=Priority.URGENT
)
READY = Reaction(name="ready", when=Condition(review=(Review.APPROVED,)), act=Act.MERGE, attempts=2)
FIRED, FAILED = EventType.REACTION_FIRED, EventType.REACTION_FAILED
ESCALATED, CLEARED = EventType.REACTION_ESCALATED, EventType.REACTION_CLEARED


def _red(reaction: Reaction = CI_FAILED, **facts: Any) -> Reacting:
    """Begin a life whose checks have failed, while its agent waits."""
    life = Reacting(reaction, **facts)
    life.looks(Activity.WAITING)
    life.told(checks=Checks.FAILING)
    return life


def _blocked(reaction: Reaction = NEEDS_INPUT, decision: Decision | None = None) -> Reacting:
    life = Reacting(reaction)
    life.looks(Activity.BLOCKED, decision=decision)
    return life


# ---- what is sent, and again


def test_what_fails_is_sent_once_with_its_name_in_the_ledger_and_the_journal() -> None:
    life = _red()

    events = life.react()

    (message,) = life.record.messages
    assert types_of(events) == [FIRED, EventType.MESSAGE_QUEUED]
    assert (events[0].source, events[0].to, events[0].text) == ("ci-failed", "send", "its checks are failing")
    assert events[0].message == message.id == life.ledger.in_flight
    assert message.id.startswith("reaction.ci-failed.")
    assert (message.authority, message.awaits_turn) == (Authority.DAEMON, True)
    assert message.text.startswith("mend ")
    assert (life.ledger.attempts, life.ledger.key) == (1, "c1")
    assert [effect.kind for effect in life.record.effects] == [EffectKind.DELIVER]


def test_while_it_is_under_way_nothing_else_is_done() -> None:
    life = _red()
    life.react()
    life.told(after_s=3_600.0)

    assert (life.judged().kind, life.judged().why) == (
        Kind.WAITING,
        "its checks are failing; its newest attempt is still under way",
    )
    assert life.react() == []


def test_it_is_sent_again_after_its_pause_and_when_that_is_over_a_person_is_told_once() -> None:
    life = _red()
    life.react()
    life.types()
    life.looks(Activity.WAITING)
    life.told()
    waits = life.judged()

    life.wait(580.0)
    again = life.react()
    life.types()
    life.looks(Activity.WAITING)
    life.told(after_s=1_190.0)
    too_soon = life.react()
    life.told(after_s=10.0)
    told = life.react()
    life.told(after_s=100_000.0)

    assert (waits.why, waits.again_in_s) == ("its checks are failing; attempt 2 of 2 is made in 9m40s", 580.0)
    assert (types_of(again), too_soon) == ([FIRED, EventType.MESSAGE_QUEUED], [])
    assert types_of(told) == [ESCALATED]
    assert told[0].text == "its checks are failing; 2 of 2 attempts were made"
    (effect,) = life.in_flight(EffectKind.NOTIFY)
    assert effect.notice is not None
    assert (effect.notice.priority, effect.notice.title) == (Priority.URGENT, f"work: {told[0].text}")
    assert re.fullmatch(r"abcdefgh\.reaction\.ci-failed\.[0-9a-f]+\.escalation", effect.notice.key)
    assert effect.notice.text.splitlines() == [
        f"work (abcdefgh): {told[0].text} (reaction ci-failed).",
        "https://github.com/o/r/pull/7",
        "Look: orch show abcdefgh",
    ]
    assert (life.judged().kind, life.react()) == (Kind.SPENT, [])


def test_an_agent_that_was_told_and_works_is_left_to_it() -> None:
    life = _red()
    life.react()
    life.types()
    life.looks(Activity.WORKING)

    life.told(after_s=5_000.0)
    at_work = life.judged()
    life.looks(Activity.WAITING)
    stopped = life.judged()
    too_soon = life.react()
    life.told()

    assert (stopped.why, too_soon) == ("its checks are failing; what its agent did last was not looked at yet", [])
    assert (at_work.kind, at_work.why) == (Kind.WAITING, "its checks are failing; its agent was told, and is working")
    assert FIRED in types_of(life.react())


def test_no_person_is_told_while_an_agent_is_just_being_told_something_else() -> None:
    life = _red(replace(CI_FAILED, attempts=1))
    life.react()
    life.types()
    life.looks(Activity.WORKING)
    life.give(Send(session=life.record.id, message="mine", text="and this", authority=Authority.USER))
    life.looks(Activity.WAITING, after_s=5_000.0)
    life.told()

    before, typed = life.react(), life.types()
    life.told()

    assert typed
    assert life.record.activity is Activity.UNKNOWN
    assert [*before, *life.react()] == []
    life.looks(Activity.WAITING)
    life.told()
    assert ESCALATED in types_of(life.react())


def test_facts_from_before_the_last_attempt_do_not_count() -> None:
    life = _red()
    life.react()
    life.types()
    life.looks(Activity.WAITING, after_s=1_000.0)

    assert life.judged().why == "its checks are failing; nothing was looked at since its last attempt"
    assert life.react() == []


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    life, clear = _red(), _red()
    for one in (life, clear):
        one.react()
        one.types()
        one.looks(Activity.WAITING)
    clear.told(checks=Checks.PASSING)
    clear.react()

    for one in (life, clear):
        one.jump(-86_400.0)
        one.told(after_s=1_000.0)

    assert FIRED in types_of(life.react())
    assert CLEARED in types_of(clear.react())


def test_another_commit_has_a_budget_of_its_own_but_not_within_half_a_minute() -> None:
    life = _red()
    life.react()
    life.types()
    life.looks(Activity.WAITING)

    life.told(after_s=10.0, head="c2")
    too_soon = life.react()
    life.told(after_s=ATTEMPT_PAUSE_S)
    events = life.react()

    assert too_soon == []
    assert FIRED in types_of(events)
    assert (life.ledger.key, life.ledger.round, life.ledger.attempts) == ("c2", 2, 1)


def test_a_message_that_was_not_typed_yet_makes_way_for_news_and_one_that_was_begun_does_not() -> None:
    life = _red()
    life.react()
    first = life.record.messages[0].id
    life.looks(Activity.WORKING)

    life.told(after_s=60.0, head="c2")
    events = life.react()
    begun = _red()
    begun.react()
    (effect,) = begun.in_flight(EffectKind.DELIVER)
    begun.session = replace(begun.record, effects=(replace(effect, attempted=True),))
    begun.told(after_s=60.0, head="c2")

    assert types_of(events) == [FIRED, EventType.MESSAGE_QUEUED]
    (settled,) = life.record.settled
    assert (settled.id, settled.error) == (first, "it was taken back: there is another commit")
    assert len(life.record.messages) == 1
    assert types_of(begun.react()) == []
    assert begun.judged().why.endswith("its newest attempt is still under way")


def test_what_was_said_of_an_older_commit_is_taken_back_before_it_is_known_what_comes_of_the_newest() -> None:
    life = _red()
    life.react()
    life.looks(Activity.WORKING)

    first = len(life.events)
    life.told(head="c2", checks=Checks.PENDING)
    life.looks(Activity.WAITING)

    events = life.events[first:]
    assert [(event.receipt, event.error) for event in events if event.type is EventType.MESSAGE_SETTLED] == [
        (Receipt.REFUSED, "it was taken back: there is another commit")
    ]
    assert (life.record.messages, life.record.effects, life.ledger.attempts) == ((), (), 0)
    life.told(checks=Checks.FAILING, after_s=60.0)
    assert FIRED in types_of(life.react())


def test_after_too_many_rounds_a_person_is_told_and_no_more_is_sent() -> None:
    life = _red(replace(CI_FAILED, rounds=2))
    for commit in ("c1", "c2", "c3", "c4"):
        life.told(after_s=60.0, head=commit)
        life.react()
        life.types()
        life.looks(Activity.WAITING)

    assert types_of(life.events).count(FIRED) == 2
    assert types_of(life.events).count(ESCALATED) == 1
    assert life.judged().why.endswith("there were 2 rounds of it already, and a person was told")


@pytest.mark.parametrize("what", ["head", "remarks"])
def test_what_an_agent_has_not_heard_costs_no_round(what: str) -> None:
    when = Condition(remarks=True) if what == "remarks" else CI_FAILED.when
    life = Reacting(replace(CI_FAILED, when=when, rounds=2))
    life.looks(Activity.WORKING)

    for number in range(6):
        said = tuple(Remark(id=f"r{one}", author="ann", text="no") for one in range(number + 1))
        life.told(after_s=60.0, checks=Checks.FAILING, head=f"c{number}", remarks=said)
        life.react()
        life.looks(Activity.WORKING)

    assert (life.ledger.round, life.ledger.attempts, life.ledger.is_escalated) == (1, 1, False)
    assert len(life.record.messages) == 1


def test_the_pause_grows_and_never_beyond_its_bound() -> None:
    life = _red(replace(CI_FAILED, attempts=100, every_s=600.0, backoff=1e300))
    life.react()
    life.types()
    life.session = replace(life.record, episodes=(replace(life.ledger, attempts=3),))
    life.told(after_s=1.0)

    assert life.judged().again_in_s == pytest.approx(PAUSE_S_MAX - 1.0)


# ---- where it cannot be said


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"activity": Activity.BLOCKED}, "nothing is said to an agent that is blocked"),
        ({"activity": Activity.LIMITED}, "nothing is said to an agent that is limited"),
        (
            {"spec": replace(SPEC, agent="shell"), "activity": Activity.UNKNOWN},
            "nothing is said to a command that tells nothing: a shell would run each line of it",
        ),
        ({"state": State.STARTING}, "nothing can be said to it while it is starting"),
        ({"state": State.LOST}, "nothing can be said to it while it is lost"),
        ({"ending": Ending.GONE}, "nothing can be said to it while it is being ended"),
        (
            {
                "messages": tuple(
                    Message(id=f"m{n}", text="x", authority=Authority.USER, awaits_turn=True)
                    for n in range(MESSAGES_MAX)
                )
            },
            f"{MESSAGES_MAX} messages wait to be read by it already",
        ),
    ],
)
def test_nothing_is_said_into_a_dialog_nor_to_who_cannot_read_it(facts: dict[str, Any], why: str) -> None:
    life = _red(replace(CI_FAILED, escalate_after_s=3_600.0))
    life.session = replace(life.record, **facts)

    held = life.judged()
    life.react()

    assert (held.kind, held.why) == (Kind.HELD, f"its checks are failing; {why}")
    assert (life.ledger.attempts, types_of(life.events)) == (0, [EventType.ACTIVITY_CHANGED, EventType.CHANGE_CHANGED])
    life.told(after_s=3_600.0)
    assert types_of(life.react()) == [ESCALATED]  # a person is told all the same
    assert life.events[-1].text == "its checks are failing; that has been so for 1h"


def test_of_the_pull_request_of_a_session_that_has_ended_a_person_is_told() -> None:
    life = _red()
    life.session = replace(life.record, state=State.COMPLETED, reason=Reason.PR_OPENED)
    life.told(after_s=10 * ENDED_REACTS_S)

    told, again = life.react(), life.react()

    assert (types_of(told), again) == ([ESCALATED], [])
    assert told[0].text == "its checks are failing; it has ended, and reads no more"
    assert life.record.messages == ()


def test_nothing_is_said_to_a_session_that_has_ended() -> None:
    life = Reacting(replace(CI_FAILED, when=Condition(state=(State.COMPLETED,))))
    life.session = replace(life.record, state=State.COMPLETED, reason=Reason.EXITED)

    assert (life.judged().kind, life.react()) == (Kind.NOTHING, [])
    assert life.judged().why == "it is completed, and it has ended, and reads no more"


def test_what_a_person_has_said_first_is_typed_first() -> None:
    life = _red()
    mine = Message(id="mine", text="wait", authority=Authority.USER, awaits_turn=True)
    life.session = replace(life.record, messages=(mine,))

    life.react()

    assert [message.id == "mine" for message in life.record.messages] == [True, False]


# ---- what is not known


def test_nothing_that_an_earlier_daemon_has_written_down_is_acted_upon() -> None:
    life = _red()
    life.restart()

    assert (life.judged().kind, life.judged().why) == (
        Kind.UNKNOWN,
        "its forge has not told of it since the daemon started",
    )
    assert life.react() == []
    blocked = _blocked()
    blocked.restart()
    assert blocked.judged().why == "its run was not looked at since the daemon started"


@pytest.mark.parametrize("escalate_after_s", [None, 3_600.0])
def test_what_a_forge_told_long_ago_is_not_known_any_more(escalate_after_s: float | None) -> None:
    life = _red(replace(CI_FAILED, escalate_after_s=escalate_after_s))
    life.react()
    life.types()
    life.looks(Activity.WAITING)
    life.told(after_s=60.0)
    before = life.ledger

    life.looks(Activity.WAITING, after_s=8 * 3_600.0)

    assert (life.judged().kind, life.judged().why) == (Kind.UNKNOWN, "its forge has told nothing of it for 8h")
    assert (life.react(), life.ledger) == ([], before)
    life.told()
    assert life.react() != []


@pytest.mark.parametrize(("down_s", "is_kept"), [(60.0, True), (2 * 86_400.0, False)])
def test_what_an_earlier_daemon_had_to_say_long_ago_is_looked_at_anew(down_s: float, *, is_kept: bool) -> None:
    life = _red()
    life.looks(Activity.WORKING)
    life.react()

    life.wait(down_s)
    life.restart()
    for owed in owed_after_restart(life.record):
        life.give(owed)
    life.looks(Activity.WAITING)

    assert (bool(life.record.messages), life.ledger.attempts) == (is_kept, int(is_kept))
    life.told()
    assert (FIRED in types_of(life.react())) is not is_kept


def test_checks_that_still_run_neither_fire_nor_end_anything() -> None:
    life = _red()
    life.react()
    life.types()
    before = life.ledger

    for checks in (Checks.PENDING, Checks.UNKNOWN, Checks.PENDING):
        life.told(after_s=600.0, checks=checks)
        assert life.judged().kind is Kind.UNKNOWN
        assert life.react() == []

    assert life.ledger == before


def test_what_is_switched_off_does_nothing() -> None:
    life = _red(replace(CI_FAILED, is_on=False))

    assert (life.judged().kind, life.judged().why) == (Kind.NOTHING, "it is switched off")


def test_with_a_reaction_that_is_switched_off_or_gone_goes_what_it_has_begun() -> None:
    off, gone = _red(), _red()
    for life in (off, gone):
        life.react()
    off.reactions = (replace(CI_FAILED, is_on=False),)
    gone.reactions = left_over([NEEDS_INPUT], gone.record)

    events = [types_of(life.react()) for life in (off, gone)]

    assert events == [[EventType.MESSAGE_SETTLED, CLEARED]] * 2
    for life in (off, gone):
        assert (life.record.messages, life.record.episodes, life.react()) == ((), (), [])
    assert left_over([CI_FAILED], _red().record) == ()


def test_what_a_check_has_written_is_waited_for_and_not_for_ever() -> None:
    life, late = Reacting(CI_FAILED), Reacting(CI_FAILED)
    check = FailedCheck(id="1", name="test")
    for one in (life, late):
        one.looks(Activity.WAITING)
        one.told(checks=Checks.FAILING, failed=(check,))
        one.react()
    waits = life.judged()

    life.told(failed=(replace(check, log="E  assert 1 == 2"),))
    late.told(after_s=LOGS_AWAITED_S)

    assert waits.why == "its checks are failing; what they have written was not fetched yet"
    assert waits.again_in_s == LOGS_AWAITED_S
    assert FIRED in types_of(life.react())
    assert "assert 1 == 2" in life.record.messages[0].text
    assert FIRED in types_of(late.react())


def test_no_agent_is_told_that_something_was_said_before_it_can_be_told_what() -> None:
    reaction = replace(CI_FAILED, when=Condition(review=(Review.CHANGES_REQUESTED,)), text="{remarks}")
    life = Reacting(reaction)
    life.looks(Activity.WAITING)
    life.told(review=Review.CHANGES_REQUESTED, remarks=None)

    assert (life.judged().kind, life.judged().why) == (Kind.UNKNOWN, "nobody knows what its reviewers have said")
    life.told(remarks=(Remark(id="r1", author="ann", text="rename it"),))
    assert FIRED in types_of(life.react())


# ---- when it is over


def test_an_episode_is_over_when_two_different_looks_have_found_it_clear() -> None:
    life = _red()
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
    life = _red(state=State.COMPLETED, reason=Reason.EXITED, ended_at=NOON.at)
    told = types_of(life.react())

    life.told(pr=Pr.MERGED)

    assert told == [ESCALATED]
    assert types_of(life.react()) == [CLEARED]
    assert (life.record.episodes, life.record.effects) == ((), ())


def test_what_flaps_is_one_episode_with_one_budget() -> None:
    life = _red(replace(CI_FAILED, attempts=1))
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
    life = _red(replace(CI_FAILED, after_s=100.0))
    life.react()
    life.told(after_s=90.0, checks=Checks.PASSING)
    life.react()

    life.told(checks=Checks.FAILING)
    life.react()

    assert life.judged().again_in_s == pytest.approx(100.0)
    life.told(after_s=100.0)
    assert FIRED in types_of(life.react())


def test_an_episode_in_which_nothing_was_done_ends_in_silence() -> None:
    life = _red(replace(CI_FAILED, after_s=100.0))
    life.react()
    life.told(checks=Checks.PASSING)
    life.react()
    life.told()

    assert life.react() == []
    assert life.record.episodes == ()


def test_with_its_end_go_the_message_that_was_not_typed_and_the_notice_that_nobody_has_heard() -> None:
    life = _red()
    life.react()
    told = _blocked()
    told.react()
    heard = _blocked()
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
    life = _red(replace(CI_FAILED, act=Act.RUN, command="make"))
    life.react()
    (effect,) = life.in_flight(EffectKind.RUN)
    if is_begun:
        life.give(Attempted(effect=effect.id))

    for _ in range(2):
        life.told(checks=Checks.PASSING)
        life.react()

    assert (life.record.episodes, bool(life.in_flight(EffectKind.RUN))) == ((), is_begun)


def test_what_asks_about_nothing_any_more_is_over_at_once() -> None:
    life = _red()
    life.react()
    life.types()
    life.reactions = (replace(CI_FAILED, when=Condition()),)

    assert types_of(life.react()) == [CLEARED]


# ---- what comes to nothing


def test_a_message_that_was_refused_is_sent_again_and_then_a_person_is_told() -> None:
    life = _red(replace(CI_FAILED, attempts=1, every_s=60.0))
    names = []
    for wait_s in (0.0, 60.0, 120.0):
        life.told(after_s=wait_s + 1.0)
        fired = life.react()
        names.append(fired[0].message)
        life.types(Receipt.REFUSED, "somebody types there")
        assert (life.ledger.attempts, life.ledger.failures) == (0, len(names))

    life.told(after_s=300.0)
    told = life.react()

    assert len(set(names)) == FAILED_ATTEMPTS_MIN
    assert types_of(life.events).count(FAILED) == FAILED_ATTEMPTS_MIN
    assert types_of(told) == [ESCALATED]
    assert told[0].text == "its checks are failing; 3 attempts came to nothing: somebody types there"
    assert (life.judged().kind, life.judged().why.partition("there, ")[2]) == (Kind.SPENT, "and a person was told")


def test_an_attempt_of_which_nobody_knows_counts_as_made() -> None:
    life = _red(replace(CI_FAILED, attempts=1))
    life.react()
    life.types(Receipt.UNKNOWN)

    assert (life.ledger.attempts, life.ledger.failures, life.ledger.in_flight) == (1, 0, None)
    assert FAILED not in types_of(life.events)


def test_what_came_to_nothing_for_an_older_commit_costs_the_new_one_nothing() -> None:
    life = _red()
    life.react()
    (effect,) = life.in_flight(EffectKind.DELIVER)
    life.session = replace(life.record, effects=(replace(effect, attempted=True),))
    life.told(head="c2")
    life.react()

    life.types(Receipt.REFUSED)

    assert (life.ledger.key, life.ledger.attempts, life.ledger.failures) == ("c2", 0, 0)
    assert FAILED not in types_of(life.events)


def test_what_the_end_of_a_run_kept_from_being_typed_was_never_sent() -> None:
    life = _red()
    life.react()
    life.looks(Activity.WORKING)

    life.give(Exited(generation=1, observer="process", exit_code=0, exit_signal=None, at=life.now.at))

    assert life.record.is_terminal
    assert (life.ledger.attempts, life.ledger.failures, life.ledger.in_flight) == (0, 0, None)


# ---- who is told


def test_a_person_is_told_once_what_is_needed() -> None:
    life = _blocked()

    events = life.react()
    life.give(Notified(effect=life.in_flight(EffectKind.NOTIFY)[0].id, reached=("phone",)))
    life.looks(after_s=100_000.0)

    assert types_of(events) == [FIRED]
    assert types_of(life.events)[-1] is EventType.NOTICE_TOLD
    assert (life.judged().kind, life.react()) == (Kind.SPENT, [])


def test_a_notice_says_whose_it_is_what_holds_and_where_to_look() -> None:
    life = _red(replace(NEEDS_INPUT, when=Condition(checks=(Checks.FAILING,)), text="look at {pr_url}"))
    life.react()

    (effect,) = life.in_flight(EffectKind.NOTIFY)
    notice = effect.notice

    assert notice is not None
    assert (notice.title, notice.text) == ("work: its checks are failing", "look at https://github.com/o/r/pull/7")
    assert (notice.priority, notice.session, notice.reaction) == (Priority.URGENT, "abcdefgh", "needs-input")
    assert (notice.url, effect.reaction) == ("https://github.com/o/r/pull/7", "needs-input")


def test_another_decision_is_another_need_and_one_that_becomes_known_is_not() -> None:
    first = Decision(id="d1", kind=DecisionKind.DIALOG, text="one?")
    life = _blocked()
    life.react()
    life.give(Notified(effect=life.in_flight(EffectKind.NOTIFY)[0].id, reached=("phone",)))

    life.looks(Activity.BLOCKED, after_s=60.0, decision=first)
    known = life.react()
    life.looks(Activity.BLOCKED, after_s=60.0, decision=replace(first, id="d2"))
    another = life.react()

    assert FIRED not in types_of(known)
    assert FIRED in types_of(another)


def test_a_notice_is_escalated_only_by_time_or_where_it_reaches_nobody() -> None:
    life = _blocked(replace(NEEDS_INPUT, escalate_after_s=7_200.0))
    life.react()
    life.give(Notified(effect=life.in_flight(EffectKind.NOTIFY)[0].id, reached=("phone",)))
    life.looks(after_s=700.0)
    spent = life.judged()

    life.looks(after_s=7_000.0)

    assert spent.kind is Kind.SPENT
    assert spent.again_in_s == pytest.approx(7_200.0 - 700.0)
    assert types_of(life.react()) == [ESCALATED]


def test_a_notice_that_reaches_nobody_is_told_again_and_one_that_nobody_is_to_hear_is_not() -> None:
    life, alone = _blocked(), _blocked()
    for one, error in ((life, "phone: no answer"), (alone, None)):
        one.react()
        one.give(Notified(effect=one.in_flight(EffectKind.NOTIFY)[0].id, error=error))
        one.looks(after_s=700.0)
        one.react()

    assert types_of(life.events).count(FIRED) == 2
    assert EventType.NOTICE_FAILED in types_of(life.events)
    assert types_of(alone.events).count(FIRED) == 1


def test_where_nobody_is_to_be_told_its_budget_ends_in_silence() -> None:
    life = _red(replace(CI_FAILED, attempts=1, escalation=None))
    life.react()
    life.types()
    life.looks(Activity.WAITING)
    life.told(after_s=700.0)

    assert (life.judged().kind, life.react()) == (Kind.SPENT, [])
    assert life.judged().why.endswith("1 of 1 attempts were made, and nobody is told")


def test_of_too_many_notices_the_oldest_of_the_least_important_makes_way() -> None:
    life = Reacting(
        *(
            replace(NEEDS_INPUT, name=f"r{n}", priority=Priority.WARNING if n < 2 else Priority.URGENT)
            for n in range(NOTICES_MAX + 1)
        )
    )
    life.looks(Activity.BLOCKED)

    events = life.react()

    kept = life.in_flight(EffectKind.NOTIFY)
    assert len(kept) == NOTICES_MAX
    assert "r0" not in {effect.reaction for effect in kept}
    assert types_of(events).count(EventType.NOTICE_FAILED) == 1


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


# ---- the other acts


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
    assert {(event.to, event.text, event.error) for event in settled} == {("refused", "c1", "the base was modified")}


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
    life = _red(Reaction(name="helper", when=when, act=Act.SPAWN, agent="codex", text="help {name}"))
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
    life = _red(Reaction(name="helper", when=Condition(checks=(Checks.FAILING,)), act=Act.SPAWN))
    life.session = replace(life.record, spec=replace(life.record.spec, begun_by="helper"))

    assert life.react() == []
    assert life.judged().why == "its checks are failing, and a reaction has begun it, and it begins no other"


def test_another_session_has_the_same_agent_where_no_other_is_named() -> None:
    life = _red(Reaction(name="helper", when=Condition(checks=(Checks.FAILING,)), act=Act.SPAWN))
    life.react()
    (effect,) = life.in_flight(EffectKind.SPAWN)

    life.give(SpawnedAnother(effect=effect.id, spawned=life.record.id))

    assert effect.spawn is not None
    assert effect.spawn.agent == "claude"
    assert (life.ledger.attempts, life.ledger.failures) == (1, 0)


@pytest.mark.parametrize("escalation", [Priority.URGENT, None])
def test_a_command_that_succeeded_is_no_trouble_to_anybody(escalation: Priority | None) -> None:
    when = Condition(checks=(Checks.FAILING,))
    life = _red(Reaction(name="tidy", when=when, act=Act.RUN, command="make tidy", escalation=escalation))
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
    life = _red(Reaction(name="tidy", when=when, act=Act.RUN, command="make {tidy}"))
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
    life = _red(replace(CI_FAILED, attempts=1, escalation=None))
    life.react()
    life.types()
    life.looks(Activity.WAITING)
    life.told()

    assert life.judged().why == "its checks are failing; 1 of 1 attempts were made, and nobody is told"


def test_a_command_that_a_daemon_left_half_run_is_not_run_again() -> None:
    life = _red(Reaction(name="tidy", when=Condition(checks=(Checks.FAILING,)), act=Act.RUN, command="make tidy"))
    life.react()
    (effect,) = life.in_flight(EffectKind.RUN)
    life.session = replace(life.record, effects=(replace(effect, attempted=True),))

    life.restart()

    (over,) = [event for event in life.events if event.type is EventType.COMMAND_RUN]
    assert (over.exit_code, over.error) == (None, "the daemon ended while it was running")
    assert (life.ledger.attempts, life.ledger.failures, life.record.effects) == (1, 0, ())


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
    life = _blocked()
    life.session = replace(life.record, episodes=old)

    life.react()

    assert len(life.record.episodes) == EPISODES_MAX
    assert life.record.episodes[-1].reaction == "needs-input"
    assert life.record.episodes[0].reaction == "r1"


def test_a_react_that_is_due_no_more_changes_nothing() -> None:
    life = _red()
    due = life.judged()
    life.told(checks=Checks.PASSING)

    taken = life.give(React(reaction=CI_FAILED, seen=life.seen))

    assert due.is_due
    assert not taken.is_commit


def test_the_time_that_is_waited_for_is_the_first_that_matters() -> None:
    life = _red(replace(CI_FAILED, escalate_after_s=60.0, after_s=3_600.0))
    life.react()

    assert life.judged().again_in_s == pytest.approx(60.0)
