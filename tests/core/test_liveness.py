"""What samples add up to: an oracle that counts by hand, and the fusion of what several observers say."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.liveness import breaker_trips, fused_liveness, take_sample
from orchestrd.core.liveness import testify as bear_witness
from orchestrd.model.effect import EffectKind
from orchestrd.model.limits import (
    BREAKER_SESSIONS_MIN,
    DEAD_SAMPLES,
    DEAD_SPAN_S,
    EXCERPT_CHARS_MAX,
    WITNESSES_MAX,
)
from orchestrd.model.observation import Evidence, Sighted, Started, Witness
from orchestrd.model.words import Liveness, Until
from tests.core.interpreter import NOON, Interpreter
from tests.core.strategies import OBSERVERS, OPENING, Script

Sample = tuple[str, Liveness, float]
DEAD, ALIVE, UNKNOWN = Liveness.DEAD, Liveness.ALIVE, Liveness.UNKNOWN
a_verdict = st.sampled_from([DEAD, DEAD, DEAD, ALIVE, UNKNOWN])
a_pause = st.sampled_from([0.0, 1.0, 5.0, 6.0])
samples = st.lists(st.tuples(st.sampled_from(OBSERVERS), a_verdict, a_pause), min_size=3, max_size=20)


@dataclass
class Oracle:
    """Counts by the blueprint's sentence, in the plainest way."""

    attested: set[str] = field(default_factory=lambda: {"process"})  # who has read the start record has seen it alive
    dead_at: dict[str, list[float]] = field(default_factory=dict)
    clock_s: float = 0.0

    def asks(self, observer: str, verdict: Liveness) -> bool:
        mine = self.dead_at.setdefault(observer, [])
        if verdict is DEAD:
            mine.append(self.clock_s)
        elif verdict is ALIVE:
            mine.clear()
            self.attested.add(observer)
        long_enough = len(mine) >= DEAD_SAMPLES and mine[-1] - mine[0] >= DEAD_SPAN_S
        return verdict is DEAD and long_enough and observer in self.attested


def running() -> Interpreter:
    return Script(Until.EXIT, OPENING[:4]).live()


def is_killed_after(samples_: list[Sample]) -> bool:
    life = running()
    for observer, verdict, pause in samples_:
        life.wait(pause)
        life.give(Sighted(generation=1, observer=observer, verdict=verdict))
    return bool(life.given_out[1:])


@given(samples)
def test_a_sweep_is_ordered_exactly_when_one_attested_observer_has_a_long_streak_of_its_own(
    samples_: list[Sample],
) -> None:
    life, oracle = running(), Oracle()
    expected = False

    for observer, verdict, pause in samples_:
        life.wait(pause)
        oracle.clock_s += pause
        life.give(Sighted(generation=1, observer=observer, verdict=verdict))
        expected = expected or oracle.asks(observer, verdict)

        assert any(effect.kind is EffectKind.KILL for effect in life.given_out) == expected


@given(samples, st.lists(st.tuples(st.integers(0, 19), st.sampled_from(OBSERVERS)), max_size=10))
def test_looks_that_failed_neither_count_nor_reset(samples_: list[Sample], failed: list[tuple[int, str]]) -> None:
    seen = [sample for sample in samples_ if sample[1] is not UNKNOWN]
    with_failures = list(seen)
    for place, observer in failed:
        with_failures.insert(min(place, len(with_failures)), (observer, UNKNOWN, 0.0))

    assert is_killed_after(with_failures) == is_killed_after(seen)


@given(st.lists(a_pause, min_size=1, max_size=12))
def test_who_has_never_seen_a_run_alive_cannot_have_it_swept(pauses: list[float]) -> None:
    assert not is_killed_after([("tmux", DEAD, pause + 5.0) for pause in pauses])


@given(st.lists(st.tuples(st.sampled_from(OBSERVERS), st.booleans()), max_size=DEAD_SAMPLES - 1))
def test_fewer_than_three_dead_samples_do_nothing_however_far_apart(few: list[tuple[str, bool]]) -> None:
    assert not is_killed_after([(observer, DEAD, 3_600.0) for observer, _ in few])


@given(samples)
def test_samples_alone_never_end_a_run(samples_: list[Sample]) -> None:
    life = running()

    for observer, verdict, pause in samples_:
        life.wait(pause)
        life.give(Sighted(generation=1, observer=observer, verdict=verdict))

    assert not life.record.is_terminal


def test_alive_is_what_anyone_says_and_dead_is_a_matter_of_proof() -> None:
    now = running().now
    evidence = take_sample(Evidence(), Sighted(generation=1, observer="a", verdict=DEAD), now)

    assert fused_liveness(evidence) is UNKNOWN
    evidence = take_sample(evidence, Sighted(generation=1, observer="b", verdict=ALIVE), now)
    assert fused_liveness(evidence) is ALIVE
    evidence = take_sample(evidence, Sighted(generation=1, observer="b", verdict=UNKNOWN), now)
    assert fused_liveness(evidence) is UNKNOWN


def test_a_start_record_says_nothing_about_later() -> None:
    life = Script(Until.EXIT, OPENING[:3]).live()
    life.give(Started(generation=1, observer="start record", pid=4711, at=life.now.at))

    life.give(Sighted(generation=1, observer="process", verdict=UNKNOWN))

    assert life.record.liveness is UNKNOWN


def test_evidence_keeps_the_last_word_of_each_and_is_bounded() -> None:
    evidence = Evidence()
    now = running().now

    for number in range(WITNESSES_MAX + 3):
        evidence = take_sample(evidence, Sighted(generation=1, observer=f"o{number}", verdict=DEAD), now)
    long = Witness(axis="liveness", observer="o10", verdict="alive", at=NOON, excerpt="x" * 10_000)
    evidence = bear_witness(evidence, long)

    assert len(evidence.witnesses) == WITNESSES_MAX
    assert len(evidence.streaks) == WITNESSES_MAX
    assert [w.verdict for w in evidence.witnesses if w.observer == "o10"] == ["alive"]
    assert evidence.witnesses[-1].excerpt == "x" * EXCERPT_CHARS_MAX


@given(st.lists(st.sampled_from(Liveness), max_size=12), st.integers(min_value=0, max_value=12))
def test_a_pass_is_set_aside_when_more_than_half_of_five_or_more_turned_dead(
    verdicts: list[Liveness], known: int
) -> None:
    dead = verdicts.count(DEAD)
    turned = dead - min(known, dead)

    trips = breaker_trips(verdicts, min(known, dead))

    assert trips == (len(verdicts) >= BREAKER_SESSIONS_MIN and turned > len(verdicts) / 2)
