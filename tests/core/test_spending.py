"""What a session has cost: nothing counts twice, and no sum ever falls."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from orchestrd.core.spending import spend
from orchestrd.model.limits import SPENT_REMEMBERED_MAX, TOKENS_MAX
from orchestrd.model.spending import Spending, Spent, Tokens

counts = st.integers(-(10**15), 10**15)
tokens = st.builds(Tokens, input=counts, output=counts, cache_read=counts, cache_write=counts)
costs = st.none() | st.floats()
messages = st.builds(Spent, key=st.sampled_from("abcd"), tokens=tokens, cost_usd=costs)
threads = st.builds(Spent, key=st.just("thread"), tokens=tokens, cost_usd=costs, is_total=st.just(True))


def all_of(*told: Spent) -> Spending:
    return reduce(spend, told, Spending())


def message(key: str, output: int, cost_usd: float | None = None) -> Spent:
    return Spent(key=key, tokens=Tokens(input=100, output=output), cost_usd=cost_usd)


def total(output: int) -> Spent:
    return Spent(key="thread", tokens=Tokens(output=output), is_total=True)


def test_a_message_that_is_told_of_once_for_each_of_its_blocks_counts_once_with_its_last_count() -> None:
    spending = all_of(message("m1", 1), message("m1", 1), message("m1", 40), message("m2", 5))

    assert spending.tokens == Tokens(input=200, output=45)
    assert spending.cost_usd is None


def test_costs_are_added_where_somebody_names_them() -> None:
    spending = all_of(message("m1", 1, 0.5), message("m1", 2, 0.75), message("m2", 1), message("m3", 1, 0.25))

    assert spending.cost_usd == 1.0


def test_a_counter_counts_by_what_it_has_risen_and_one_that_falls_has_begun_anew() -> None:
    spending = all_of(total(10), total(30), total(30), total(5), total(7))

    assert spending.tokens.output == 37


@given(st.lists(messages | threads))
def test_no_sum_ever_falls_and_none_is_negative(told: list[Spent]) -> None:
    spending = Spending()
    for one in told:
        before, spending = spending, spend(spending, one)

        assert all(
            after >= then >= 0 for then, after in zip(astuple(before.tokens), astuple(spending.tokens), strict=True)
        )
        assert (spending.cost_usd or 0.0) >= (before.cost_usd or 0.0) * (1 - 1e-9)  # of floats, as they are added
        assert len(spending.newest) <= SPENT_REMEMBERED_MAX


@given(st.lists(messages, max_size=8))
def test_what_is_told_again_changes_nothing(told: list[Spent]) -> None:
    once, twice = all_of(*told), all_of(*told, *told)

    assert twice.tokens == once.tokens


def test_what_cannot_be_a_number_of_tokens_is_not_one() -> None:
    huge = replace(message("m1", 10**18, float("nan")), tokens=Tokens(input=-5, output=10**18))

    assert all_of(huge).tokens == Tokens(input=0, output=TOKENS_MAX)
    assert all_of(huge).cost_usd is None
