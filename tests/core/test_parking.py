"""Usage limits: parked, told to go on once, and no start of the same account meanwhile."""

from datetime import timedelta

import pytest
from hypothesis import given
from msgspec.structs import replace

from orchestrd.core.admission import admissible, held_back
from orchestrd.core.document import document
from orchestrd.core.evidence import SESSION_FILE
from orchestrd.core.layout import Layout
from orchestrd.core.parking import limit_ends, limited_accounts
from orchestrd.model.command import Answered, DuePassed, HeldBack, Placed, Send, Stop
from orchestrd.model.decision import Choice, Decision, DecisionKind
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import DueName
from orchestrd.model.limits import LIMIT_TRUSTED_S
from orchestrd.model.observation import Reported, Testimony
from orchestrd.model.session import is_resume
from orchestrd.model.words import Activity, Authority, Receipt, State, Until
from tests.core.interpreter import NOON, SESSION, Interpreter
from tests.core.strategies import ATTEMPTED, EXIT, OPENING, Happening, Script, Waiting, scripts

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
HOURS_S = 3 * 3_600.0


def says(observer: str, *allows: Activity, lasts_s: float | None = None) -> Happening:
    """One word of one witness, as of now; a limit may end so many seconds from the beginning of the story."""
    until = None if lasts_s is None else NOON + timedelta(seconds=lasts_s)
    return Happening(
        Reported(generation=0, testimonies=(Testimony(observer=observer, allows=allows, limited_until=until),))
    )


def limited(lasts_s: float | None = HOURS_S, resume_text: str | None = "continue") -> Interpreter:
    """Met its limit, at rest: its hook told of it, and its state file says that it is idle."""
    idle = says(SESSION_FILE, WAITING, LIMITED)
    told = Happening(Placed(account="claude:1", resume_text=resume_text))
    return Script(Until.EXIT, (told, *OPENING[1:], says("hook", LIMITED, lasts_s=lasts_s), idle)).live()


def pass_limit(life: Interpreter) -> None:
    """Wait until the limit ends, and let the deadline tell."""
    due = next(due for due in life.record.dues if due.name is DueName.LIMIT)
    life.wait(due.wait_s(life.now))
    life.give(DuePassed(name=DueName.LIMIT))


def resumes(life: Interpreter) -> list[str]:
    return [message.id for message in life.record.messages if is_resume(message)]


def test_who_meets_a_limit_is_parked_until_it_ends() -> None:
    life = limited()

    assert life.record.activity is LIMITED
    assert life.record.limited_until == NOON + timedelta(seconds=HOURS_S)
    assert [due.name for due in life.record.dues] == [DueName.LIMIT]


@pytest.mark.parametrize("lasts_s", [HOURS_S, None], ids=["a known end", "nobody knows when"])
def test_until_when_it_is_parked_is_told_as_long_as_it_is(lasts_s: float | None) -> None:
    life = limited(lasts_s)

    parked = document(life.record, Layout(home="/home/me")).limited_until
    pass_limit(life)

    assert parked == NOON + timedelta(seconds=lasts_s or LIMIT_TRUSTED_S)
    assert document(life.record, Layout(home="/home/me")).limited_until is None


def test_nothing_is_typed_before_and_what_was_sent_waits() -> None:
    life = limited()

    taken = life.give(Send(session=SESSION, message="m1", text="go on"))
    Waiting(HOURS_S - 60).befall(life)
    says("title", WAITING, BLOCKED, LIMITED).befall(life)

    assert taken.outcome.reply is Receipt.QUEUED
    assert life.record.effects == ()
    assert life.record.activity is LIMITED


@pytest.mark.parametrize("lasts_s", [HOURS_S, None], ids=["a known end", "nobody knows when"])
def test_when_it_has_ended_the_agent_is_told_to_go_on_once(lasts_s: float | None) -> None:
    life = limited(lasts_s)

    pass_limit(life)

    assert (life.now.at - NOON).total_seconds() == (lasts_s or LIMIT_TRUSTED_S)
    assert life.record.activity is WAITING
    assert life.record.limited_until is None
    assert len(resumes(life)) == 1
    assert [effect.message for effect in life.record.effects] == resumes(life)
    life.give(DuePassed(name=DueName.LIMIT))
    assert len(resumes(life)) == 1


def test_an_agent_that_goes_on_without_being_told_is_told_nothing() -> None:
    life = limited(resume_text=None)

    pass_limit(life)

    assert life.record.messages == ()
    assert life.record.activity is WAITING


