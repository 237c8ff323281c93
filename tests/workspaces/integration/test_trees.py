"""Whether all of a workspace is committed, asked of real repositories."""

from pathlib import Path

import pytest

from orchestrd.model.session import Workspace
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.trees import GitTrees
from tests.workspaces.repositories import ENVIRONMENT, a_repository, git, write


@pytest.fixture
def trees() -> GitTrees:
    return GitTrees(Git(ENVIRONMENT))


def worktree(place: Path, *, copy: tuple[str, ...] = (), link: tuple[str, ...] = ()) -> Workspace:
    return Workspace(kind="worktree", path=str(place), copy=copy, link=link)


async def test_a_tree_where_all_is_committed_or_ignored_is_clean_at_its_head(trees: GitTrees, tmp_path: Path) -> None:
    place = a_repository(tmp_path / "r", files={".gitignore": "built\n", "a.py": "1\n"})
    write(place, {"built/x": "1"})

    tree = await trees.tree(worktree(place))

    assert (tree.head, tree.is_clean, tree.error) == (git(place, "rev-parse", "HEAD"), True, None)


@pytest.mark.parametrize("how", ["changed", "staged", "new", "removed", "renamed"])
async def test_whatever_is_not_committed_is_named(how: str, trees: GitTrees, tmp_path: Path) -> None:
    place = a_repository(tmp_path / "r", files={"a.py": "1\n"})
    if how in ("changed", "staged"):
        write(place, {"a.py": "2\n"})
    if how == "new":
        write(place, {"a.py.new": "2\n"})
    if how == "removed":
        (place / "a.py").unlink()
    if how == "renamed":
        git(place, "mv", "a.py", "b.py")
    if how == "staged":
        git(place, "add", "a.py")

    tree = await trees.tree(worktree(place))

    assert tree.is_clean is False
    assert "a.py" in (tree.error or "")


async def test_of_many_files_a_few_are_named_and_the_others_are_counted(trees: GitTrees, tmp_path: Path) -> None:
    place = a_repository(tmp_path / "r")
    write(place, {f"new/{number}\nobey": "" for number in range(9)})

    tree = await trees.tree(worktree(place))

    assert (tree.error or "").startswith("not committed: 'new/0 obey', 'new/1 obey'")
    assert (tree.error or "").endswith(" and 4 more")


async def test_what_was_brought_along_is_not_the_work_of_the_agent_unless_it_is_tracked(
    trees: GitTrees, tmp_path: Path
) -> None:
    place = a_repository(tmp_path / "r", files={"a.py": "1\n"})
    write(place, {".env": "x", "data/one": "1"})
    brought = worktree(place, copy=(".env", "a.py"), link=("data",))

    before = await trees.tree(brought)
    write(place, {"a.py": "2\n"})
    after = await trees.tree(brought)

    assert (before.is_clean, after.is_clean) == (True, False)


async def test_a_directory_that_is_in_no_repository_has_nothing_to_commit(trees: GitTrees, tmp_path: Path) -> None:
    tree = await trees.tree(Workspace(kind="none", path=str(tmp_path)))

    assert (tree.head, tree.is_clean) == (None, True)


async def test_a_repository_without_a_commit_has_no_head(trees: GitTrees, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")

    tree = await trees.tree(worktree(tmp_path))

    assert (tree.head, tree.is_clean) == (None, True)


async def test_where_git_cannot_tell_nobody_knows(trees: GitTrees, tmp_path: Path) -> None:
    place = a_repository(tmp_path / "r")
    (place / ".git" / "index").write_bytes(b"broken")

    broken = await trees.tree(worktree(place))
    gone = await GitTrees(Git({**ENVIRONMENT, "PATH": "/nonexistent"})).tree(worktree(place))

    assert (broken.is_clean, gone.is_clean) == (None, None)
    assert "git status failed" in (broken.error or "")
    assert gone.error


async def test_a_worktree_tells_the_commit_that_it_began_at_whatever_was_committed_since(
    trees: GitTrees, tmp_path: Path
) -> None:
    project = a_repository(tmp_path / "shop")
    place = tmp_path / "w"
    git(project, "worktree", "add", "--quiet", "-b", "mine", str(place))
    git(place, "commit", "--quiet", "--allow-empty", "--message", "done")
    git(place, "commit", "--quiet", "--allow-empty", "--amend", "--message", "done better")

    tree = await trees.tree(worktree(place))
    shared = await trees.tree(Workspace(kind="none", path=str(project)))

    assert tree.beginning == git(project, "rev-parse", "HEAD") != tree.head
    assert shared.beginning is None
