"""What a forge tells is taken in: bounded, told of once, never of another branch, and what is merged stays merged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.fencing import LEFT_OUT
from orchestrd.core.step import step
from orchestrd.model.change import Change, Checks, FailedCheck, Mergeable, Pr, Remark, Review
from orchestrd.model.event import EventType
from orchestrd.model.limits import (
    CHECK_LOG_CHARS_MAX,
    FAILED_CHECKS_MAX,
    REMARK_CHARS_MAX,
    REMARKS_MAX,
    TITLE_CHARS_MAX,
)
from orchestrd.model.observation import ChangeTold, Evidence
from orchestrd.model.session import Session, Workspace
from orchestrd.model.words import State
from tests.changes import CHANGE
from tests.core.reacting import NOON, SPEC, session_of


def _after(session: Session, **news: Any) -> tuple[Change, list[tuple[str | None, str | None, str | None]]]:
    outcome = step(session, Evidence(), ChangeTold(change=replace(session.change or CHANGE, **news)), NOON)
    assert outcome.session is not None
    assert outcome.session.change is not None
    assert {event.type for event in outcome.events} <= {EventType.CHANGE_CHANGED}
    return outcome.session.change, [(event.from_, event.to, event.text) for event in outcome.events]


def test_the_first_word_of_a_forge_is_told_of_with_all_that_it_says() -> None:
    change, told = _after(session_of())

    assert change == CHANGE
    assert told == [(None, "open", "#7, checks passing, review none, merge clean, commit c1")]


@pytest.mark.parametrize(
    ("news", "told"),
    [
        ({}, []),
        ({"title": "another"}, []),
        ({"checks": Checks.FAILING}, [("open", "open", "checks failing")]),
        ({"review": Review.CHANGES_REQUESTED}, [("open", "open", "review changes requested")]),
        ({"mergeable": Mergeable.UNKNOWN}, [("open", "open", "merge unknown")]),
        ({"head": "0123456789abcdef"}, [("open", "open", "commit 0123456789")]),
        ({"head": None}, [("open", "open", "commit unknown")]),
        ({"number": 8}, [("open", "open", "#8")]),
        ({"number": None}, [("open", "open", "no number")]),
        ({"pr": Pr.CLOSED}, [("open", "closed", None)]),
    ],
)
def test_only_what_is_new_is_told_of(news: dict[str, Any], told: list[Any]) -> None:
    assert _after(session_of(change=CHANGE), **news)[1] == told


def test_a_log_that_was_fetched_is_kept_as_long_as_its_check_is_told_of() -> None:
    fetched = (FailedCheck(id="1", name="test", log="E"), FailedCheck(id="2", name="lint", log=""))
    session = session_of(change=replace(CHANGE, failed=fetched))

    change, _ = _after(session, failed=tuple(replace(check, log=None) for check in fetched[:1]))

    assert change.failed == fetched[:1]


def test_nothing_of_another_branch_is_carried_over() -> None:
    before = replace(CHANGE, pr=Pr.MERGED, failed=(FailedCheck(id="1", name="test", log="E"),))

    change, _ = _after(
        session_of(change=before), branch="other", pr=Pr.NONE, failed=(FailedCheck(id="1", name="test"),)
    )

    assert (change.pr, change.failed[0].log) == (Pr.NONE, None)


@pytest.mark.parametrize(
    "news", [{"pr": Pr.NONE, "number": None}, {"pr": Pr.UNKNOWN}, {"pr": Pr.OPEN}, {"pr": Pr.NONE, "head": None}]
)
def test_what_was_merged_stays_merged_whatever_is_forgotten(news: dict[str, Any]) -> None:
    merged = replace(CHANGE, pr=Pr.MERGED)

    change, told = _after(session_of(change=merged), error="no answer", **news)

    assert change == replace(merged, error="no answer")
    assert told == []


def test_another_pull_request_of_the_same_branch_is_another_one() -> None:
    change, _ = _after(session_of(change=replace(CHANGE, pr=Pr.MERGED)), pr=Pr.OPEN, number=9)

    assert (change.pr, change.number) == (Pr.OPEN, 9)


def test_the_branch_that_pull_requests_go_into_has_none() -> None:
    assert _after(session_of(), branch="main", base="main")[0].pr is Pr.NONE


def test_a_session_without_a_branch_of_its_own_has_no_change() -> None:
    session = session_of()
    session = replace(session, spec=replace(SPEC, workspace=Workspace(kind="none", path="/srv/project")))

    assert step(session, Evidence(), ChangeTold(change=CHANGE), NOON).session == session


def test_one_that_has_ended_is_told_of_its_own_branch_only() -> None:
    ended = session_of(state=State.COMPLETED, change=CHANGE)

    own = step(ended, Evidence(), ChangeTold(change=replace(CHANGE, pr=Pr.MERGED)), NOON).session
    other = step(ended, Evidence(), ChangeTold(change=replace(CHANGE, branch="other")), NOON).session

    assert own is not None
    assert own.change is not None
    assert own.change.pr is Pr.MERGED
    assert other == ended


def test_what_is_told_is_bounded_and_the_rest_counted() -> None:
    check = FailedCheck(id="1", name="n" * 1_000, step="s" * 1_000, log="l" * 10_000 + "end")
    remark = Remark(id="1", author="a" * 1_000, text="t" * 10_000)

    change, _ = _after(
        session_of(),
        title="x" * 1_000,
        error="e" * 10_000,
        failed=(check,) * (FAILED_CHECKS_MAX + 2),
        remarks=(remark,) * (REMARKS_MAX + 3),
        remarks_more=1,
    )

    assert change.title is not None
    assert change.remarks is not None
    assert (len(change.title), len(change.error or "")) == (TITLE_CHARS_MAX, 1_000)
    assert (len(change.failed), change.failed_more) == (FAILED_CHECKS_MAX, 2)
    assert (len(change.remarks), change.remarks_more) == (REMARKS_MAX, 4)
    first = change.failed[0]
    assert first.log is not None
    assert first.log.startswith(LEFT_OUT)
    assert first.log.endswith("end")
    assert (len(first.log), len(first.name), len(first.step or "")) == (CHECK_LOG_CHARS_MAX, 300, 300)
    assert len(change.remarks[0].text) <= REMARK_CHARS_MAX


@given(st.lists(st.tuples(st.sampled_from(Pr), st.sampled_from([None, 7])), max_size=12))
def test_a_pull_request_that_is_merged_never_is_anything_else_again(words: list[tuple[Pr, int | None]]) -> None:
    session = session_of()
    told = []
    for pr, number in words:
        after = step(session, Evidence(), ChangeTold(change=replace(CHANGE, pr=pr, number=number)), NOON).session
        assert after is not None
        assert after.change is not None
        session = after
        told.append(after.change.pr)

    if Pr.MERGED in told and all(number == 7 for _, number in words):
        assert set(told[told.index(Pr.MERGED) :]) == {Pr.MERGED}
