"""Goals: what meets them, what an exit is worth before they are met, and which turn a verification speaks of."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from orchestrd.core.document import document
from orchestrd.core.goal import COMMIT, is_met, is_verified, why_unmet
from orchestrd.core.layout import Layout
from orchestrd.model.change import Change, Pr
from orchestrd.model.command import DuePassed, Revive, Stop, Swept, Verified
from orchestrd.model.effect import EffectKind
from orchestrd.model.event import Event, EventType
from orchestrd.model.limits import CHANGE_TOLD_S, ERROR_CHARS_MAX, REPORT_TEXT_CHARS_MAX, STUCK_AFTER_S, WITNESS_LAG_S
from orchestrd.model.observation import Exited, Reported, Testimony
from orchestrd.model.words import Activity, Reason, State, Until
from tests.core.interpreter import SESSION, Interpreter
from tests.core.strategies import OPENING, Happening, Proposed, Script, Untold, completed, send
from tests.reports import a_report


@dataclass(frozen=True)
class Report:
    """What the agent reports, now."""

    activity: Activity

    def befall(self, life: Interpreter) -> None:
        life.give(completed(a_report(self.activity, at=life.now.at, offset=7, generation=0), life.record))


@dataclass(frozen=True)
class Exit:
    """Its launcher has recorded that it exited with 0, so long ago."""

    ago_s: float = 0.0

    def befall(self, life: Interpreter) -> None:
        life.wait(-self.ago_s)
        at = life.now.at
        life.wait(self.ago_s)
        life.give(Exited(generation=1, observer="process", exit_code=0, exit_signal=None, at=at))


Step = Report | Exit | Happening | Proposed | Untold
WORKS, WAITS, BLOCKS = Report(Activity.WORKING), Report(Activity.WAITING), Report(Activity.BLOCKED)
GREEN = Happening(
    Verified(effect="in flight", generation=0, exit_code=0, is_clean=True, head="c0ffee", beginning="bea0")
)
UNTOUCHED = Happening(
    Verified(effect="in flight", generation=0, exit_code=0, is_clean=True, head="c0ffee", beginning="c0ffee")
)
RED = Happening(Verified(effect="in flight", generation=0, exit_code=1, output="1 failed"))


def after(until: Until, *steps: Step) -> Interpreter:
    """Live through these, each five seconds after the other."""
    life = Script(until, OPENING).live()
    for step in steps:
        life.wait(5.0)
        step.befall(life)
    return life


def verifies(life: Interpreter) -> bool:
    return any(effect.kind is EffectKind.VERIFY for effect in life.record.effects)


def told(life: Interpreter) -> list[Event]:
    return [event for event in life.events if event.type is EventType.VERIFIED]


def stand(life: Interpreter) -> tuple[State, Reason]:
    return life.record.state, life.record.reason


@pytest.mark.parametrize("pr", [Pr.UNKNOWN, Pr.NONE, Pr.DRAFT, Pr.CLOSED])
def test_a_pull_request_that_is_not_open_is_not_what_was_asked_for(pr: Pr) -> None:
    life = after(Until.PR_OPEN, WORKS, Proposed(pr), WAITS)

    assert stand(life) == (State.RUNNING, Reason.STARTED)


@pytest.mark.parametrize("pr", [Pr.OPEN, Pr.MERGED])
def test_a_pull_request_that_is_open_or_merged_already_meets_the_goal_when_the_turn_is_over(pr: Pr) -> None:
    life = after(Until.PR_OPEN, WORKS, Proposed(pr), WAITS)

    assert stand(life) == (State.STOPPING, Reason.GOAL_MET)


@pytest.mark.parametrize("step", [BLOCKS, Report(Activity.LIMITED)])
def test_an_agent_whose_pull_request_is_open_is_not_ended_in_the_middle_of_its_turn(step: Report) -> None:
    life = after(Until.PR_OPEN, WORKS, Proposed(Pr.OPEN), step)

    assert stand(life) == (State.RUNNING, Reason.STARTED)


@pytest.mark.parametrize("step", [BLOCKS, Report(Activity.LIMITED), WAITS])
def test_an_agent_whose_pull_request_is_merged_is_ended_wherever_it_has_halted(step: Report) -> None:
    life = after(Until.PR_MERGED, WORKS, Proposed(Pr.MERGED), step)

    assert stand(life) == (State.STOPPING, Reason.GOAL_MET)


def test_an_agent_that_works_on_after_the_merge_is_ended_only_when_it_is_stuck() -> None:
    life = after(Until.PR_MERGED, WORKS, Proposed(Pr.MERGED), WORKS)
    before = stand(life)

    life.wait(STUCK_AFTER_S + 1)
    life.give(DuePassed(name=life.record.dues[0].name))

    assert before == (State.RUNNING, Reason.STARTED)
    assert stand(life) == (State.STOPPING, Reason.GOAL_MET)


def test_what_is_still_to_be_said_is_said_before_a_merge_ends_it() -> None:
    life = after(Until.PR_MERGED, WORKS, send("m1"), Proposed(Pr.MERGED), WAITS)

    assert stand(life) == (State.RUNNING, Reason.STARTED)
    assert any(effect.kind is EffectKind.DELIVER for effect in life.record.effects)


def test_a_session_that_is_revived_after_its_merge_is_not_ended_before_it_has_done_something() -> None:
    life = after(Until.PR_MERGED, WORKS, Proposed(Pr.MERGED), WAITS, Exit())
    generation = Script(Until.PR_MERGED, OPENING)

    life.give(Revive(session=SESSION))
    for act in generation.acts:
        act.befall(life)
    before = stand(life)
    WAITS.befall(life)

    assert before == (State.RUNNING, Reason.STARTED)
    assert stand(life) == (State.STOPPING, Reason.GOAL_MET)


def test_an_agent_that_exits_before_its_pull_request_is_told_of_is_not_judged_yet() -> None:
    life = after(Until.PR_OPEN, WORKS, Exit(), Proposed(Pr.OPEN), Exit(ago_s=10.0))

    assert stand(life) == (State.COMPLETED, Reason.PR_OPENED)


def test_an_agent_that_exits_without_a_pull_request_has_failed_once_a_forge_could_have_told() -> None:
    life = after(Until.PR_OPEN, WORKS, Exit(), Exit(ago_s=CHANGE_TOLD_S + 1))

    assert stand(life) == (State.FAILED, Reason.GOAL_UNMET)
    assert life.record.exit_code == 0
    assert life.record.error is not None
    assert life.record.error.endswith(f"go on with: orch revive {life.record.id}")


def test_an_exit_that_lies_in_the_future_holds_nothing_back() -> None:
    life = after(Until.PR_OPEN, WORKS, Exit(ago_s=-86_400.0))

    assert stand(life) == (State.FAILED, Reason.GOAL_UNMET)


def test_what_a_sweep_proves_of_an_exit_is_no_more_than_an_exit() -> None:
    life = after(Until.VERIFY, WORKS)
    proof = Exited(generation=1, observer="process", exit_code=0, exit_signal=None, at=life.now.at, error="left: 4711")
    life.give(proof)

    life.give(completed(Swept(effect="in flight", generation=0, exit=replace(proof, generation=0)), life.record))

    assert stand(life) == (State.FAILED, Reason.GOAL_UNMET)
    assert life.record.error is not None
    assert "it is not verified: nothing was found out" in life.record.error


def test_each_turn_that_is_over_is_verified_once() -> None:
    life = after(Until.VERIFY, WORKS, WAITS, RED)
    is_verified_again = verifies(life)

    for step in (WORKS, WAITS):
        life.wait(5.0)
        step.befall(life)

    assert not is_verified_again
    assert verifies(life)


def test_a_witness_that_is_late_to_say_that_the_turn_is_over_has_nothing_verified_again() -> None:
    life = after(Until.VERIFY, WORKS, WAITS)
    over_at = life.now.at
    life.wait(WITNESS_LAG_S / 2)
    late = Testimony(observer="transcript", rank=1, allows=(Activity.WAITING,), at=life.now.at, is_turn_over=True)

    life.give(Reported(generation=1, testimonies=(late,)))
    still = [effect.id for effect in life.record.effects]
    life.wait(5.0)
    RED.befall(life)

    assert life.record.turn_over_at is not None
    assert life.record.turn_over_at > over_at
    assert still == ["1.2"]
    assert not verifies(life)


def test_a_turn_that_nobody_saw_begin_calls_the_verification_of_the_one_before_off() -> None:
    life = after(Until.VERIFY, WORKS, WAITS)
    before = [effect.id for effect in life.record.effects]

    life.wait(30.0)
    WAITS.befall(life)

    assert [effect.id for effect in life.record.effects] != before
    assert verifies(life)


def test_a_verification_is_green_only_where_the_command_succeeds_and_all_is_committed() -> None:
    for code, is_clean, sentence in (
        (0, False, COMMIT),
        (0, None, "nobody knows whether all is committed"),
        (3, True, "exit code 3"),
        (None, True, "could not be run"),
    ):
        result = Happening(Verified(effect="in flight", generation=0, exit_code=code, is_clean=is_clean))

        life = after(Until.VERIFY, WORKS, WAITS, result)

        assert life.record.state is State.RUNNING
        assert (told(life)[-1].to, is_verified(life.record)) == ("red", False)
        assert sentence in (told(life)[-1].error or "")


def test_a_green_verification_meets_the_goal_and_is_kept() -> None:
    life = after(Until.VERIFY, WORKS, WAITS, GREEN)

    assert stand(life) == (State.STOPPING, Reason.GOAL_MET)
    assert life.record.verification is not None
    assert (life.record.verification.head, life.record.verification.error) == ("c0ffee", None)
    assert told(life)[-1].to == "green"


def test_a_verification_that_is_under_way_is_told_with_the_end_of_its_turn() -> None:
    life = after(Until.VERIFY, WORKS, WAITS)
    during = document(life.record, Layout("/h"))

    RED.befall(life)

    assert during.verifying_since == life.record.turn_over_at
    assert during.verifying_since is not None
    assert document(life.record, Layout("/h")).verifying_since is None


def test_what_is_green_at_the_commit_it_began_at_proves_nothing_and_asks_nothing_of_its_agent() -> None:
    life = after(Until.VERIFY, WORKS, WAITS, UNTOUCHED)
    before, is_verified_again = stand(life), verifies(life)

    Exit().befall(life)

    assert (before, is_verified_again) == ((State.RUNNING, Reason.STARTED), False)
    assert (told(life)[-1].to, told(life)[-1].error) == ("green", None)
    assert stand(life) == (State.FAILED, Reason.GOAL_UNMET)
    assert "it is not verified: nothing is committed since it began" in (life.record.error or "")


def test_an_agent_that_exits_is_verified_then_and_judged_by_it() -> None:
    life = after(Until.VERIFY, WORKS, Exit(), GREEN, Exit(ago_s=10.0))
    other = after(Until.VERIFY, WORKS, Exit(), RED, Exit(ago_s=10.0))

    assert stand(life) == (State.COMPLETED, Reason.VERIFIED)
    assert stand(other) == (State.FAILED, Reason.GOAL_UNMET)


def test_a_verification_that_is_under_way_when_its_agent_exits_counts() -> None:
    life = after(Until.VERIFY, WORKS, WAITS, Exit(), GREEN, Exit(ago_s=10.0))

    assert stand(life) == (State.COMPLETED, Reason.VERIFIED)
    assert len(told(life)) == 1


def test_a_word_that_comes_after_the_exit_calls_no_verification_off() -> None:
    life = after(Until.VERIFY, WORKS, Exit(), WORKS)

    assert verifies(life)


def test_an_open_pull_request_is_no_goal_before_it_is_verified_where_there_is_a_command_for_that() -> None:
    life = after(Until.PR_OPEN, WORKS, Proposed(Pr.OPEN))
    life.session = replace(life.record, spec=replace(life.record.spec, verify="make test"))

    WAITS.befall(life)
    life.wait(5.0)
    RED.befall(life)

    assert not is_met(life.record)
    assert "it is not verified: its command failed with exit code 1" in why_unmet(life.record, None)


def test_why_no_forge_has_told_of_a_pull_request_is_said_where_none_was_seen() -> None:
    life = after(Until.PR_OPEN, WORKS, Untold("its repository has no remote 'origin'"), Exit())
    life.wait(CHANGE_TOLD_S + 1)
    Exit(ago_s=CHANGE_TOLD_S + 1).befall(life)

    assert life.record.reason is Reason.GOAL_UNMET
    assert "no pull request of its branch is known to be open (its repository has no remote 'origin')" in str(
        life.record.error
    )


def test_what_a_forge_has_told_meanwhile_is_not_said_to_be_untold() -> None:
    life = after(Until.PR_OPEN, WORKS, Untold("502"), Proposed(Pr.NONE))
    ended = after(Until.PR_OPEN, WORKS)
    ended.session = replace(ended.record, state=State.COMPLETED)
    led_into = Change(forge="local", repository="/hub", branch="main", pr=Pr.NONE, error="main is led into")

    Untold("502").befall(ended)

    assert (life.evidence.untold, ended.evidence.untold) == (None, None)
    assert "is known to be open (main is led into);" in why_unmet(replace(life.record, change=led_into), None)


def test_a_turn_is_no_goal_before_it_is_verified_where_there_is_a_command_for_that() -> None:
    life = after(Until.TURN, WORKS)
    life.session = replace(life.record, spec=replace(life.record.spec, verify="make test"))

    WAITS.befall(life)
    before = stand(life)
    GREEN.befall(life)

    assert before == (State.RUNNING, Reason.STARTED)
    assert stand(life) == (State.STOPPING, Reason.GOAL_MET)


def test_what_a_verification_says_is_bounded_in_record_and_event() -> None:
    long = Happening(Verified(effect="in flight", generation=0, exit_code=None, output="x" * 5_000, error="y" * 5_000))

    life = after(Until.VERIFY, WORKS, WAITS, long)

    assert life.record.verification is not None
    assert len(life.record.verification.error or "") == ERROR_CHARS_MAX
    assert len(told(life)[-1].text or "") == REPORT_TEXT_CHARS_MAX


def test_a_revived_session_has_nothing_verified_yet() -> None:
    life = after(Until.VERIFY, WORKS, WAITS, RED, Exit())

    life.give(Revive(session=SESSION))

    assert life.record.verification is None


def test_what_is_found_out_after_an_exit_ends_the_session_at_once() -> None:
    verified, proposed = (
        after(Until.VERIFY, WORKS, Exit(), GREEN),
        after(Until.PR_OPEN, WORKS, Exit(), Proposed(Pr.OPEN)),
    )

    assert stand(verified) == (State.COMPLETED, Reason.VERIFIED)
    assert stand(proposed) == (State.COMPLETED, Reason.PR_OPENED)
    assert verified.record.exit_code == proposed.record.exit_code == 0


def test_a_stop_while_an_exit_is_held_back_ends_the_session_as_stopped() -> None:
    life = after(Until.VERIFY, WORKS, Exit(), Happening(Stop(session=SESSION)))

    Exit().befall(life)

    assert stand(life) == (State.CANCELLED, Reason.STOPPED)
    assert not verifies(life)


def test_a_daemon_that_ends_while_an_exit_is_held_back_finds_it_again() -> None:
    life = after(Until.VERIFY, WORKS, Exit())

    life.restart()
    before = stand(life)
    GREEN.befall(life)
    Exit(ago_s=10.0).befall(life)

    assert before == (State.RUNNING, Reason.STARTED)
    assert stand(life) == (State.COMPLETED, Reason.VERIFIED)


def test_nothing_is_typed_into_an_agent_whose_exit_is_held_back() -> None:
    life = after(Until.VERIFY, WORKS, Exit(), send("m1"))

    assert [effect.kind for effect in life.record.effects] == [EffectKind.VERIFY]


def test_a_terminal_that_was_closed_is_no_exit_to_wait_for() -> None:
    life = after(Until.VERIFY, WORKS)

    at = life.now.at
    life.give(Exited(generation=1, observer="process", exit_code=0, exit_signal=None, at=at, hung_up=True))

    assert stand(life) == (State.FAILED, Reason.TERMINAL_LOST)
