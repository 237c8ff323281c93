"""What a clean decides about a worktree, and the way back it tells."""

from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.core.cleaning import ARCHIVED, Owner, judge, merged_commit, preserve_ref, spared, way_back
from orchestrd.model.change import Change, Pr
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Workspace
from orchestrd.model.words import Deed, State
from orchestrd.model.worktree import Obstacle, Place, Worktree
from tests.documents import a_spec
from tests.sessions import a_session

NAME = "abcdefgh"
PLACE = Place(name=NAME, path=f"/home/me/.orch/worktrees/webshop/{NAME}")
OWNER = Owner(session=SessionId(NAME), standing="completed", is_over=True)
UNTOUCHED = Worktree(place=PLACE, project="/home/me/webshop", branch=f"orch/{NAME}-fix", head="c0ffee")


def worktree(**changes: Any) -> Worktree:
    return replace(UNTOUCHED, **changes)


def test_nothing_new_means_that_it_may_go() -> None:
    assert judge(UNTOUCHED, OWNER).deed is Deed.REMOVE


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"staged": 1}, "1 file staged"),
        ({"modified": 2, "untracked": 1}, "2 files modified, 1 file untracked"),
        ({"unheld": 3}, "3 commits neither pushed nor merged"),
        ({"forgotten": 1}, "1 line of work without a branch"),
        ({"doing": "rebase"}, "in the middle of a rebase"),
    ],
)
def test_whatever_is_new_is_named_and_preserved(changes: dict[str, Any], why: str) -> None:
    verdict = judge(worktree(**changes), OWNER)

    assert (verdict.deed, verdict.why) == (Deed.PRESERVE, why)


def test_commits_whose_last_one_the_forge_has_merged_are_not_new_whatever_they_became() -> None:
    squashed = replace(OWNER, merged="c0ffee")

    assert judge(worktree(unheld=3), squashed).deed is Deed.REMOVE
    assert judge(worktree(unheld=3, modified=1), squashed).why == "1 file modified"
    assert judge(worktree(unheld=3, forgotten=1), squashed).why == "1 line of work without a branch"


@pytest.mark.parametrize("changes", [{"head": "decaf"}, {"branch": None}, {"head": None}])
def test_what_came_behind_the_merged_commit_or_hangs_on_no_branch_is_new(changes: dict[str, Any]) -> None:
    merged = replace(OWNER, merged="c0ffee")

    assert judge(worktree(unheld=1, **changes), merged).deed is Deed.PRESERVE


def test_only_what_a_forge_has_told_of_as_merged_counts_so() -> None:
    session = a_session(NAME, state=State.COMPLETED)
    told = Change(forge="local", repository="/shop.git", branch="fix", pr=Pr.OPEN, head="c0ffee")

    commits = [merged_commit(replace(session, change=change)) for change in (None, told, replace(told, pr=Pr.MERGED))]

    assert commits == [None, None, "c0ffee"]


def test_ignored_files_alone_keep_nothing() -> None:
    assert judge(worktree(ignored_files=9, ignored_bytes=9), OWNER).deed is Deed.REMOVE


@pytest.mark.parametrize(("told", "hint"), [("ls", "ls"), ("", f"git -C {PLACE.path} status")])
def test_what_stands_in_the_way_keeps_it_and_names_a_next_command(told: str, hint: str) -> None:
    verdict = judge(worktree(obstacle=Obstacle(why="it is locked", hint=told), modified=1), OWNER)

    assert (verdict.deed, verdict.why, verdict.hint) == (Deed.KEEP, "it is locked", hint)


def test_an_empty_directory_goes_whoever_made_it() -> None:
    assert judge(Worktree(place=PLACE, is_empty=True), None).deed is Deed.REMOVE


def test_one_without_a_session_is_ours_by_its_branch() -> None:
    assert judge(UNTOUCHED, None).deed is Deed.REMOVE


@pytest.mark.parametrize("branch", ["main", "orch/bbbbbbbb-fix", None])
def test_one_without_a_session_and_on_a_branch_of_another_stays(branch: str | None) -> None:
    verdict = judge(worktree(branch=branch), None)

    assert verdict.deed is Deed.KEEP
    assert verdict.why == f"no session is known for it, and its branch is {branch or 'none'}"


def test_that_of_a_session_that_may_run_is_spared() -> None:
    verdict = spared(PLACE, Owner(session=SessionId(NAME), standing="scheduled", is_over=False), ())

    assert verdict is not None
    assert (verdict.deed, verdict.why) == (Deed.SPARE, "its session is scheduled")


@pytest.mark.parametrize("part", ["workspace", "project"])
def test_one_that_another_session_works_in_is_spared(part: str) -> None:
    inside = f"{PLACE.path}/deeper"
    change: dict[str, Any] = {"workspace": Workspace(kind="none", path=inside), "project": inside}
    runs = a_session("bbbbbbbb", spec=a_spec(**{part: change[part]}))

    verdict = spared(PLACE, OWNER, [runs])

    assert verdict is not None
    assert verdict.why == "session bbbbbbbb works in it"


def test_who_has_ended_in_it_or_works_beside_it_does_not_count() -> None:
    inside, beside = f"{PLACE.path}/deeper", f"{PLACE.path}beside"
    ended = a_session("cccccccc", state=State.COMPLETED, spec=a_spec(project=inside))
    runs = a_session("bbbbbbbb", spec=a_spec(project=beside))

    assert spared(PLACE, OWNER, [ended, runs]) is None
    assert spared(PLACE, Owner(session=SessionId(NAME), standing=ARCHIVED, is_over=True), []) is None


def test_the_way_back_to_what_was_removed_is_its_branch() -> None:
    assert way_back(UNTOUCHED, None) == f"git -C /home/me/webshop worktree add {PLACE.path} orch/{NAME}-fix"


def test_the_way_back_without_a_branch_is_its_commit() -> None:
    assert way_back(worktree(branch=None), None).endswith(f"{PLACE.path} c0ffee")


def test_the_way_back_to_what_was_preserved_is_its_ref() -> None:
    back = way_back(worktree(project="/home/my shop"), preserve_ref(NAME))

    assert back == f"git -C '/home/my shop' worktree add --detach {PLACE.path} refs/orch/preserve/{NAME}"


def test_there_is_no_way_back_to_an_empty_directory() -> None:
    assert way_back(Worktree(place=PLACE, is_empty=True), None) == ""
