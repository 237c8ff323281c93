"""The table itself, and the two lookups in it."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.machine import TABLE, Target, Trigger, next_state
from orchestrd.model.words import TERMINAL, Reason, State

a_state = st.none() | st.sampled_from(State)


@given(a_state, st.none() | st.sampled_from(Reason), st.sampled_from(Trigger))
def test_a_pair_without_a_row_leads_nowhere_and_every_row_is_followed(
    state: State | None, reason: Reason | None, trigger: Trigger
) -> None:
    rows = [
        edge
        for edge in TABLE
        if edge.trigger is trigger
        and (edge.origin.state if edge.origin else None) is state
        and (edge.origin is None or edge.origin.reason in (None, reason))
    ]

    found = next_state(state, reason, trigger)

    assert found in [edge.target for edge in rows] if rows else found is None


def test_every_trigger_moves_something() -> None:
    assert {edge.trigger for edge in TABLE} == set(Trigger)


def test_every_reason_is_reached_by_some_row() -> None:
    assert {edge.target.reason for edge in TABLE} == set(Reason)


def test_an_end_is_left_by_revive_only() -> None:
    out = [edge for edge in TABLE if edge.origin and edge.origin.state in TERMINAL]

    assert {(edge.trigger, edge.target) for edge in out} == {(Trigger.REVIVE, Target(State.PENDING, Reason.REVIVED))}


def test_a_session_begins_in_one_way() -> None:
    assert next_state(None, None, Trigger.SPAWNED) == Target(State.PENDING, Reason.ACCEPTED)
    assert next_state(None, None, Trigger.STARTED) is None
