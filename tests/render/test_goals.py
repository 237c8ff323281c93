"""What a session is for, as its pages tell it."""

from datetime import timedelta

import pytest

from orchestrd.model.document import Document
from orchestrd.model.verification import Verification
from orchestrd.model.words import Until
from orchestrd.render import session_page
from orchestrd.render.goals import goal_lines, has_goal
from tests.documents import NOON, a_document

LATER = NOON + timedelta(minutes=2)
RED = Verification(generation=1, turn_over_at=NOON, at=NOON, exit_code=3, error="its command failed with exit code 3")
UNTOUCHED = Verification(
    generation=1, turn_over_at=NOON, at=NOON, exit_code=0, is_clean=True, head="c0ffee", beginning="c0ffee"
)
GREEN = Verification(generation=1, turn_over_at=NOON, at=NOON, exit_code=0, is_clean=True, head="c0ffee" * 6)


@pytest.mark.parametrize(
    ("told", "lines"),
    [
        (a_document(until=Until.TURN), ["until its turn is over (turn)"]),
        (a_document(until=Until.PR_OPEN), ["until its pull request is open (pr_open)"]),
        (a_document(until=Until.PR_MERGED), ["until its pull request is merged (pr_merged)"]),
        (a_document(until="doomsday"), ["until it exits (doomsday)"]),
        (
            a_document(until=Until.VERIFY, verify="make test"),
            [
                "until its verification is green (verify)",
                "verified by: make test",
                "not verified yet: that comes with the end of its turn",
            ],
        ),
        (
            a_document(until=Until.EXIT, verify="make test", verification=RED),
            [
                "until it exits (exit)",
                "verified by: make test",
                "red, 2026-11-20 12:00:00Z (2m ago): its command failed with exit code 3",
            ],
        ),
        (
            a_document(until=Until.VERIFY, verify="make test", verification=GREEN),
            [
                "until its verification is green (verify)",
                "verified by: make test",
                "green at c0ffeec0ffee, 2026-11-20 12:00:00Z (2m ago)",
            ],
        ),
        (
            a_document(until=Until.VERIFY, verify="make test", verification=RED, verifying_since=NOON),
            [
                "until its verification is green (verify)",
                "verified by: make test",
                "it is being verified since its turn was over, 2026-11-20 12:00:00Z (2m ago)",
                "red, 2026-11-20 12:00:00Z (2m ago), of the turn before: its command failed with exit code 3",
            ],
        ),
        (
            a_document(until=Until.VERIFY, verify="make test", verifying_since=NOON),
            [
                "until its verification is green (verify)",
                "verified by: make test",
                "it is being verified since its turn was over, 2026-11-20 12:00:00Z (2m ago)",
            ],
        ),
        (
            a_document(until=Until.VERIFY, verify="true", verification=UNTOUCHED),
            [
                "until its verification is green (verify)",
                "verified by: true",
                "green at c0ffee, 2026-11-20 12:00:00Z (2m ago): nothing is committed since it began: that is no proof",
            ],
        ),
    ],
)
def test_a_goal_is_told_with_how_far_it_is(told: Document, lines: list[str]) -> None:
    assert has_goal(told)
    assert list(goal_lines(told, LATER)) == lines


def test_a_page_tells_of_issue_and_goal_only_where_there_are_any() -> None:
    plain = session_page(a_document(), LATER)
    told = session_page(a_document(issue="github.com/o/r#12", until=Until.VERIFY, verify="make test"), LATER)

    assert ("issue" in plain, "goal" in plain) == (False, False)
    assert "issue       github.com/o/r#12\n" in told
    assert "goal        until its verification is green (verify)\n            verified by: make test\n" in told
