"""The laws of the watchdog: who is killed is wedged, and who is wedged is killed."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.watchdog import Pulse, Verdict, judge
from orchestrd.model.limits import DISK_ANSWER_S, TICK_SIGN_S

SECONDS = st.floats(min_value=0, max_value=100_000, allow_nan=False)
MAYBE = st.none() | SECONDS
PULSES = st.builds(Pulse, now_s=SECONDS, sign_due_s=SECONDS, asked_s=MAYBE, answered_s=MAYBE)
DUE_S = 1_000.0


def verdict(now_s: float, asked_s: float | None = None, answered_s: float | None = None) -> Verdict:
    return judge(Pulse(now_s=now_s, sign_due_s=DUE_S, asked_s=asked_s, answered_s=answered_s))


@given(PULSES)
def test_who_gives_signs_in_time_is_well_whatever_the_disk_does(pulse: Pulse) -> None:
    found = judge(pulse)

    assert found == Verdict.WELL or pulse.now_s > pulse.sign_due_s


@given(PULSES)
def test_nobody_is_wedged_but_beside_a_disk_that_was_asked_since_and_has_answered_in_time(pulse: Pulse) -> None:
    if judge(pulse) != Verdict.WEDGED:
        return

    assert pulse.asked_s is not None
    assert pulse.answered_s is not None
    assert pulse.now_s > pulse.sign_due_s
    assert pulse.asked_s > pulse.sign_due_s
    assert pulse.answered_s - pulse.asked_s <= DISK_ANSWER_S


@given(late_s=st.floats(min_value=0.001, max_value=100_000), again_s=st.floats(min_value=0, max_value=100_000))
def test_a_sign_that_comes_late_makes_it_well_again(late_s: float, again_s: float) -> None:
    wedged = Pulse(now_s=late_s + 1, sign_due_s=0, asked_s=late_s, answered_s=late_s)

    after = judge(Pulse(now_s=late_s + 1, sign_due_s=late_s + 1 + again_s, asked_s=late_s, answered_s=late_s))

    assert (judge(wedged), after) == (Verdict.WEDGED, Verdict.WELL)


@given(beat_s=st.floats(min_value=0.1, max_value=30), answers_s=st.floats(min_value=0, max_value=DISK_ANSWER_S))
def test_a_tick_that_never_comes_is_found_wedged_on_every_disk_that_answers(beat_s: float, answers_s: float) -> None:
    verdicts = judged(beat_s, answers_s)

    assert verdicts[-1] == Verdict.WEDGED
    assert Verdict.DISK_SILENT not in verdicts


@given(
    beat_s=st.floats(min_value=0.1, max_value=30), answers_s=st.floats(min_value=DISK_ANSWER_S * 1.01, max_value=1e9)
)
def test_a_tick_that_never_comes_is_never_found_wedged_on_a_disk_that_is_slow_to_answer_each_time(
    beat_s: float, answers_s: float
) -> None:
    verdicts = judged(beat_s, answers_s)

    assert Verdict.WEDGED not in verdicts


def judged(beat_s: float, answers_s: float) -> list[Verdict]:
    """Judge at each beat for ten minutes in which no tick gives a sign and each look takes `answers_s`."""
    verdicts: list[Verdict] = []
    asked_s: float | None = None
    now_s = 0.0
    while now_s < 600:
        now_s += beat_s
        answered_s = None if asked_s is None or now_s < asked_s + answers_s else asked_s + answers_s
        verdicts.append(judge(Pulse(now_s=now_s, sign_due_s=0, asked_s=asked_s, answered_s=answered_s)))
        if verdicts[-1] == Verdict.DOUBTFUL:
            asked_s = now_s
    return verdicts


def test_the_disk_is_asked_once_a_sign_is_overdue_and_not_before() -> None:
    assert verdict(DUE_S) == Verdict.WELL
    assert verdict(DUE_S + 0.001) == Verdict.DOUBTFUL


def test_an_answer_from_before_the_sign_was_due_says_nothing() -> None:
    assert verdict(DUE_S + 1, asked_s=DUE_S, answered_s=DUE_S) == Verdict.DOUBTFUL


def test_a_disk_is_silent_only_when_its_time_to_answer_is_over() -> None:
    asked_s = DUE_S + 1

    assert verdict(asked_s + DISK_ANSWER_S, asked_s=asked_s) == Verdict.WELL
    assert verdict(asked_s + DISK_ANSWER_S + 0.001, asked_s=asked_s) == Verdict.DISK_SILENT


def test_what_waited_for_a_disk_that_is_back_has_the_time_of_a_tick_and_then_the_disk_is_asked_again() -> None:
    asked_s, answered_s = DUE_S + 1, DUE_S + 2 + DISK_ANSWER_S

    assert verdict(answered_s + TICK_SIGN_S, asked_s=asked_s, answered_s=answered_s) == Verdict.WELL
    assert verdict(answered_s + TICK_SIGN_S + 1, asked_s=asked_s, answered_s=answered_s) == Verdict.DOUBTFUL
