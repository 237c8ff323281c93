"""The scoring of claims beside the truth: laws that hold for whatever is claimed, and the cases that matter by hand."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.truth.scoring import STATES, TOLERANCE_S, Edge, Score, Seen, by_kind, percentile, score, together

TRUTHS = ("working", "waiting", "blocked", "limited", "ended")
SECONDS = 4.0  # that each truth lasts where a test says nothing else


def edges(*states: str, begin: float = 100.0, each_s: float = SECONDS) -> list[Edge]:
    return [Edge(begin + number * each_s, state) for number, state in enumerate(states)]


def shifted(told: Sequence[Edge], seconds: float) -> list[Edge]:
    return [Edge(edge.at + seconds, edge.state) for edge in told]


def scored(truth: Sequence[Edge], claims: Sequence[Edge]) -> Score:
    return score(truth, claims, truth[-1].at + SECONDS)


@st.composite
def truths(draw: st.DrawFn) -> list[Edge]:
    states = draw(st.lists(st.sampled_from(TRUTHS), min_size=1, max_size=8))
    lasting = draw(st.lists(st.integers(1, 20), min_size=len(states), max_size=len(states)))
    different = [state for state, _ in itertools.groupby(states)]
    ats = itertools.accumulate(lasting, initial=100)
    return [Edge(float(at), state) for at, state in zip(ats, different, strict=False)]


claims = st.lists(st.builds(Edge, st.floats(90, 300), st.sampled_from(STATES)), max_size=20)


# ---- laws ------------------------------------------------------------------------------------------------------------


@given(truths())
def test_who_repeats_the_truth_is_right_all_the_time(truth: list[Edge]) -> None:
    found = scored(truth, truth)

    assert found.accuracy == 1.0
    assert found.missed == 0
    assert found.false_claims == ()
    assert found.longest_wrong.seconds == 0
    assert {seen.latency_s for seen in found.seen} <= {0.0}


@given(truths(), st.floats(0.0, 0.9))
def test_who_is_late_is_late_by_just_that_at_every_edge(truth: list[Edge], late_s: float) -> None:
    found = scored(truth, shifted(truth, late_s))

    assert len(found.seen) == len(truth) - 1
    assert all(seen.latency_s == pytest.approx(late_s, abs=1e-6) for seen in found.seen)
    assert found.longest_wrong.seconds == pytest.approx(late_s, abs=1e-6)


@given(truths(), st.floats(0.0, TOLERANCE_S))
def test_nothing_within_the_tolerance_is_held_against_anyone(truth: list[Edge], late_s: float) -> None:
    found = scored(truth, shifted(truth, late_s))

    assert found.accuracy == pytest.approx(1.0, abs=1e-6)
    assert found.false_claims == ()


@given(truths(), claims)
def test_the_seconds_of_the_confusion_are_those_that_were_scored(truth: list[Edge], said: list[Edge]) -> None:
    found = scored(truth, said)

    tolerated = sum(2 * TOLERANCE_S for _ in truth[1:]) + TOLERANCE_S
    lasted = truth[-1].at + SECONDS - truth[0].at
    assert found.scored_s == pytest.approx(lasted - tolerated, abs=1e-6)
    assert all(seconds > 0 for seconds in found.confusion.values())
    assert 0 <= (found.accuracy or 0) <= 1


@given(truths(), claims)
def test_no_latency_is_negative_and_every_edge_is_seen_or_missed(truth: list[Edge], said: list[Edge]) -> None:
    found = scored(truth, said)

    assert len(found.seen) == len(truth) - 1
    assert all(seen.latency_s is None or seen.latency_s >= 0 for seen in found.seen)


@given(truths(), claims, st.sampled_from([-40.0, 25.0]))
def test_when_it_happened_is_of_no_account(truth: list[Edge], said: list[Edge], later_s: float) -> None:
    found, moved = scored(truth, said), scored(shifted(truth, later_s), shifted(said, later_s))

    assert moved.accuracy == pytest.approx(found.accuracy)
    assert len(moved.false_claims) == len(found.false_claims)
    assert moved.longest_wrong.seconds == pytest.approx(found.longest_wrong.seconds)


@given(truths(), claims)
def test_to_say_the_same_twice_changes_nothing(truth: list[Edge], said: list[Edge]) -> None:
    said = sorted(said, key=lambda edge: edge.at)
    twice = list(itertools.chain.from_iterable((edge, edge) for edge in said))

    assert scored(truth, twice) == scored(truth, said)


@given(truths(), claims, claims)
def test_many_together_are_the_sum_of_each(truth: list[Edge], one: list[Edge], other: list[Edge]) -> None:
    first, second = scored(truth, one), scored(truth, other)

    both = together([first, second])

    assert both.scored_s == pytest.approx(first.scored_s + second.scored_s)
    assert both.missed == first.missed + second.missed
    assert both.falsely("blocked") == first.falsely("blocked") + second.falsely("blocked")
    assert both.longest_wrong.seconds == max(first.longest_wrong.seconds, second.longest_wrong.seconds)


@given(truths())
def test_who_says_nothing_is_always_wrong_and_misses_everything(truth: list[Edge]) -> None:
    found = scored(truth, [])

    assert found.accuracy == 0.0
    assert found.missed == len(found.seen)
    assert {claim for _, claim in found.confusion} == {"unknown"}
    assert found.longest_wrong.seconds == pytest.approx(truth[-1].at + SECONDS - truth[0].at)


# ---- by hand ---------------------------------------------------------------------------------------------------------


def test_half_a_second_around_each_true_edge_is_left_out_and_the_rest_is_held_against_the_claim() -> None:
    truth = edges("working", "waiting")

    found = scored(truth, [Edge(100.0, "working"), Edge(105.0, "waiting")])

    assert found.confusion == {
        ("working", "working"): pytest.approx(3.0),
        ("waiting", "working"): pytest.approx(0.5),
        ("waiting", "waiting"): pytest.approx(3.0),
    }
    assert found.accuracy == pytest.approx(6.0 / 6.5)


def test_an_edge_that_is_claimed_only_after_the_next_one_was_missed() -> None:
    truth = edges("working", "blocked", "working")

    found = scored(truth, [Edge(100.0, "working"), Edge(108.1, "blocked"), Edge(109.0, "working")])

    assert [seen.latency_s for seen in found.seen] == [None, 0.0]
    assert found.missed == 1


def test_a_claim_that_stands_before_its_truth_is_in_time_but_its_seconds_count() -> None:
    truth = edges("working", "waiting")

    found = scored(truth, [Edge(100.0, "working"), Edge(102.0, "waiting")])

    assert [seen.latency_s for seen in found.seen] == [0.0]
    assert found.falsely("waiting") == 1
    assert found.confusion["working", "waiting"] == pytest.approx(1.5)


@pytest.mark.parametrize("claimed", ["waiting", "blocked", "ended"])
def test_a_claim_that_is_never_near_its_truth_is_false_once(claimed: str) -> None:
    truth = [Edge(100.0, "working"), Edge(120.0, "limited")]

    found = scored(truth, [Edge(100.0, "working"), Edge(110.0, claimed), Edge(111.0, "working")])

    assert found.falsely(claimed) == 1
    assert found.longest_wrong.seconds == pytest.approx(SECONDS)  # `limited` was never claimed, and that is longer


def test_a_true_claim_that_lasts_too_long_is_late_and_not_false() -> None:
    truth = edges("blocked", "working", "waiting")

    found = scored(truth, [Edge(100.0, "blocked"), Edge(107.0, "working"), Edge(108.0, "waiting")])

    assert found.false_claims == ()
    assert [seen.latency_s for seen in found.seen] == [3.0, 0.0]
    assert found.longest_wrong.seconds == pytest.approx(3.0)


def test_one_wrong_after_the_other_without_a_break_is_one_long_wrong() -> None:
    truth = edges("working", "waiting")

    found = scored(truth, [Edge(98.0, "unknown"), Edge(103.0, "blocked"), Edge(106.0, "waiting")])

    assert found.longest_wrong.begin == 100.0
    assert found.longest_wrong.seconds == pytest.approx(6.0)


def test_what_is_not_scored_parts_one_wrong_from_the_next() -> None:
    truth = [Edge(100.0, "waiting"), Edge(104.0, "leaving"), Edge(107.0, "ended")]

    found = scored(truth, [Edge(100.0, "waiting"), Edge(103.0, "unknown"), Edge(108.5, "ended")])

    assert found.longest_wrong.seconds == pytest.approx(1.5)
    assert found.longest_wrong.truth == "ended"


def test_an_agent_that_comes_up_is_not_scored_but_must_be_called_neither_dead_nor_blocked() -> None:
    truth = [Edge(100.0, "starting"), Edge(104.0, "working")]
    told = [Edge(101.0, "waiting"), Edge(102.0, "ended"), Edge(103.0, "blocked"), Edge(104.0, "working")]

    found = scored(truth, told)

    assert [claim.claimed for claim in found.false_claims] == ["ended", "blocked"]
    assert found.accuracy == 1.0
    assert found.longest_wrong.seconds == 0


def test_an_agent_that_goes_down_is_not_scored_until_it_is_gone() -> None:
    truth = [Edge(100.0, "waiting"), Edge(104.0, "leaving"), Edge(107.0, "ended")]

    found = scored(truth, [Edge(100.0, "waiting"), Edge(104.0, "unknown"), Edge(107.2, "ended")])

    assert found.accuracy == 1.0
    assert [(seen.before, seen.after) for seen in found.seen] == [("leaving", "ended")]
    assert found.longest_wrong.seconds == pytest.approx(0.2)


def test_what_was_over_before_it_could_be_scored_is_counted_and_not_missed() -> None:
    truth = [Edge(100.0, "blocked"), Edge(104.0, "working"), Edge(104.2, "waiting")]

    found = scored(truth, [Edge(100.0, "blocked"), Edge(104.3, "waiting")])

    assert [(seen.before, seen.after) for seen in found.seen] == [("working", "waiting")]
    assert found.brief == 1
    assert found.missed == 0


def test_a_missed_edge_makes_no_percentile_better() -> None:
    seen = [Seen(0.0, "working", "waiting", n / 100) for n in range(95)]

    better = percentile(seen, 0.95)
    worse = percentile([*seen, *[Seen(0.0, "working", "waiting", None)] * 5], 0.95)

    assert better == 0.90
    assert worse is None
    assert percentile([], 0.95) is None


def test_edges_are_told_by_their_kind() -> None:
    truth = edges("working", "blocked", "working", "blocked")

    kinds = by_kind(scored(truth, truth).seen)

    assert {kind: len(seen) for kind, seen in kinds.items()} == {"blocked → working": 1, "working → blocked": 2}
