"""Whose pull request a branch has, and how sure what is told of it is."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from orchestrd.core.branches import (
    Claim,
    branch_of,
    is_watched,
    known_of,
    no_pull_request,
    told_rule,
    without_pull_request,
)
from orchestrd.model.change import Change, Pr
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Session, Workspace
from orchestrd.model.words import State
from tests.documents import a_spec
from tests.sessions import a_session

OPEN = Change(forge="github", repository="github.com/ada/shop", branch="fix", pr=Pr.OPEN)
WORKTREE = Workspace(kind="worktree", path="/tree", branch="orch/aaaaaaaa-fix")


def session(name: str = "aaaaaaaa", **changes: object) -> Session:
    return a_session(name, spec=a_spec(workspace=WORKTREE), **changes)


def test_a_session_in_a_worktree_is_watched_while_it_goes_on_or_its_pull_request_is_undecided() -> None:
    ended = session(state=State.COMPLETED)

    assert is_watched(session())
    assert is_watched(replace(ended, change=OPEN))
    assert not is_watched(replace(ended, change=replace(OPEN, pr=Pr.MERGED)))
    assert not is_watched(ended)
    assert not is_watched(a_session("aaaaaaaa"))


def test_the_branch_is_the_one_that_is_checked_out_or_was_last() -> None:
    assert branch_of(session(change=OPEN), "feature") == "feature"
    assert branch_of(session(change=OPEN), None) == "fix"
    assert branch_of(session(), None) == "orch/aaaaaaaa-fix"


def test_a_branch_is_that_of_the_session_that_goes_on_and_of_those_the_first() -> None:
    first, second = session("bbbbbbbb"), session("aaaaaaaa")
    second = replace(second, created_at=first.created_at + timedelta(minutes=1))
    ended = replace(session("cccccccc"), state=State.COMPLETED, created_at=first.created_at - timedelta(days=1))

    why = without_pull_request([Claim(session=one, branch="fix") for one in (second, ended, first)])

    assert why == {
        SessionId("aaaaaaaa"): "the branch fix is that of session bbbbbbbb",
        SessionId("cccccccc"): "the branch fix is that of session bbbbbbbb",
    }


def test_what_pull_requests_lead_into_is_nobodys() -> None:
    why = without_pull_request([Claim(session=session(), branch="main", default="main")])

    assert why == {SessionId("aaaaaaaa"): "main is the branch that pull requests lead into"}
    told = no_pull_request("github", "github.com/ada/shop", "main", "so it is")
    assert (told.pr, told.remarks, told.error) == (Pr.NONE, (), "so it is")


@pytest.mark.parametrize("change", [None, replace(OPEN, branch="other"), replace(OPEN, forge="local")])
def test_what_was_told_of_something_else_is_not_known(change: Change | None) -> None:
    assert known_of(session(change=change), "github", "github.com/ada/shop", "fix") is None
    assert known_of(session(change=OPEN), "github", "github.com/ada/shop", "fix") is OPEN


def test_how_sure_a_change_is() -> None:
    one = session()
    now = one.created_at + timedelta(seconds=12)
    told = replace(one, change=OPEN)

    assert told_rule(a_session("aaaaaaaa"), None, "it works in no worktree of its own", now) == ""
    assert told_rule(one, None, None, now) == "nothing has been told of it yet"
    assert told_rule(one, one.created_at, None, now) == "the forge told of it 12 s ago"
    assert told_rule(told, one.created_at, None, now) == "github told of it 12 s ago"
    assert told_rule(told, one.created_at, "502", now) == "github told of it 12 s ago; since then: 502"
    assert told_rule(told, None, "no forge is asked", now) == (
        "no forge is asked; what is on record was told before this daemon started"
    )


def test_of_one_that_is_over_it_is_said_that_no_forge_is_asked_any_more() -> None:
    ended = replace(session(state=State.COMPLETED), change=replace(OPEN, pr=Pr.MERGED))
    now = ended.created_at + timedelta(seconds=12)

    assert told_rule(ended, None, None, now) == "it has ended, so github is not asked about it any more"
    assert told_rule(ended, ended.created_at, "502", now) == (
        "it has ended, so github is not asked about it any more; it told of it last 12 s ago"
    )