def test_whoever_looks_and_still_sees_the_notice_is_not_believed_again() -> None:
    life = limited()
    says("screen", LIMITED, lasts_s=HOURS_S).befall(life)

    pass_limit(life)
    says("title", WAITING, BLOCKED, LIMITED).befall(life)

    assert life.record.activity is WAITING


def test_a_message_of_a_person_takes_the_place_of_the_daemons() -> None:
    before, after = limited(), limited()
    before.give(Send(session=SESSION, message="m1", text="do something else"))

    pass_limit(before)
    pass_limit(after)
    after.give(Send(session=SESSION, message="m1", text="do something else"))

    for life in (before, after):
        assert [message.id for message in life.record.messages] == ["m1"]
        assert [effect.message for effect in life.record.effects] == ["m1"]


def test_who_works_again_by_itself_is_told_nothing() -> None:
    sooner, later = limited(), limited()
    Waiting(60.0).befall(sooner)
    says("hook", WORKING).befall(sooner)

    says(SESSION_FILE, BLOCKED).befall(later)
    Waiting(HOURS_S).befall(later)
    later.give(DuePassed(name=DueName.LIMIT))
    queued = resumes(later)
    says(SESSION_FILE, WORKING).befall(later)

    assert sooner.record.limited_until is None
    assert not any(due.name is DueName.LIMIT for due in sooner.record.dues)
    assert len(queued) == 1
    assert (resumes(sooner), resumes(later)) == ([], [])
    assert later.record.settled[-1].receipt is Receipt.REFUSED


def test_what_is_being_typed_already_is_not_taken_back() -> None:
    life = limited()
    pass_limit(life)
    ATTEMPTED.befall(life)

    says(SESSION_FILE, WORKING).befall(life)

    assert len(resumes(life)) == 1


def test_an_agent_that_somebody_has_brought_back_to_its_box_is_left_alone() -> None:
    life = limited()
    Waiting(60.0).befall(life)

    says("hook", WAITING).befall(life)
    Waiting(HOURS_S).befall(life)
    life.give(DuePassed(name=DueName.LIMIT))

    assert resumes(life) == []
    assert life.record.limited_until is None


def test_a_limit_that_is_told_anew_ends_when_the_newest_word_says() -> None:
    life = limited(60.0)

    says("hook", LIMITED, lasts_s=HOURS_S).befall(life)
    pass_limit(life)

    assert (life.now.at - NOON).total_seconds() == HOURS_S
    assert len(resumes(life)) == 1


def test_the_end_of_a_limit_survives_a_restart_and_a_clock_that_is_set() -> None:
    life = limited()
    life.restart()
    life.jump(-86_400)
    life.restart()

    pass_limit(life)

    assert life.now.up_s == 1_000.0 + HOURS_S
    assert len(resumes(life)) == 1


def test_a_clock_that_is_set_beyond_the_end_ends_it() -> None:
    life = limited()
    life.jump(86_400)

    says("title", WAITING, BLOCKED, LIMITED).befall(life)

    assert life.record.activity is WAITING
    assert len(resumes(life)) == 1


@pytest.mark.parametrize("lasts_s", [HOURS_S, None], ids=["a known end", "nobody knows when"])
def test_an_account_stays_limited_though_its_session_is_stopped_and_waits_meanwhile(lasts_s: float | None) -> None:
    life = limited(lasts_s)

    life.give(Stop(session=SESSION))
    says("session_file", WAITING).befall(life)
    EXIT.befall(life)

    assert life.record.is_terminal
    assert limit_ends(life.record) == NOON + timedelta(seconds=lasts_s or LIMIT_TRUSTED_S)


def test_a_session_that_ends_is_told_nothing_and_its_account_stays_limited() -> None:
    life = limited()

    EXIT.befall(life)

    assert life.record.is_terminal
    assert life.record.messages == ()
    assert limit_ends(life.record) == NOON + timedelta(seconds=HOURS_S)


@given(scripts)
def test_nothing_is_typed_into_a_limited_agent_but_what_was_begun(script: Script) -> None:
    record = script.live().record

    assert record.activity is not LIMITED or all(
        effect.message is None or effect.attempted for effect in record.effects
    )


# ---- a dialog that asks whether to wait

