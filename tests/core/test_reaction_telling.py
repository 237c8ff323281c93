"""Reactions that tell a person, step by step: with a notice, or because what they tried has come to nothing."""

import pytest
from msgspec.structs import replace

from orchestrd.core.reaction import Kind
from orchestrd.model.change import Checks
from orchestrd.model.command import Notified
from orchestrd.model.decision import Decision, DecisionKind
from orchestrd.model.effect import EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.limits import FAILED_ATTEMPTS_MIN, NOTICES_MAX
from orchestrd.model.notice import Priority
from orchestrd.model.observation import Exited
from orchestrd.model.reaction import Condition
from orchestrd.model.words import Activity, Receipt
from tests.core.reacting import CI_FAILED, ESCALATED, FAILED, FIRED, NEEDS_INPUT, Reacting, blocked, red, types_of

# ---- what comes to nothing


def test_a_message_that_was_refused_is_sent_again_and_then_a_person_is_told() -> None:
    life = red(replace(CI_FAILED, attempts=1, every_s=60.0))
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
    life = red(replace(CI_FAILED, attempts=1))
    life.react()
    life.types(Receipt.UNKNOWN)

    assert (life.ledger.attempts, life.ledger.failures, life.ledger.in_flight) == (1, 0, None)
    assert FAILED not in types_of(life.events)


def test_what_came_to_nothing_for_an_older_commit_costs_the_new_one_nothing() -> None:
    life = red()
    life.react()
    (effect,) = life.in_flight(EffectKind.DELIVER)
    life.session = replace(life.record, effects=(replace(effect, attempted=True),))
    life.told(head="c2")
    life.react()

    life.types(Receipt.REFUSED)

    assert (life.ledger.key, life.ledger.attempts, life.ledger.failures) == ("c2", 0, 0)
    assert FAILED not in types_of(life.events)


def test_what_the_end_of_a_run_kept_from_being_typed_was_never_sent() -> None:
    life = red()
    life.react()
    life.looks(Activity.WORKING)

    life.give(Exited(generation=1, observer="process", exit_code=0, exit_signal=None, at=life.now.at))

    assert life.record.is_terminal
    assert (life.ledger.attempts, life.ledger.failures, life.ledger.in_flight) == (0, 0, None)


# ---- who is told


def test_a_person_is_told_once_what_is_needed() -> None:
    life = blocked()

    events = life.react()
    life.give(Notified(effect=life.in_flight(EffectKind.NOTIFY)[0].id, reached=("phone",)))
    life.looks(after_s=100_000.0)

    assert types_of(events) == [FIRED]
    assert types_of(life.events)[-1] is EventType.NOTICE_TOLD
    assert (life.judged().kind, life.react()) == (Kind.SPENT, [])


def test_a_notice_says_whose_it_is_what_holds_and_where_to_look() -> None:
    life = red(replace(NEEDS_INPUT, when=Condition(checks=(Checks.FAILING,)), text="look at {pr_url}"))
    life.react()

    (effect,) = life.in_flight(EffectKind.NOTIFY)
    notice = effect.notice

    assert notice is not None
    assert (notice.title, notice.text) == ("work: its checks are failing", "look at https://github.com/o/r/pull/7")
    assert (notice.priority, notice.session, notice.reaction) == (Priority.URGENT, "abcdefgh", "needs-input")
    assert (notice.url, effect.reaction) == ("https://github.com/o/r/pull/7", "needs-input")


def test_another_decision_is_another_need_and_one_that_becomes_known_is_not() -> None:
    first = Decision(id="d1", kind=DecisionKind.DIALOG, text="one?")
    life = blocked()
    life.react()
    life.give(Notified(effect=life.in_flight(EffectKind.NOTIFY)[0].id, reached=("phone",)))

    life.looks(Activity.BLOCKED, after_s=60.0, decision=first)
    known = life.react()
    life.looks(Activity.BLOCKED, after_s=60.0, decision=replace(first, id="d2"))
    another = life.react()

    assert FIRED not in types_of(known)
    assert FIRED in types_of(another)


def test_a_notice_is_escalated_only_by_time_or_where_it_reaches_nobody() -> None:
    life = blocked(replace(NEEDS_INPUT, escalate_after_s=7_200.0))
    life.react()
    life.give(Notified(effect=life.in_flight(EffectKind.NOTIFY)[0].id, reached=("phone",)))
    life.looks(after_s=700.0)
    spent = life.judged()

    life.looks(after_s=7_000.0)

    assert spent.kind is Kind.SPENT
    assert spent.again_in_s == pytest.approx(7_200.0 - 700.0)
    assert types_of(life.react()) == [ESCALATED]


def test_a_notice_that_reaches_nobody_is_told_again_and_one_that_nobody_is_to_hear_is_not() -> None:
    life, alone = blocked(), blocked()
    for one, error in ((life, "phone: no answer"), (alone, None)):
        one.react()
        one.give(Notified(effect=one.in_flight(EffectKind.NOTIFY)[0].id, error=error))
        one.looks(after_s=700.0)
        one.react()

    assert types_of(life.events).count(FIRED) == 2
    assert EventType.NOTICE_FAILED in types_of(life.events)
    assert types_of(alone.events).count(FIRED) == 1


def test_where_nobody_is_to_be_told_its_budget_ends_in_silence() -> None:
    life = red(replace(CI_FAILED, attempts=1, escalation=None))
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
