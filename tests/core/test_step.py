"""Single decisions that a law does not name: what is refused and why, what is bounded, what is clamped."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from orchestrd.core.evidence import TYPING
from orchestrd.core.step import Refusal, step
from orchestrd.model.command import (
    Attempted,
    Delivered,
    DuePassed,
    Kill,
    LaunchFailed,
    Placed,
    Revive,
    Send,
    Spawn,
    Stop,
    Swept,
)
from orchestrd.model.event import EventType
from orchestrd.model.instant import DueName
from orchestrd.model.limits import (
    DELIVERY_S,
    ERROR_CHARS_MAX,
    GRACE_S_MAX,
    MESSAGE_BYTES_MAX,
    MESSAGES_MAX,
    REPORT_TEXT_CHARS_MAX,
    SETTLED_MAX,
    WITNESSES_MAX,
)
from orchestrd.model.observation import Cause, Evidence, Exited, Reported, Sighted, Started, Testimony, Vanished
from orchestrd.model.words import Activity, Authority, Ending, Liveness, Reason, Receipt, State, Until
from tests import reports
from tests.core.interpreter import NOON, SESSION, Interpreter
from tests.core.stands import ENDS, INPUTS, stands
from tests.core.strategies import OPENING, Script, completed, say

DAY = timedelta(days=1)


def running() -> Interpreter:
    return Script(Until.EXIT, OPENING).live()


def a_send(message: str, text: str = "go on") -> Send:
    return Send(session=SESSION, message=message, text=text)


def a_report(activity: Activity, offset: int, text: str | None = None) -> Reported:
    return reports.a_report(activity, at=NOON, offset=offset, text=text)


def exit_at(life: Interpreter, seconds: float) -> Exited:
    at = life.now.at + timedelta(seconds=seconds)
    return Exited(generation=1, observer="process", exit_code=0, exit_signal=None, at=at)


def refusals() -> Iterator[Refusal]:
    for _, life in stands():
        for input_ in INPUTS.values():
            complete = completed(input_(life.record) if callable(input_) else input_, life.record)
            reply = step(life.record, life.evidence, complete, life.now).reply
            if isinstance(reply, Refusal):
                yield reply


# ---- refusals --------------------------------------------------------------------------------------------------------


def test_every_refusal_names_the_session_the_cause_and_the_next_command() -> None:
    for refusal in refusals():
        assert SESSION in refusal.message
        assert refusal.hint.startswith("orch ")
        assert refusal.code.isidentifier()


@pytest.mark.parametrize("text", ["\ud800", "a\0b", "x" * (MESSAGE_BYTES_MAX + 1), "é" * (MESSAGE_BYTES_MAX // 2 + 1)])
def test_a_text_that_cannot_be_stored_or_typed_is_refused(text: str) -> None:
    life = running()

    reply = life.give(a_send("m", text)).outcome.reply

    assert isinstance(reply, Refusal)
    assert (reply.code, life.record.messages) == ("bad_message", ())


def test_one_message_more_than_a_session_can_hold_is_refused() -> None:
    life = Script(Until.EXIT, ()).live()
    for number in range(MESSAGES_MAX):
        assert life.give(a_send(f"m{number}")).outcome.reply is Receipt.QUEUED

    reply = life.give(a_send("one more")).outcome.reply

    assert isinstance(reply, Refusal)
    assert (reply.code, len(life.record.messages)) == ("queue_full", MESSAGES_MAX)


def test_only_a_spawn_means_anything_to_a_session_that_is_not_there() -> None:
    life = Interpreter()

    for input_ in (Placed(), Kill(session=SESSION), exit_at(life, 0), DuePassed(name=DueName.START)):
        outcome = step(None, Evidence(), input_, life.now)
        assert (outcome.session, outcome.events, outcome.reply) == (None, (), None)


# ---- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked_s", "given_s"),
    [(0.0, 0.0), (-5.0, 0.0), (float("nan"), 0.0), (float("inf"), GRACE_S_MAX), (3.5, 3.5), (None, 10.0)],
)
def test_a_grace_is_what_was_asked_for_within_its_bounds(asked_s: float | None, given_s: float) -> None:
    life = running()

    life.give(Stop(session=SESSION, grace_s=asked_s))

    assert [due.wait_s(life.now) for due in life.record.dues] == [given_s]


def test_errors_are_cut_to_what_a_record_may_hold() -> None:
    long = "x" * (2 * ERROR_CHARS_MAX)
    starting = Script(Until.EXIT, OPENING[:2]).live()
    killing = running()
    killing.give(Kill(session=SESSION))
    typing = running()
    typing.give(a_send("m"))

    starting.give(LaunchFailed(effect="1.1", generation=1, error=long))
    killing.give(Swept(effect="1.2", generation=1, survivors=tuple(range(10_000, 11_000))))
    typing.give(Delivered(effect="1.2", generation=1, receipt=Receipt.REFUSED, error=long))

    errors = [event.error for life in (starting, killing, typing) for event in life.events if event.error]
    errors += [starting.record.error or "", killing.record.error or "", typing.record.settled[0].error or ""]
    assert [len(error) for error in errors] == [ERROR_CHARS_MAX] * 6


def test_a_report_is_cut_and_observers_are_bounded() -> None:
    life = running()

    life.give(a_report(Activity.WAITING, 7, "x" * 10_000))
    for number in range(WITNESSES_MAX + 3):
        life.give(Sighted(generation=1, observer=f"o{number}", verdict=Liveness.ALIVE))

    assert life.record.activity_text == "x" * REPORT_TEXT_CHARS_MAX
    assert life.record.attested[-1] == f"o{WITNESSES_MAX + 2}"
    assert len(life.record.attested) == WITNESSES_MAX


def test_the_newest_settled_messages_are_remembered() -> None:
    life = running()

    for number in range(SETTLED_MAX + 2):
        life.give(a_send(f"m{number}"))
        life.give(Delivered(effect=life.record.effects[0].id, generation=1, receipt=Receipt.TYPED))

    assert [settled.id for settled in life.record.settled] == [f"m{n}" for n in range(2, SETTLED_MAX + 2)]


# ---- reports ---------------------------------------------------------------------------------------------------------


def test_a_line_of_reports_counts_once_by_where_it_ends() -> None:
    life = running()
    life.give(a_report(Activity.WAITING, 20))
    life.give(a_report(Activity.WORKING, 40))

    heard_again = life.give(a_report(Activity.WAITING, 20))

    assert not heard_again.is_commit
    assert (life.record.activity, life.record.hooks_offset) == (Activity.WORKING, 40)


def test_a_line_read_again_does_not_undo_what_was_typed_since() -> None:
    life = running()
    life.give(a_report(Activity.WAITING, 20))
    life.give(a_send("m"))
    life.give(Attempted(effect="1.2"))

    life.restart()
    life.give(a_report(Activity.WAITING, 20))

    assert life.record.activity is Activity.UNKNOWN


def test_messages_that_were_never_typed_are_told_of_at_the_end() -> None:
    life = running()
    life.give(a_report(Activity.WORKING, 20))
    life.give(a_send("m"))
    life.give(exit_at(life, 1.0))

    assert life.record.notice == "1 message was never typed: send again after a revive"


def test_the_end_of_an_agent_that_is_being_typed_into_waits_for_what_became_of_the_message() -> None:
    life = running()
    life.give(a_send("m"))
    life.give(Attempted(effect="1.2"))

    life.give(exit_at(life, 0.0))
    held_back = (life.record.state, life.record.liveness)
    life.give(Delivered(effect="1.2", generation=1, receipt=Receipt.SUBMITTED))
    life.give(exit_at(life, 0.0))

    assert held_back == (State.RUNNING, Liveness.DEAD)
    assert [settled.receipt for settled in life.record.settled] == [Receipt.SUBMITTED]
    assert (life.record.state, life.record.reason) == (State.COMPLETED, Reason.EXITED)


@pytest.mark.parametrize("seconds", [-DELIVERY_S - 1.0, 60.0], ids=["long ago", "by a clock that went back"])
def test_the_end_of_an_agent_that_is_being_typed_into_does_not_wait_for_ever(seconds: float) -> None:
    life = running()
    life.give(a_send("m"))
    life.give(Attempted(effect="1.2"))

    life.give(exit_at(life, seconds))

    assert [settled.receipt for settled in life.record.settled] == [Receipt.UNKNOWN]
    assert life.record.state is State.COMPLETED


def test_while_a_message_is_typed_a_word_that_cannot_tell_brings_no_older_one_back() -> None:
    life = running()
    life.give(a_report(Activity.WAITING, 20))
    life.wait(1.0)
    life.give(a_send("m"))
    life.give(Attempted(effect="1.2"))
    life.wait(0.1)
    unsure = Testimony(observer="title", allows=(Activity.WAITING, Activity.BLOCKED), at=life.now.at)
    older = Testimony(observer="session_file", allows=(Activity.WAITING,), at=life.now.at - timedelta(seconds=1))

    life.give(Reported(generation=1, testimonies=(unsure,)))
    life.give(Reported(generation=1, testimonies=(older,)))

    assert (life.record.activity, life.record.activity_source) == (Activity.UNKNOWN, TYPING)


def typed_into() -> tuple[Interpreter, Testimony, Testimony]:
    """Give a session whose agent is being typed into, what its state file still says, and what its hook says next."""
    life = running()
    life.give(a_report(Activity.WAITING, 20))
    idle = Testimony(observer="session_file", allows=(Activity.WAITING,), at=life.now.at)
    life.wait(0.3)
    life.give(a_send("m"))
    life.give(Attempted(effect="1.2"))
    life.wait(0.1)
    return life, idle, Testimony(observer="hook", allows=(Activity.WORKING,), at=life.now.at, offset=40)


def a_turn_begins(at: datetime) -> Testimony:
    """Give what the hook says of a prompt."""
    return Testimony(observer="hook", allows=(Activity.WORKING,), at=at, offset=20)


def test_a_state_file_that_is_late_does_not_deny_the_turn_that_a_message_has_begun() -> None:
    life, idle, submitted = typed_into()

    life.give(Reported(generation=1, testimonies=(idle, submitted), hooks_offset=40))
    life.give(Delivered(effect="1.2", generation=1, receipt=Receipt.SUBMITTED))
    late = life.give(Reported(generation=1, testimonies=(idle,), hooks_offset=40))

    assert life.record.activity is Activity.WORKING
    assert late.outcome.events == ()


def test_a_transcript_that_is_read_again_after_a_restart_undoes_nothing_for_a_moment() -> None:
    life = running()
    life.give(a_report(Activity.WORKING, 20))
    life.wait(0.5)
    life.give(a_report(Activity.BLOCKED, 40))
    life.restart()
    read_again = Testimony(observer="transcript", allows=(Activity.WORKING,), at=life.now.at)
    asking = Testimony(observer="session_file", allows=(Activity.BLOCKED,), at=life.now.at)

    looked = life.give(Reported(generation=1, testimonies=(read_again, asking), hooks_offset=40))

    assert looked.outcome.events == ()
    assert life.record.activity is Activity.BLOCKED


def test_the_last_line_of_a_hook_is_not_met_by_what_the_screen_showed_a_look_before() -> None:
    life = running()
    prompt = Testimony(observer="screen", allows=(Activity.WAITING,), at=life.now.at)
    life.give(Reported(generation=1, testimonies=(prompt,)))
    life.wait(0.5)
    unsure = Testimony(observer="hook", allows=(Activity.WAITING, Activity.BLOCKED), at=life.now.at, offset=40)
    dialog = Testimony(observer="screen", allows=(Activity.BLOCKED,), at=life.now.at)
    life.give(Reported(generation=1, testimonies=(a_turn_begins(life.now.at),), hooks_offset=20))

    looked = life.give(Reported(generation=1, testimonies=(unsure, dialog), hooks_offset=40))

    assert [(event.from_, event.to) for event in looked.outcome.events] == [("working", "blocked")]


def test_a_message_that_nobody_saw_taken_leaves_the_state_file_its_word() -> None:
    life, idle, _ = typed_into()

    life.give(Reported(generation=1, testimonies=(idle,)))
    life.give(Delivered(effect="1.2", generation=1, receipt=Receipt.TYPED))
    life.give(Reported(generation=1, testimonies=(idle,)))

    assert life.record.activity is Activity.WAITING


def test_a_turn_that_was_over_is_still_over_when_a_message_could_not_be_typed() -> None:
    life = Script(Until.TURN, OPENING).live()
    life.give(a_report(Activity.WORKING, 20))
    life.give(a_send("m"))
    life.give(a_report(Activity.WAITING, 40))
    life.give(Attempted(effect="1.2"))

    life.give(Delivered(effect="1.2", generation=1, receipt=Receipt.REFUSED, error="the tmux server is busy"))

    assert (life.record.state, life.record.ending) == (State.STOPPING, Ending.TURN_DONE)


@pytest.mark.parametrize(("receipt", "state"), [(Receipt.SUBMITTED, State.RUNNING), (Receipt.REFUSED, State.STOPPING)])
def test_a_late_word_of_the_turn_before_a_message_is_no_word_of_the_turn_behind_it(
    receipt: Receipt, state: State
) -> None:
    life = Script(Until.TURN, OPENING).live()
    life.give(a_report(Activity.WORKING, 20))
    life.give(a_send("m"))
    life.wait(5.0)
    life.give(Reported(generation=1, testimonies=(state_file(Activity.WAITING, life.now.at),), hooks_offset=20))
    over = Testimony(observer="hook", allows=(Activity.WAITING,), at=life.now.at, is_turn_over=True, offset=40)
    life.wait(0.1)
    life.give(Attempted(effect="1.2"))

    life.give(Reported(generation=1, testimonies=(over,), hooks_offset=40))
    life.wait(0.1)
    if receipt is Receipt.SUBMITTED:
        working = state_file(Activity.WORKING, life.now.at)
        life.give(Reported(generation=1, testimonies=(working,), hooks_offset=40))
    life.give(Delivered(effect="1.2", generation=1, receipt=receipt))
    life.wait(5.0)
    interrupted = state_file(Activity.WAITING, life.now.at)
    life.give(Reported(generation=1, testimonies=(interrupted,), hooks_offset=40))

    assert life.record.state is state


def state_file(activity: Activity, at: datetime) -> Testimony:
    return Testimony(observer="session_file", allows=(activity,), at=at)


def test_a_goal_is_not_met_by_a_run_that_is_being_swept() -> None:
    life = Script(Until.TURN, OPENING).live()
    life.give(Vanished(generation=1, observer="process", cause=Cause.PROCESS_GONE))

    life.give(a_report(Activity.WAITING, 20))

    assert (life.record.state, life.record.ending) == (State.RUNNING, Ending.GONE)


def test_a_new_text_of_the_same_activity_is_kept_without_an_event() -> None:
    life = running()
    life.give(a_report(Activity.WAITING, 20, "first"))
    life.wait(5.0)

    again = life.give(a_report(Activity.WAITING, 40, "second"))

    assert again.outcome.events == ()
    assert (life.record.activity_text, life.record.activity_since) == ("second", NOON)


# ---- stamps ----------------------------------------------------------------------------------------------------------


def test_a_clock_that_was_set_back_moves_no_stamp_before_the_one_it_follows() -> None:
    life = Script(Until.EXIT, ()).live()
    life.jump(-DAY.total_seconds())

    for act in OPENING:
        act.befall(life)
    life.give(exit_at(life, -60))

    session = life.record
    assert session.created_at == session.scheduled_at == session.ended_at == session.started_at == NOON


def test_a_start_is_not_stamped_before_the_lane_let_it_go() -> None:
    life = Script(Until.EXIT, OPENING[:1]).live()
    life.wait(5.0)
    OPENING[1].befall(life)

    life.give(Started(generation=1, observer="process", pid=7, at=NOON - DAY))

    assert life.record.started_at == life.record.scheduled_at == NOON


def test_the_stamps_of_a_run_are_those_of_its_records() -> None:
    life = Script(Until.EXIT, OPENING[:2]).live()
    life.wait(5.0)

    life.give(Started(generation=1, observer="process", pid=7, at=life.now.at - timedelta(seconds=2)))
    life.give(exit_at(life, -1))

    assert life.record.started_at == NOON + timedelta(seconds=3)
    assert life.record.ended_at == NOON + timedelta(seconds=4)


# ---- who asked -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("authority", Authority)
def test_the_event_of_a_command_names_who_gave_it(authority: Authority) -> None:
    waiting, live, ended = Script(Until.EXIT, ()).live(), running(), Script(Until.EXIT, ENDS["failed (signal)"]).live()

    moves = [
        waiting.give(Stop(session=SESSION, authority=authority)).moves,
        live.give(Kill(session=SESSION, authority=authority)).moves,
        ended.give(Revive(session=SESSION)).moves,
        Interpreter().give(Spawn(session=SESSION, spec=live.record.spec, authority=authority)).moves,
    ]

    assert [move.authority for of_one in moves for move in of_one] == [authority, authority, Authority.USER, authority]


# ---- what is left behind ---------------------------------------------------------------------------------------------


def test_a_new_generation_remembers_nothing_of_the_old_run() -> None:
    life = Script(Until.EXIT, (*OPENING, say(Activity.WAITING))).live()
    life.give(exit_at(life, 1))

    life.give(Revive(session=SESSION))

    old = life.history[0].after
    kept = ("id", "spec", "created_at", "schema", "epoch")
    changed = replace(old, **{name: getattr(life.record, name) for name in ("generation", "state_since", "reason")})
    assert [getattr(life.record, name) for name in kept] == [getattr(old, name) for name in kept]
    assert replace(life.record, revision=0, effects_made=0, activity_text=None) == replace(changed, revision=0)
    assert life.evidence == Evidence()


def test_an_end_after_failed_kills_says_nothing_of_them() -> None:
    life = running()
    life.give(Kill(session=SESSION))
    life.give(Swept(effect="1.2", generation=1, survivors=(4711,)))

    life.give(exit_at(life, 1))

    assert (life.record.state, life.record.error) == (State.CANCELLED, None)


def test_a_run_that_outlived_its_exit_stays_so_though_a_later_sweep_sees_nothing_at_all() -> None:
    life = running()
    life.give(Kill(session=SESSION))
    life.give(Swept(effect="1.2", generation=1, survivors=(4711,), exit=exit_at(life, 0)))
    life.wait(2.0)
    life.give(DuePassed(name=DueName.KILL_AGAIN))
    life.give(Swept(effect="1.3", generation=1, error="cannot read /proc"))

    life.give(exit_at(life, 0))

    assert life.record.state is State.STOPPING


def test_after_a_failed_kill_the_next_kill_is_the_only_deadline() -> None:
    life = running()
    life.give(Stop(session=SESSION))
    life.give(Vanished(generation=1, observer="process", cause=Cause.PROCESS_GONE))

    life.give(Swept(effect="1.3", generation=1, survivors=(4711,)))

    assert [due.name for due in life.record.dues] == [DueName.KILL_AGAIN]


def test_a_record_that_makes_no_sense_stands_still_until_its_user_kills_it() -> None:
    life = running()
    life.session = replace(life.record, state=State.STOPPING, reason=Reason.STOP_REQUESTED, ending=None)

    stood = life.give(exit_at(life, 1))
    life.give(Kill(session=SESSION))
    life.give(Swept(effect="1.2", generation=1))

    assert not stood.is_commit
    assert (life.record.state, life.record.reason) == (State.CANCELLED, Reason.KILLED)


def test_a_message_is_settled_before_its_session_ends() -> None:
    life = running()
    life.give(a_send("m"))

    ended = life.give(exit_at(life, 1))

    types = [event.type for event in ended.outcome.events]
    assert types.index(EventType.MESSAGE_SETTLED) < types.index(EventType.STATE_CHANGED)
    assert life.give(a_send("m")).outcome.reply is Receipt.REFUSED


def test_a_kill_keeps_its_purpose_when_the_run_is_found_gone() -> None:
    life = running()
    life.give(Stop(session=SESSION))

    for _ in range(3):
        life.give(Sighted(generation=1, observer="process", verdict=Liveness.DEAD))
        life.wait(5.0)

    assert life.record.ending is Ending.STOPPED
    assert [effect.kind for effect in life.record.effects] == ["terminate", "kill"]


def test_what_an_agent_left_behind_is_told_with_its_end_and_forgotten_with_the_next_run() -> None:
    life = running()

    life.give(replace(exit_at(life, 0), ended=2))
    ended = life.record
    life.give(Revive(session=SESSION))

    assert life.moves[-2].text == "2 processes it left behind were ended"
    assert (ended.left_behind, life.record.left_behind) == (2, 0)
