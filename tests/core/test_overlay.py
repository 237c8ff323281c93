"""What we do not know is kept by value, and never gets in the way of what we do."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.overlay import beyond, merge

leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "a", "b"]), inner, max_size=3),
    max_leaves=10,
)


def put_back(theirs: Any, ours: Any) -> Any:
    overlay = beyond(theirs, ours)
    if overlay:
        merge(ours, overlay)
    return ours


def test_there_is_no_overlay_over_what_we_know() -> None:
    known = {"id": "a", "list": [{"id": "b"}], "text": "x"}

    assert beyond(known, known) is None


def test_fields_are_kept_at_any_depth() -> None:
    theirs = {"a": 1, "new": [1], "spec": {"b": 2, "newer": {"deep": None}}}

    assert put_back(theirs, {"a": 5, "spec": {"b": 6}}) == {
        "a": 5,
        "new": [1],
        "spec": {"b": 6, "newer": {"deep": None}},
    }


def test_objects_of_a_list_are_told_apart_by_what_names_them() -> None:
    theirs = {"messages": [{"id": "one", "x": 1}, {"id": "two", "x": 2}]}
    overlay = beyond(theirs, {"messages": [{"id": "one"}, {"id": "two"}]})
    assert overlay is not None
    later: dict[str, Any] = {"messages": [{"id": "zero"}, {"id": "two"}]}

    merge(later, overlay)

    assert later == {"messages": [{"id": "zero"}, {"id": "two", "x": 2}]}


def test_what_we_know_wins() -> None:
    overlay = beyond({"text": "theirs"}, {})
    assert overlay is not None
    ours = {"text": "ours"}

    merge(ours, overlay)

    assert ours == {"text": "ours"}


def test_a_member_that_has_gone_takes_its_fields_along() -> None:
    overlay = beyond({"spec": {"new": 1}}, {"spec": {}})
    assert overlay is not None
    ours: dict[str, Any] = {"spec": "another shape"}

    merge(ours, overlay)

    assert ours == {"spec": "another shape"}


@given(theirs=values, ours=values)
def test_to_put_back_twice_is_to_put_back_once(theirs: Any, ours: Any) -> None:
    once = put_back(theirs, ours)

    assert beyond(theirs, once) is None or put_back(theirs, once) == once
