"""A change as it is told to people: in a few characters of a row, and whole on a page."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.model.change import Change, Checks, FailedCheck, Mergeable, Pr, Remark, Review
from orchestrd.model.document import Document, Explanation, Status
from orchestrd.render import explanation_page, needs_me, session_page, status_table
from orchestrd.render.changes import change_cell
from orchestrd.render.text import width
from tests.changes import CHANGE
from tests.documents import NOON, a_document
from tests.render.test_table import NOW, _table

OPEN = replace(
    CHANGE,
    repository="github.com/ada/shop",
    branch="orch/abcdefgh-fix",
    number=12,
    url="https://github.com/ada/shop/pull/12",
    title="Mend the login",
    head="c0ffee0123456789c0ffee0123456789c0ffee01",
    review=Review.REQUIRED,
)
RED = replace(
    OPEN,
    checks=Checks.FAILING,
    failed=(FailedCheck(id="1", name="build", step="make\x1b[31m test"), FailedCheck(id="2", name="lint")),
    failed_more=3,
    review=Review.CHANGES_REQUESTED,
    remarks=(Remark(id="1", author="bo", text="no", path="src/app.py", line=7), Remark(id="2", author="cy", text="x")),
    mergeable=Mergeable.CONFLICTING,
)
READY = replace(OPEN, review=Review.APPROVED)


def a_row(**changes: Any) -> Document:
    return a_document(change=replace(OPEN, **changes))


@pytest.mark.parametrize(
    ("changes", "cell"),
    [
        ({}, "#12 ok"),
        ({"review": Review.APPROVED}, "#12 ready"),
        ({"checks": Checks.FAILING, "mergeable": Mergeable.CONFLICTING}, "#12 red"),
        ({"mergeable": Mergeable.CONFLICTING, "review": Review.CHANGES_REQUESTED}, "#12 conflict"),
        ({"review": Review.CHANGES_REQUESTED}, "#12 changes"),
        ({"pr": Pr.DRAFT}, "#12 draft"),
        ({"checks": Checks.PENDING}, "#12 pending"),
        ({"checks": Checks.UNKNOWN}, "#12 ?"),
        ({"checks": Checks.NONE}, "#12 open"),
        ({"checks": Checks.NONE, "number": None}, "open"),
        ({"pr": Pr.MERGED, "checks": Checks.FAILING}, "#12 merged"),
        ({"pr": Pr.CLOSED}, "#12 closed"),
        ({"pr": Pr.NONE}, "-"),
        ({"pr": Pr.UNKNOWN}, "?"),
    ],
)
def test_a_cell_says_the_worst_first(changes: dict[str, Any], cell: str) -> None:
    assert change_cell(a_row(**changes)) == cell


def test_the_table_has_a_column_for_it_where_there_is_something_to_say() -> None:
    without = a_document("without2", name="docs")

    assert _table(a_row(), without).splitlines()[:3] == [
        "ID        NAME       PROJECT  AGENT  STATE    ACTIVITY  PR      SINCE  ABOUT",
        "abcdefgh  fix-login  webshop  shell  running  ?         #12 ok  3m     sleep 60",
        "without2  docs       webshop  shell  running  ?         -       3m     sleep 60",
    ]
    assert " PR " not in _table(without, a_row(pr=Pr.NONE))


def test_a_forge_that_has_not_answered_is_no_pull_request_that_is_not_there() -> None:
    asked, never = a_document("asked222", name="docs"), a_document("never222", name="shed")

    silent = Status(daemon=None, sessions=(asked, never), hidden=0, asked_about=(asked.id,))
    head, *rows = status_table(silent, NOW).splitlines()[:3]

    place = head.rindex("PR")
    assert [row[place : place + 2] for row in rows] == ["? ", "- "]


def test_it_stays_in_a_terminal_of_eighty_columns() -> None:
    told = replace(a_row(checks=Checks.PENDING), prompt="mend the login, and whatever else there is to mend in it")
    busy = replace(told, generation=2, activity="working", activity_since=NOON, reason="recovered", name="a-long-name")

    head, row, *_ = _table(busy, columns=80).splitlines()

    assert "PR" in head
    assert "#12 pending" in row
    assert width(row) <= 80


def test_what_is_ready_or_was_given_up_needs_a_person() -> None:
    ready, closed = a_document("ready222", change=READY), a_document("closed22", change=replace(OPEN, pr=Pr.CLOSED))
    ended = a_document("ended222", state="completed", reason="turn_done", change=READY)
    gone = a_document("gone2222", state="completed", reason="turn_done", change=replace(OPEN, pr=Pr.CLOSED))
    others = [
        a_document("newest22", created_at=NOON + timedelta(minutes=3)),
        a_document("waiting2", activity="waiting"),
        a_document("lost2222", state="lost"),
    ]

    ids = [line.split()[0] for line in _table(*others, ready, closed, ended, gone).splitlines()[1:-2]]

    assert ids == ["waiting2", "closed22", "ended222", "ready222", "lost2222", "newest22", "gone2222"]
    assert [needs_me(told) for told in (ready, closed, ended, gone)] == [True, True, True, False]


def test_what_conflicts_is_not_ready() -> None:
    assert not needs_me(a_document(change=replace(READY, mergeable=Mergeable.CONFLICTING)))


def _change(page: str) -> list[str]:
    lines = page.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("change"))
    section = [lines[start], *(line for line in lines[start + 1 :])]
    end = next(number for number, line in enumerate(section[1:], start=1) if not line.startswith(" "))
    return [line[12:] for line in section[:end]]


def test_a_page_tells_all_of_a_pull_request() -> None:
    told = _change(session_page(a_document(change=RED), NOW))

    assert told == [
        "#12 open: Mend the login",
        "https://github.com/ada/shop/pull/12",
        "branch orch/abcdefgh-fix into main at c0ffee0123, in github.com/ada/shop",
        "checks failing: build (at make\\x1b[31m test), lint, 3 more",
        "review changes requested, 2 remarks not settled: bo on src/app.py:7; cy",
        "merge conflicting",
    ]


def test_what_is_not_known_is_said_with_the_reason() -> None:
    unknown = replace(OPEN, checks=Checks.UNKNOWN, remarks=None, error="the token may not read\nchecks")

    told = _change(session_page(a_document(change=unknown), NOW))

    assert told[-4:] == [
        "checks unknown",
        "review required, remarks unknown",
        "merge clean",
        "not known: the token may not read checks",
    ]


def test_what_is_over_needs_no_details() -> None:
    told = _change(session_page(a_document(change=replace(RED, pr=Pr.MERGED)), NOW))

    assert told[0] == "#12 merged: Mend the login"
    assert len(told) == 3


@pytest.mark.parametrize(
    ("pr", "headline", "reason"),
    [
        (Pr.NONE, "no pull request", "because: main is the branch that pull requests lead into"),
        (
            Pr.UNKNOWN,
            "nobody knows whether it has a pull request",
            "not known: main is the branch that pull requests lead into",
        ),
    ],
)
def test_no_pull_request_and_not_knowing_are_two_things(pr: Pr, headline: str, reason: str) -> None:
    bare = Change(
        forge="local",
        repository="/srv/shop.git",
        branch="main",
        pr=pr,
        checks=Checks.NONE,
        review=Review.NONE,
        remarks=(),
        mergeable=Mergeable.CLEAN,
        error="main is the branch that pull requests lead into",
    )

    told = _change(session_page(a_document(change=bare), NOW))

    assert told == [headline, "branch main, in /srv/shop.git", reason]


def _explained(told: Document, rule: str) -> str:
    explained = Explanation(
        session=told, state_rule="a", liveness_rule="b", activity_rule="c", change_rule=rule, witnesses=(), pending=()
    )
    return explanation_page(explained, NOW)


def test_an_explanation_says_who_told_of_it_and_when() -> None:
    assert _change(_explained(a_document(change=OPEN), "github told of it 3 s ago"))[-1] == "github told of it 3 s ago"
    assert _change(_explained(a_document(), "no forge is asked")) == ["no forge is asked"]
    assert "change" not in _explained(a_document(), "")


def test_colours_do_not_say_more_than_the_words() -> None:
    plain = _table(a_document(change=READY))
    coloured = _table(a_document(change=READY), colour=True)

    assert "\x1b[33m" in coloured
    assert coloured.replace("\x1b[33m", "").replace("\x1b[1m", "").replace("\x1b[0m", "") == plain
