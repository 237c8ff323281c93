"""Reactions to what is not known, step by step: nothing is done, and some of it is waited for."""

import pytest
from msgspec.structs import replace

from orchestrd.core.reaction import Kind, left_over
from orchestrd.core.restart import owed_after_restart
from orchestrd.model.change import Checks, FailedCheck, Remark, Review
from orchestrd.model.event import EventType
from orchestrd.model.limits import LOGS_AWAITED_S
from orchestrd.model.reaction import Condition
from orchestrd.model.words import Activity
from tests.core.reacting import CI_FAILED, CLEARED, FIRED, NEEDS_INPUT, Reacting, blocked, red, types_of


def test_nothing_that_an_earlier_daemon_has_written_down_is_acted_upon() -> None:
    life = red()
    life.restart()

    assert (life.judged().kind, life.judged().why) == (
        Kind.UNKNOWN,
        "its forge has not told of it since the daemon started",
    )
    assert life.react() == []
    waits = blocked()
    waits.restart()
    assert waits.judged().why == "its run was not looked at since the daemon started"


@pytest.mark.parametrize("escalate_after_s", [None, 3_600.0])
def test_what_a_forge_told_long_ago_is_not_known_any_more(escalate_after_s: float | None) -> None:
    life = red(replace(CI_FAILED, escalate_after_s=escalate_after_s))
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
    life = red()
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
    life = red()
    life.react()
    life.types()
    before = life.ledger

    for checks in (Checks.PENDING, Checks.UNKNOWN, Checks.PENDING):
        life.told(after_s=600.0, checks=checks)
        assert life.judged().kind is Kind.UNKNOWN
        assert life.react() == []

    assert life.ledger == before


def test_what_is_switched_off_does_nothing() -> None:
    life = red(replace(CI_FAILED, is_on=False))

    assert (life.judged().kind, life.judged().why) == (Kind.NOTHING, "it is switched off")


def test_with_a_reaction_that_is_switched_off_or_gone_goes_what_it_has_begun() -> None:
    off, gone = red(), red()
    for life in (off, gone):
        life.react()
    off.reactions = (replace(CI_FAILED, is_on=False),)
    gone.reactions = left_over([NEEDS_INPUT], gone.record)

    events = [types_of(life.react()) for life in (off, gone)]

    assert events == [[EventType.MESSAGE_SETTLED, CLEARED]] * 2
    for life in (off, gone):
        assert (life.record.messages, life.record.episodes, life.react()) == ((), (), [])
    assert left_over([CI_FAILED], red().record) == ()


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
