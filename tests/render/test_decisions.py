"""What a session asks, as status, show and explain tell it."""

from typing import Any

import pytest

from orchestrd.model.decision import Decision
from orchestrd.model.document import Document, Explanation, Status
from orchestrd.render import candidates, decision_page, explanation_page, session_page, status_table
from tests.decisions import held, shown
from tests.documents import NOON, a_document


def blocked(session: str = "abcdefgh", decision: Decision | None = None, **changes: Any) -> Document:
    return a_document(session, activity="blocked", decision=decision or held(), **changes)


def table(*sessions: Document) -> str:
    return status_table(Status(daemon=None, sessions=sessions, hidden=0), NOON)


def test_the_status_says_how_many_ask_and_names_the_command_for_the_first() -> None:
    one = table(blocked(), a_document("bcdefgha", activity="working"))
    two = table(blocked(), blocked("bcdefgha", shown()))
    none = table(a_document(activity="blocked"))

    assert "1 asks for a decision: orch answer abcdefgh\n" in one
    assert "2 ask for decisions: orch answer abcdefgh\n" in two
    assert "orch answer" not in none


def test_the_pages_of_a_session_tell_what_it_asks_and_how_to_answer() -> None:
    told = blocked()
    explained = Explanation(
        session=told, state_rule="a", liveness_rule="b", activity_rule="c", witnesses=(), pending=()
    )

    for page in (session_page(told, NOON), explanation_page(explained, NOON)):
        assert "asks        touch sold\n" in page
        assert "allow, deny, other; answer: orch answer abcdefgh CHOICE\n" in page


@pytest.mark.parametrize(("decision", "asks"), [(held(), "asks for permission"), (shown(), "waits for a decision")])
def test_the_page_of_a_decision_says_of_what_kind_it_is(decision: Decision, asks: str) -> None:
    assert decision_page(blocked(decision=decision)).startswith(f"abcdefgh  fix-login  {asks}\n")


def test_a_session_without_a_name_of_its_own_is_named_once() -> None:
    assert decision_page(blocked(name="abcdefgh")).startswith("abcdefgh  asks for permission\n")


def test_a_session_that_says_nothing_of_what_it_asks_has_a_page_as_well() -> None:
    page = decision_page(a_document(activity="blocked", attach=("orch", "attach", "abcdefgh")))

    assert "it does not tell what it asks" in page


def test_a_shell_is_offered_the_sessions_that_ask_and_their_choices() -> None:
    every = (blocked(), a_document("bcdefgha", name="other", activity="working"))

    sessions = candidates(every, NOON, of="blocked")
    choices = candidates(every, NOON, of="choices", session="fix-login")
    begun = candidates(every, NOON, of="choices", session="abc", begins="d")

    assert [line.partition("\t")[0] for line in sessions.splitlines()] == ["fix-login"]
    assert choices == "allow\tYes\ndeny\tNo\nother\tSomething else\n"
    assert begun == "deny\tNo\n"


@pytest.mark.parametrize("session", ["", "nobody", "other"])
def test_there_are_no_choices_where_nothing_is_asked(session: str) -> None:
    every = (blocked(), a_document("bcdefgha", name="other", activity="working"))

    assert candidates(every, NOON, of="choices", session=session) == ""


def test_the_page_of_a_session_names_its_policy_where_it_is_not_the_usual_one() -> None:
    usual = session_page(a_document(), NOON)
    allow = session_page(a_document(permission="allow", allow=("Edit", "Bash(npm test:*)")), NOON)
    deny = session_page(a_document(permission="deny"), NOON)

    assert "permission" not in usual
    assert "permission  allow:\n            Edit\n            Bash(npm test:*)\n" in allow
    assert "permission  deny\n" in deny