WAIT = Choice(key="1", label="Stop and wait for limit to reset", reply="1")
DIALOG = Decision(id="k1", kind=DecisionKind.LIMIT, text="limit", choices=(WAIT, replace(WAIT, key="2", label="Pay")))


def asked(decision: Decision = DIALOG) -> Interpreter:
    life = limited()
    Waiting(2.0).befall(life)
    shown = Testimony(observer="screen", allows=(BLOCKED,), decision=decision)
    Happening(Reported(generation=0, testimonies=(shown,))).befall(life)
    says(SESSION_FILE, BLOCKED).befall(life)
    return life


def answers(life: Interpreter) -> list[str]:
    return [effect.answer.choice.key for effect in life.record.effects if effect.answer is not None]


def settle_answer(life: Interpreter, receipt: Receipt) -> None:
    ATTEMPTED.befall(life)
    says(SESSION_FILE, WAITING, LIMITED).befall(life)
    Happening(Answered(effect="in flight", generation=0, receipt=receipt)).befall(life)


def test_who_asks_whether_to_wait_for_the_end_of_its_limit_is_told_to_wait_and_stays_parked() -> None:
    life = asked()
    given = answers(life)

    settle_answer(life, Receipt.SUBMITTED)
    parked = life.record.activity
    pass_limit(life)

    assert given == ["1"]
    assert parked is LIMITED
    assert len(resumes(life)) == 1


def test_any_other_dialog_is_for_a_person() -> None:
    other = asked(replace(DIALOG, kind=DecisionKind.DIALOG))
    without_choices = asked(replace(DIALOG, choices=()))

    assert (answers(other), answers(without_choices)) == ([], [])


@pytest.mark.parametrize(
    ("receipt", "again"), [(Receipt.SUBMITTED, ["1"]), (Receipt.UNKNOWN, []), (Receipt.REFUSED, [])]
)
def test_it_is_answered_again_only_where_that_has_helped(receipt: Receipt, again: list[str]) -> None:
    life = asked()
    settle_answer(life, receipt)
    Waiting(60.0).befall(life)

    shown = Testimony(observer="screen", allows=(BLOCKED,), decision=DIALOG)
    Happening(Reported(generation=0, testimonies=(shown,))).befall(life)
    says(SESSION_FILE, BLOCKED).befall(life)

    assert life.record.activity is BLOCKED
    assert answers(life) == again


# ---- other sessions of the account


def scheduled(name: str, account: str | None = "claude:1") -> Interpreter:
    life = Script(Until.EXIT, OPENING[:1]).live()
    life.session = replace(life.record, id=SessionId(name), account=account)
    return life


def test_no_session_of_a_limited_account_starts_and_all_others_do() -> None:
    parked = replace(limited().record, account="claude:1")
    same, other, unknown = (scheduled(*told).record for told in (("b", "claude:1"), ("c", "claude:2"), ("d", None)))
    everyone = [parked, same, other, unknown]

    held = held_back(everyone, limited_accounts(everyone, NOON))

    assert held == {same.id: NOON + timedelta(seconds=HOURS_S)}
    assert admissible(everyone, (), 10, held) == [other.id, unknown.id]
    assert admissible(everyone, (), 2, held) == [other.id]


def test_an_account_is_limited_until_its_last_limit_has_ended() -> None:
    long, short = (replace(limited(lasts_s).record, account="claude:1") for lasts_s in (HOURS_S, 60.0))

    assert limited_accounts([long, short], NOON) == {"claude:1": NOON + timedelta(seconds=HOURS_S)}
    assert limited_accounts([long, short], NOON + timedelta(seconds=HOURS_S)) == {}


def test_where_nobody_knows_the_end_others_are_held_back_for_a_bounded_time() -> None:
    parked = replace(limited(None).record, account="claude:1")

    assert limited_accounts([parked], NOON) == {"claude:1": NOON + timedelta(seconds=LIMIT_TRUSTED_S)}


def test_who_is_held_back_says_so_until_it_starts() -> None:
    life = scheduled("b")

    life.give(HeldBack(until=NOON))
    said = life.record.held_until
    life.give(OPENING[1].input if isinstance(OPENING[1], Happening) else HeldBack(until=NOON))

    assert said == NOON
    assert (life.record.state, life.record.held_until) == (State.STARTING, None)


def test_only_the_daemon_tells_an_agent_to_go_on() -> None:
    life = limited()
    life.give(Send(session=SESSION, message="resume.1.1", text="a name somebody chose", authority=Authority.USER))

    assert resumes(life) == []
