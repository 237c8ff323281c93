"""Reactions that say something to an agent, step by step: what is sent, when again, and where it cannot be said."""

import re
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.core.reaction import Kind
from orchestrd.model.change import Checks, Remark
from orchestrd.model.command import Send
from orchestrd.model.effect import EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.limits import ATTEMPT_PAUSE_S, ENDED_REACTS_S, MESSAGES_MAX, PAUSE_S_MAX
from orchestrd.model.notice import Priority
from orchestrd.model.reaction import Condition
from orchestrd.model.session import Message
from orchestrd.model.words import Activity, Authority, Ending, Reason, Receipt, State
from tests.core.reacting import CI_FAILED, CLEARED, ESCALATED, FIRED, SPEC, Reacting, red, types_of

# ---- what is sent, and again


def test_what_fails_is_sent_once_with_its_name_in_the_ledger_and_the_journal() -> None:
    life = red()

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
    life = red()
    life.react()
    life.told(after_s=3_600.0)

    assert (life.judged().kind, life.judged().why) == (
        Kind.WAITING,
        "its checks are failing; its newest attempt is still under way",
    )
    assert life.react() == []


def test_it_is_sent_again_after_its_pause_and_when_that_is_over_a_person_is_told_once() -> None:
    life = red()
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
    life = red()
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
    life = red(replace(CI_FAILED, attempts=1))
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
    life = red()
    life.react()
    life.types()
    life.looks(Activity.WAITING, after_s=1_000.0)

    assert life.judged().why == "its checks are failing; nothing was looked at since its last attempt"
    assert life.react() == []


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    life, clear = red(), red()
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
    life = red()
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
    life = red()
    life.react()
    first = life.record.messages[0].id
    life.looks(Activity.WORKING)

    life.told(after_s=60.0, head="c2")
    events = life.react()
    begun = red()
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
    life = red()
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
    life = red(replace(CI_FAILED, rounds=2))
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
    life = red(replace(CI_FAILED, attempts=100, every_s=600.0, backoff=1e300))
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
    life = red(replace(CI_FAILED, escalate_after_s=3_600.0))
    life.session = replace(life.record, **facts)

    held = life.judged()
    life.react()

    assert (held.kind, held.why) == (Kind.HELD, f"its checks are failing; {why}")
    assert (life.ledger.attempts, types_of(life.events)) == (0, [EventType.ACTIVITY_CHANGED, EventType.CHANGE_CHANGED])
    life.told(after_s=3_600.0)
    assert types_of(life.react()) == [ESCALATED]  # a person is told all the same
    assert life.events[-1].text == "its checks are failing; that has been so for 1h"


def test_of_the_pull_request_of_a_session_that_has_ended_a_person_is_told() -> None:
    life = red()
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
    life = red()
    mine = Message(id="mine", text="wait", authority=Authority.USER, awaits_turn=True)
    life.session = replace(life.record, messages=(mine,))

    life.react()

    assert [message.id == "mine" for message in life.record.messages] == [True, False]
