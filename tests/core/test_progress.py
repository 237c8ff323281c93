"""Stuck: what counts as progress, when the clock runs, and what a restart makes of it."""

import pytest
from hypothesis import given

from orchestrd.core.combine import combine
from orchestrd.core.explain import explanation
from orchestrd.core.layout import Layout
from orchestrd.model.command import DuePassed
from orchestrd.model.event import EventType
from orchestrd.model.instant import DueName
from orchestrd.model.limits import STUCK_AFTER_S
from orchestrd.model.observation import Evidence, Reported, Testimony
from orchestrd.model.spending import Spent, Tokens
from orchestrd.model.thresholds import Thresholds
from orchestrd.model.words import Activity, Until
from tests.core.interpreter import Interpreter
from tests.core.strategies import EXIT, OPENING, UNTIL_DUE, Happening, Script, Waiting, scripts

WORKING, WAITING, LIMITED = Activity.WORKING, Activity.WAITING, Activity.LIMITED
HALF_S = STUCK_AFTER_S / 2


def says(observer: str, *allows: Activity, hooks: int = 0, transcript: int = 0, tokens: int = 0) -> Happening:
    spent = (Spent(key="m1", tokens=Tokens(output=tokens)),) if tokens else ()
    word = Testimony(observer=observer, allows=allows, spent=spent)
    return Happening(Reported(generation=0, testimonies=(word,), hooks_offset=hooks, transcript_offset=transcript))


def at_work() -> Interpreter:
    return Script(Until.EXIT, (*OPENING, says("session_file", WORKING, LIMITED))).live()


def stuck() -> Interpreter:
    life = at_work()
    UNTIL_DUE.befall(life)
    return life


def changes(life: Interpreter) -> list[tuple[str | None, str | None]]:
    return [(event.from_, event.to) for event in life.events if event.type is EventType.STUCK_CHANGED]


def test_an_agent_that_works_and_gets_nowhere_is_stuck_since_it_began() -> None:
    life = at_work()
    began = life.now.at

    UNTIL_DUE.befall(life)

    assert life.record.stuck_since == began
    assert (life.now.at - began).total_seconds() == STUCK_AFTER_S
    assert changes(life) == [(None, "stuck")]
    assert life.record.activity is WORKING


@pytest.mark.parametrize(
    "progress",
    [
        says("hook", WORKING, hooks=10),
        says("transcript", WORKING, transcript=10),
        says("host", WORKING, tokens=5),
    ],
    ids=["a hook", "a line of the transcript", "tokens"],
)
def test_progress_puts_it_off_and_ends_it(progress: Happening) -> None:
    life = at_work()
    Waiting(HALF_S).befall(life)
    progress.befall(life)
    made = life.now.at
    UNTIL_DUE.befall(life)
    assert life.record.stuck_since is None

    UNTIL_DUE.befall(life)
    assert life.record.stuck_since == made
    says("transcript", WORKING, transcript=99).befall(life)

    assert life.record.stuck_since is None
    assert changes(life) == [(None, "stuck"), ("stuck", None)]
    assert any(due.name is DueName.STUCK for due in life.record.dues)


def test_who_is_stuck_is_explained() -> None:
    life = stuck()
    Waiting(60.0).befall(life)

    told = explanation(life.record, life.evidence, life.now, Layout("/home"))

    nothing = f"for {STUCK_AFTER_S + 60:.0f} s no hook, no line of its transcript and no token has come of its work"
    assert f"it is stuck: {nothing}" in told.activity_rule
    assert told.session.stuck_since == life.record.stuck_since


def test_a_title_that_goes_on_turning_is_no_progress() -> None:
    life = at_work()

    for _ in range(int(STUCK_AFTER_S / 60)):
        Waiting(60.0).befall(life)
        says("title", WORKING, LIMITED).befall(life)
    UNTIL_DUE.befall(life)

    assert life.record.stuck_since is not None


def test_who_works_no_more_is_not_stuck() -> None:
    life = stuck()

    says("session_file", WAITING).befall(life)

    assert life.record.stuck_since is None
    assert changes(life)[-1] == ("stuck", None)
    assert life.record.dues == ()


def test_an_end_ends_that_too() -> None:
    life = stuck()

    EXIT.befall(life)

    assert life.record.is_terminal
    assert life.record.stuck_since is None


def test_after_a_restart_the_clock_starts_anew_and_what_was_stuck_stays_so() -> None:
    begun, over = at_work(), stuck()
    Waiting(HALF_S).befall(begun)
    began = begun.now.at
    since = over.record.stuck_since

    for life in (begun, over):
        life.restart()
        UNTIL_DUE.befall(life)

    assert begun.record.stuck_since == began
    assert over.record.stuck_since == since
    assert changes(over) == [(None, "stuck")]


def test_a_clock_that_is_set_changes_nothing() -> None:
    life = at_work()
    life.jump(86_400)

    Waiting(HALF_S).befall(life)
    life.give(DuePassed(name=DueName.STUCK))

    assert life.record.stuck_since is None
    assert any(due.name is DueName.STUCK for due in life.record.dues)


def test_where_it_is_switched_off_nobody_is_ever_stuck() -> None:
    life = at_work()
    word = Testimony(observer="title", allows=(WORKING,))

    combined = combine(
        life.record, Evidence(), [Reported(generation=1, testimonies=(word,))], life.now, Thresholds(stuck_after_s=0)
    )

    assert combined.draft is not None
    assert combined.draft.dues == ()


@given(scripts)
def test_only_who_works_is_ever_stuck(script: Script) -> None:
    life = script.live()

    assert life.record.stuck_since is None or life.record.activity is WORKING
