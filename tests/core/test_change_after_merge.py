"""What was merged stays merged, whatever a forge forgets; another pull request of the same branch is another one."""

import pytest
from msgspec.structs import replace

from orchestrd.core.step import step
from orchestrd.model.change import Change, Pr
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import ChangeTold, Evidence
from orchestrd.model.session import Workspace
from orchestrd.testing.clocks import DAWN
from tests.documents import a_spec
from tests.sessions import a_session

MERGED = Change(forge="github", repository="github.com/ada/shop", branch="fix", pr=Pr.MERGED, number=12, head="c0ffee")
LOCAL = replace(MERGED, forge="local", repository="/shop.git", number=None)


def after(known: Change, **told: object) -> Change | None:
    workspace = Workspace(kind="worktree", path="/tree", branch="fix")
    session = a_session("aaaaaaaa", spec=a_spec(workspace=workspace), change=known)
    input_ = ChangeTold(change=replace(known, **told))
    outcome = step(session, Evidence(), input_, DAWN)
    assert outcome.session is not None
    assert outcome.session.id == SessionId("aaaaaaaa")
    return outcome.session.change


@pytest.mark.parametrize("known", [MERGED, LOCAL])
@pytest.mark.parametrize("pr", [Pr.NONE, Pr.UNKNOWN, Pr.CLOSED, Pr.OPEN])
def test_a_forge_that_forgets_takes_no_merge_back(known: Change, pr: Pr) -> None:
    assert after(known, pr=pr) == known


def test_another_number_or_where_there_is_none_another_commit_is_another_pull_request() -> None:
    again = after(MERGED, pr=Pr.OPEN, number=13, head="decaf"), after(LOCAL, pr=Pr.OPEN, head="decaf")

    assert [change.pr for change in again if change] == [Pr.OPEN, Pr.OPEN]
    assert after(MERGED, pr=Pr.OPEN, head="decaf") == MERGED
