"""What `orch diff` compares: all that a session has made, wherever that is now, without a trace of the look."""

import os
import subprocess
from pathlib import Path

import pytest

from orchestrd.client.difference import difference
from orchestrd.core.cleaning import preserve_ref
from orchestrd.model.document import Document
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.session import Workspace
from tests.documents import a_document
from tests.workspaces.landscapes import BRANCH, ENVIRONMENT, NAME, Landscape, files_of, git


@pytest.fixture
def land(tmp_path: Path) -> Landscape:
    land = Landscape(tmp_path)
    (land.worktree / "kept").write_text("old\n")
    git(land.worktree, "add", "-A")
    git(land.worktree, "commit", "-q", "-m", "committed")
    return land


def document(land: Landscape, base: str | None = "main") -> Document:
    workspace = Workspace(kind="worktree", path=str(land.worktree), branch=BRANCH, base=base)
    return a_document(NAME, project=str(land.project), workspace=workspace)


def shown(told: Document, *options: str) -> tuple[str, str]:
    """Give what git shows, and what is said beside it."""
    with difference(told, *options, environ=ENVIRONMENT) as look:
        done = subprocess.run(look.argv, env=look.environment, capture_output=True, check=True, text=True)
    return done.stdout, look.said


def names(told: Document) -> list[str]:
    return shown(told, "--name-only")[0].split()


def test_committed_staged_changed_deleted_and_new_files_all_count(land: Landscape) -> None:
    (land.worktree / "kept").write_text("new\n")
    (land.worktree / "staged").write_text("1\n")
    git(land.worktree, "add", "staged")
    (land.worktree / "untracked").write_text("2\n")
    (land.worktree / ".gitignore").unlink()

    assert names(document(land)) == [".gitignore", "kept", "staged", "untracked"]


def test_what_git_ignores_does_not_count(land: Landscape) -> None:
    (land.worktree / "a.ignored").write_text("1\n")

    assert names(document(land)) == ["kept"]


def test_what_has_come_to_the_base_since_does_not_count(land: Landscape) -> None:
    (land.project / "later").write_text("1\n")
    git(land.project, "add", "-A")
    git(land.project, "commit", "-q", "-m", "later")

    assert names(document(land)) == ["kept"]


def test_a_session_without_a_base_is_compared_with_where_the_project_stands(land: Landscape) -> None:
    assert names(document(land, base=None)) == ["kept"]


def test_where_the_base_is_gone_what_is_not_committed_is_left(land: Landscape) -> None:
    (land.worktree / "new").touch()

    assert names(document(land, base="no-such-branch")) == ["new"]


def test_how_much_is_told_instead_of_what(land: Landscape) -> None:
    assert shown(document(land), "--stat")[0].endswith(" 1 file changed, 1 insertion(+)\n")


def test_a_look_leaves_no_trace(land: Landscape) -> None:
    (land.worktree / "new").write_text("1\n")
    git(land.project, "config", "core.splitIndex", "true")
    before = files_of(land.project.parent)

    shown(document(land))

    assert files_of(land.project.parent) == before


def test_colours_and_pager_are_left_to_git(land: Landscape) -> None:
    with difference(document(land), environ=ENVIRONMENT | {"GIT_INDEX_FILE": "/nowhere", "PAGER": "less"}) as look:
        assert not {"--no-pager", "--color"} & set(look.argv)
        assert look.environment["PAGER"] == "less"
        assert look.environment["GIT_INDEX_FILE"] != "/nowhere"


def test_of_a_session_that_works_in_the_project_all_that_is_not_committed_is_shown(land: Landscape) -> None:
    (land.project / "new").touch()
    told = a_document(project=str(land.project), workspace=Workspace(kind="none", path=str(land.project)))

    out, said = shown(told, "--name-only")

    assert out == "new\n"
    assert said == "session abcdefgh works in the project itself: this is all that differs from its last commit"


def test_a_project_without_a_commit_is_compared_with_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "new").write_text("1\n")

    assert names(a_document(workspace=Workspace(kind="none", path=str(tmp_path)))) == ["new"]


def test_where_there_is_no_repository_there_is_nothing_to_compare(tmp_path: Path) -> None:
    told = a_document(workspace=Workspace(kind="none", path=str(tmp_path)))

    with pytest.raises(RefusedError, match="no working tree of git") as caught:
        shown(told)

    assert (caught.value.code, caught.value.hint) == ("no_repository", "orch logs abcdefgh")


@pytest.mark.parametrize(("is_preserved", "fate"), [(True, "has been cleaned"), (False, "is not there")])
def test_of_a_worktree_that_is_gone_what_is_left_is_shown(land: Landscape, fate: str, *, is_preserved: bool) -> None:
    git(land.project, "worktree", "remove", str(land.worktree))
    ref = f"refs/heads/{BRANCH}"
    if is_preserved:
        ref = preserve_ref(NAME)
        git(land.project, "update-ref", ref, BRANCH)

    out, said = shown(document(land), "--name-only")

    assert out == "kept\n"
    assert said == f"the worktree of session {NAME} {fate}: this is from {ref}"


def test_where_nothing_is_left_that_is_said(land: Landscape) -> None:
    git(land.project, "worktree", "remove", str(land.worktree))
    git(land.project, "branch", "-D", BRANCH)

    with pytest.raises(RefusedError, match="neither worktree nor branch") as caught:
        shown(document(land))

    assert caught.value.code == "nothing_left"


def test_where_the_project_is_gone_too_nothing_is_left(tmp_path: Path) -> None:
    workspace = Workspace(kind="worktree", path=str(tmp_path / "gone"), branch=BRANCH)
    told = a_document(project=str(tmp_path / "gone too"), workspace=workspace)

    with pytest.raises(RefusedError, match="nothing is left"):
        shown(told)


def test_of_a_session_that_was_cleaned_and_revived_both_parts_are_told(land: Landscape) -> None:
    git(land.project, "update-ref", preserve_ref(NAME), "main")

    out, said = shown(document(land), "--name-only")

    assert out == "kept\n"
    assert said == f"what an earlier clean has preserved of session {NAME} is in {preserve_ref(NAME)}"


def test_what_git_complains_of_is_passed_on(land: Landscape) -> None:
    told = document(land)
    (land.worktree / ".git").write_text("gitdir: /nowhere\n")

    with pytest.raises(OrchestrdError):
        shown(told)


def test_a_worktree_that_is_named_in_bytes_that_are_no_text_is_compared(land: Landscape) -> None:
    (land.worktree / os.fsdecode(b"\xff")).write_text("1\n")

    assert names(document(land)) == ["kept", '"\\377"']
