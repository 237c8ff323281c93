"""What a revive tells of work that a clean has preserved: only where its new run would begin without it."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrd.client.preserved import missing_work
from orchestrd.core.cleaning import preserve_ref
from orchestrd.model.document import Document
from orchestrd.model.session import Workspace
from tests.documents import a_document
from tests.workspaces.landscapes import BRANCH, ENVIRONMENT, NAME, Landscape, git

REF = preserve_ref(NAME)


@pytest.fixture
def land(tmp_path: Path) -> Landscape:
    return Landscape(tmp_path)


def document(land: Landscape) -> Document:
    workspace = Workspace(kind="worktree", path=str(land.worktree), branch=BRANCH, base="main")
    return a_document(NAME, project=str(land.project), workspace=workspace)


def clean(land: Landscape, *parents: str) -> None:
    """Preserve what is there, and take the worktree away."""
    git(land.worktree, "add", "-A")
    tree = git(land.worktree, "write-tree").decode()
    given = [word for parent in ("HEAD", *parents) for word in ("-p", parent)]
    commit = git(land.worktree, "commit-tree", tree, *given, "-m", "preserved").decode()
    git(land.project, "update-ref", REF, commit)
    shutil.rmtree(land.worktree)
    git(land.project, "worktree", "prune")


def test_what_is_nowhere_but_in_its_ref_is_told_with_the_command_that_brings_it_back(land: Landscape) -> None:
    (land.worktree / "new").write_text("new\n")
    clean(land)

    told = missing_work(document(land), environ=ENVIRONMENT)

    assert told is not None
    assert told.ref == REF
    git(land.project, "worktree", "add", "-q", str(land.worktree), BRANCH)
    (land.worktree / "written since").touch()
    subprocess.run(shlex.split(told.back), env=ENVIRONMENT, check=True)
    assert (land.worktree / "new").read_text() == "new\n"
    assert (land.worktree / "written since").exists()


def test_nothing_is_missing_where_the_branch_has_it_all(land: Landscape) -> None:
    (land.worktree / "new").write_text("new\n")
    git(land.worktree, "add", "-A")
    git(land.worktree, "commit", "-q", "-m", "committed")
    clean(land)

    assert missing_work(document(land), environ=ENVIRONMENT) is None


def test_commits_without_a_branch_are_missing_though_all_files_are_there(land: Landscape) -> None:
    aside = git(land.worktree, "commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "without a branch").decode()
    clean(land, aside)

    assert missing_work(document(land), environ=ENVIRONMENT) is not None


def test_it_is_missing_where_its_branch_is_gone_too(land: Landscape) -> None:
    (land.worktree / "new").touch()
    clean(land)
    git(land.project, "branch", "-q", "-D", BRANCH)

    assert missing_work(document(land), environ=ENVIRONMENT) is not None


def test_nothing_is_told_of_a_worktree_that_is_there_or_of_which_nothing_was_preserved(land: Landscape) -> None:
    told = document(land)
    there = missing_work(told, environ=ENVIRONMENT)
    shutil.rmtree(land.worktree)

    assert [there, missing_work(told, environ=ENVIRONMENT)] == [None, None]


def test_nothing_is_told_where_git_cannot_say(land: Landscape) -> None:
    (land.worktree / "new").touch()
    clean(land)
    told = document(land)

    assert missing_work(replace(told, project=f"{land.project}/gone"), environ=ENVIRONMENT) is None
    assert missing_work(told, environ={"PATH": "/nowhere"}) is None
    assert missing_work(a_document(NAME), environ=ENVIRONMENT) is None
