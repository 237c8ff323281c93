"""What may be asked of a forge: never the agents' share, never before the time it named, and ever less often."""

from math import ceil, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.allowance import (
    Meter,
    Told,
    answered,
    closed,
    failed,
    interval_s,
    penalised,
    spendable,
    spent,
    told,
    wait_s,
)
from orchestrd.model.limits import FORGE_AGAIN_S, FORGE_AGAIN_S_MAX, FORGE_PENALTY_S, FORGE_PENALTY_S_MAX

HALF = 0.5


def window(remaining: int, *, ours: int = 0, limit: int = 5_000, resets_at: float = 3_600.0) -> Meter:
    return Meter(limit=limit, remaining=remaining, ours=ours, resets_at=resets_at)


@given(
    limit=st.integers(1, 200),
    share=st.floats(0, 0.95),
    hands=st.lists(st.tuples(st.booleans(), st.integers(1, 20)), max_size=60),
)
def test_we_never_spend_the_share_of_the_others(limit: int, share: float, hands: list[tuple[bool, int]]) -> None:
    meter, remaining, ours, others = Meter(limit=limit, remaining=limit, resets_at=3_600.0), limit, 0, 0
    for is_ours, cost in hands:
        if not is_ours:
            taken = min(cost, remaining)
            others, remaining = others + taken, remaining - taken
        elif wait_s(meter, share, cost, 0.0) == 0 and cost <= remaining:
            meter = spent(meter, cost)
            ours, remaining = ours + cost, remaining - cost
            meter = told(meter, Told(limit, remaining, 3_600.0), cost, 0.0)

    assert ours <= limit - ceil(limit * share)


@given(limit=st.integers(1, 5_000), share=st.floats(0, 0.95), others=st.integers(0, 5_000), cost=st.integers(1, 50))
def test_what_the_others_have_not_taken_of_their_share_stays(limit: int, share: float, others: int, cost: int) -> None:
    others = min(others, limit)
    meter = window(limit - others, limit=limit)

    spends = wait_s(meter, share, cost, 0.0) == 0

    assert not spends or limit - others - cost >= max(0, ceil(limit * share) - others)


@given(
    remaining=st.integers(0, 5_000),
    closed_s=st.floats(0, 1e5),
    now=st.floats(0, 1e5),
    cost=st.integers(1, 100),
)
def test_nothing_is_asked_before_the_time_that_was_named(
    remaining: int, closed_s: float, now: float, cost: int
) -> None:
    meter = closed(window(remaining), closed_s, 0.0)

    at = now + wait_s(meter, HALF, cost, now)

    assert at >= closed_s - 1e-6
    assert spendable(meter, HALF, now) >= cost or at >= meter.resets_at


@given(less=st.integers(0, 5_000), more=st.integers(0, 5_000), cost=st.integers(1, 100), now=st.floats(0, 3_599))
def test_the_less_is_left_the_longer_the_interval(less: int, more: int, cost: int, now: float) -> None:
    less, more = sorted((less, more))

    intervals = [interval_s(window(left), HALF, cost, 15.0, now) for left in (more, less)]

    assert intervals[0] <= intervals[1]
    assert intervals[0] >= 15.0


@given(st.integers(1, 5_000), st.integers(1, 100))
def test_what_is_left_lasts_until_the_window_ends(remaining: int, cost: int) -> None:
    meter = window(remaining)
    left = spendable(meter, HALF, 0.0)

    apart_s = interval_s(meter, HALF, cost, 15.0, 0.0)

    assert left < cost or (3_600.0 / apart_s) * cost <= left + 1e-6


def test_nothing_is_known_before_the_first_answer_and_after_the_window() -> None:
    assert spendable(Meter(), HALF, 0.0) == inf
    assert spendable(window(0), HALF, 3_600.0) == inf
    assert interval_s(Meter(), HALF, 10, 15.0, 0.0) == 15.0
    assert wait_s(window(0), HALF, 1, 3_600.0) == 0


def test_a_window_that_is_met_half_spent_is_taken_to_have_been_spent_by_us() -> None:
    meter = told(spent(Meter(), 1), Told(5_000, 2_600, 1_800.0), 1, 0.0)

    assert (meter.ours, spendable(meter, HALF, 0.0)) == (2_400, 100)


def test_what_the_agents_have_taken_of_their_share_is_not_kept_for_them_again() -> None:
    meter = told(window(5_000), Told(5_000, 2_000, 3_600.0), 1, 0.0)

    assert spendable(meter, HALF, 0.0) == 2_000


def test_a_new_window_begins_with_its_first_answer() -> None:
    after = told(window(0, ours=2_500), Told(5_000, 4_999, 3_600.0), 1, 3_600.0)
    sooner = told(window(0, ours=2_500), Told(5_000, 4_999, 3_600.0), 1, 3_500.0)

    assert (after.ours, after.remaining, after.resets_at) == (1, 4_999, 7_200.0)
    assert (sooner.ours, sooner.remaining) == (1, 4_999)


def test_an_answer_of_a_window_that_is_over_says_nothing_of_this_one() -> None:
    meter = window(4_000, resets_at=7_200.0)

    assert told(meter, Told(5_000, 3, 10.0), 1, 3_600.0) == meter


def test_answers_that_overtake_each_other_leave_no_more_than_the_least() -> None:
    meter = told(window(4_000), Told(5_000, 4_001, 3_601.0), 1, 0.0)

    assert (meter.remaining, meter.resets_at) == (4_000, 3_601.0)


@pytest.mark.parametrize("retry_in_s", [None, 7.0])
def test_who_asked_too_fast_waits_as_long_as_it_says_or_longer_each_time(retry_in_s: float | None) -> None:
    once = penalised(Meter(), retry_in_s, 0.0)
    twice = penalised(once, retry_in_s, once.closed_until)

    waits = [once.closed_until, twice.closed_until - once.closed_until]

    assert waits == ([7.0, 7.0] if retry_in_s else [FORGE_PENALTY_S, 2 * FORGE_PENALTY_S])


@given(st.integers(0, 100))
def test_failures_are_further_and_further_apart_and_end_with_an_answer(times: int) -> None:
    meter, waits = Meter(), []
    for _ in range(times):
        before = meter.closed_until
        meter = failed(meter, before)
        waits.append(meter.closed_until - before)

    assert waits == sorted(waits)
    assert all(FORGE_AGAIN_S <= wait <= FORGE_AGAIN_S_MAX + 1e-6 for wait in waits)
    assert answered(meter).failures == 0
    assert penalised(meter, None, meter.closed_until).closed_until - meter.closed_until <= FORGE_PENALTY_S_MAX
