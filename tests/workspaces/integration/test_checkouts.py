"""Checkouts: real repositories, as git leaves them, and files that others have put in their place."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrd.model.errors import TransientError
from orchestrd.model.ids import SessionId
from orchestrd.ports.checkouts import Checkout, WantedCheckout
from orchestrd.workspaces.checkouts import GitCheckouts
from orchestrd.workspaces.git import Answer, Git
from tests.workspaces.repositories import ENVIRONMENT, a_repository, git, write


class CountingGit(Git):
    """A git that counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(ENVIRONMENT)
        self.asked: list[str] = []

    async def ask(self, directory: str, *arguments: str, **rest: object) -> Answer:
        self.asked.append(arguments[0])
        return await super().ask(directory, *arguments, **rest)  # type: ignore[arg-type]


class SilentGit(CountingGit):
    """A git that never answers."""

    async def ask(self, directory: str, *arguments: str, **rest: object) -> Answer:
        self.asked.append(arguments[0])
        raise TransientError("git was not done in time", code="git_late")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every repository here comes from."""
    return a_repository(tmp_path_factory.mktemp("checkouts") / "first")


@pytest.fixture
def shop(tmp_path: Path, first: Path) -> Path:
    """A project with a bare remote, and a worktree `tree` on a branch of its own."""
    shutil.copytree(first / ".git", tmp_path / "shop.git")
    git(tmp_path / "shop.git", "config", "core.bare", "true")
    git(tmp_path, "clone", "-q", "shop.git", "shop")
    shop = tmp_path / "shop"
    git(shop, "worktree", "add", "-q", "-b", "orch/a-fix", str(tmp_path / "tree"))
    return shop


@pytest.fixture
def calls() -> CountingGit:
    return CountingGit()


async def look(calls: Git, *paths: Path, remote: str = "origin") -> list[Checkout]:
    wanted = [WantedCheckout(session=SessionId("aaaaaaaa"), path=str(path)) for path in paths]
    return list(await GitCheckouts(calls).look(wanted, remote))


async def test_a_worktree_tells_its_branch_its_remote_and_what_the_remote_calls_its_own(
    shop: Path, calls: CountingGit
) -> None:
    tree = shop.parent / "tree"

    (told,) = await look(calls, tree)

    assert told == Checkout(
        remote=f"{shop.parent}/shop.git", branch="orch/a-fix", head=git(tree, "rev-parse", "HEAD"), default="main"
    )


async def test_a_push_shows_in_what_was_pushed_and_a_commit_does_not(shop: Path, calls: CountingGit) -> None:
    tree = shop.parent / "tree"
    git(tree, "commit", "-q", "--allow-empty", "-m", "second")
    (committed,) = await look(calls, tree)
    git(tree, "push", "-q", "origin", "orch/a-fix")

    (pushed,) = await look(calls, tree)

    assert (committed.pushed, committed.head) == (None, git(tree, "rev-parse", "HEAD"))
    assert pushed.pushed == pushed.head == git(tree, "rev-parse", "HEAD")


async def test_refs_are_found_where_git_has_packed_them(shop: Path, calls: CountingGit) -> None:
    tree = shop.parent / "tree"
    git(tree, "push", "-q", "origin", "orch/a-fix")
    git(shop, "pack-refs", "--all")
    checkouts, wanted = GitCheckouts(calls), [WantedCheckout(session=SessionId("aaaaaaaa"), path=str(tree))]
    (packed,) = await checkouts.look(wanted, "origin")
    git(tree, "commit", "-q", "--allow-empty", "-m", "second")
    git(tree, "push", "-q", "origin", "orch/a-fix")
    git(shop, "pack-refs", "--all")

    (again,) = await checkouts.look(wanted, "origin")

    assert packed.head == packed.pushed == git(tree, "rev-parse", "HEAD~")
    assert again.head == again.pushed == git(tree, "rev-parse", "HEAD")


async def test_a_rebase_a_bisection_and_a_detached_head_have_no_branch(shop: Path, calls: CountingGit) -> None:
    tree = shop.parent / "tree"
    git(tree, "checkout", "-q", "--detach")
    (detached,) = await look(calls, tree)
    git(tree, "checkout", "-q", "orch/a-fix")
    for number in range(4):
        git(tree, "commit", "-q", "--allow-empty", "-m", f"commit {number}")
    with pytest.raises(subprocess.CalledProcessError):
        git(tree, "rebase", "-q", "--exec", "false", "HEAD~2")
    (rebasing,) = await look(calls, tree)
    git(tree, "rebase", "--abort")
    git(tree, "bisect", "start", "HEAD", "HEAD~4")

    (bisecting,) = await look(calls, tree)

    assert [told.branch for told in (detached, rebasing, bisecting)] == [None, None, None]
    assert bisecting.remote == f"{shop.parent}/shop.git"


async def test_git_is_asked_once_for_the_url_and_again_when_the_configuration_changes(
    shop: Path, calls: CountingGit
) -> None:
    checkouts = GitCheckouts(calls)
    wanted = [WantedCheckout(session=SessionId("aaaaaaaa"), path=str(shop.parent / "tree"))] * 3
    await checkouts.look(wanted, "origin")
    await checkouts.look(wanted, "origin")
    asked = len(calls.asked)
    git(shop, "config", "url.https://example.org/.insteadOf", f"{shop.parent}/")

    (told, *_) = await checkouts.look(wanted, "origin")

    assert (asked, len(calls.asked)) == (1, 2)
    assert told.remote == "https://example.org/shop.git"


async def test_a_remote_that_is_a_relative_path_leads_from_the_project(shop: Path, calls: CountingGit) -> None:
    git(shop, "remote", "set-url", "origin", "../shop.git")

    of_project, of_worktree = await look(calls, shop, shop.parent / "tree")

    assert of_project.remote == of_worktree.remote == f"{shop.parent}/shop.git"


async def test_a_remote_that_is_a_relative_path_leads_from_a_bare_repository(shop: Path, calls: CountingGit) -> None:
    bare = shop.parent / "shop.git"
    git(bare, "remote", "add", "origin", "./other.git")
    git(bare, "worktree", "add", "-q", "-b", "elsewhere", str(shop.parent / "elsewhere"))

    (told,) = await look(calls, shop.parent / "elsewhere")

    assert told.remote == f"{bare}/other.git"


async def test_a_remote_that_is_not_there_is_none_and_is_not_asked_for_again(shop: Path, calls: CountingGit) -> None:
    checkouts = GitCheckouts(calls)
    wanted = [WantedCheckout(session=SessionId("aaaaaaaa"), path=str(shop.parent / "tree"))]
    await checkouts.look(wanted, "upstream")

    (told,) = await checkouts.look(wanted, "upstream")

    assert (told.remote, told.lacks_remote, told.branch, told.default) == (None, True, "orch/a-fix", None)
    assert calls.asked == ["remote"]


async def test_the_project_itself_is_read_like_a_worktree(shop: Path, calls: CountingGit) -> None:
    (told,) = await look(calls, shop)

    assert (told.branch, told.default, told.pushed) == ("main", "main", git(shop, "rev-parse", "HEAD"))


async def test_what_is_gone_or_is_none_says_nothing_and_costs_the_others_nothing(
    shop: Path, calls: CountingGit, tmp_path: Path
) -> None:
    write(tmp_path, {"odd/.git": "what is this", "astray/.git": "gitdir: /nowhere/at/all"})

    told = await look(calls, tmp_path / "gone", tmp_path / "odd", tmp_path / "astray", shop)

    assert told[:2] == [Checkout(), Checkout()]
    assert (told[2].branch, told[2].remote) == (None, None)
    assert told[3].branch == "main"


@pytest.mark.parametrize("name", ["HEAD", "config"])
async def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(shop: Path, calls: CountingGit, name: str) -> None:
    (shop / ".git" / name).unlink()
    os.mkfifo(shop / ".git" / name)

    (told,) = await look(calls, shop)

    assert (told, calls.asked) == (Checkout(), [])


async def test_a_git_that_does_not_answer_is_not_asked_at_each_look(shop: Path) -> None:
    silent = SilentGit()
    checkouts = GitCheckouts(silent)
    wanted = [WantedCheckout(session=SessionId("aaaaaaaa"), path=str(shop.parent / "tree"))] * 3
    (told, *_) = await checkouts.look(wanted, "origin")
    await checkouts.look(wanted, "origin")

    assert (told.branch, told.remote, told.lacks_remote) == ("orch/a-fix", None, False)
    assert silent.asked == ["remote"]


async def test_whoever_looks_while_another_one_asks_is_told_the_same(shop: Path, calls: CountingGit) -> None:
    checkouts = GitCheckouts(calls)
    wanted = [WantedCheckout(session=SessionId("aaaaaaaa"), path=str(shop.parent / "tree"))]

    told = await asyncio.gather(*(checkouts.look(wanted, "origin") for _ in range(3)))

    assert [found.remote for (found,) in told] == [f"{shop.parent}/shop.git"] * 3


async def test_a_git_that_fails_does_not_say_that_there_is_no_remote(shop: Path, calls: CountingGit) -> None:
    (shop / ".git/config").write_text("[remote\n")

    (told,) = await look(calls, shop.parent / "tree")

    assert (told.branch, told.remote, told.lacks_remote) == ("orch/a-fix", None, False)


async def test_a_ref_that_leads_out_of_the_repository_tells_nothing(shop: Path, calls: CountingGit) -> None:
    (shop.parent / "secret").write_text("correct horse battery staple\n")
    (shop / ".git/HEAD").write_text("ref: refs/heads/../../../../secret\n")

    (told,) = await look(calls, shop)

    assert told.head is None


async def test_a_branch_whose_name_is_no_text_is_not_told_of(shop: Path, calls: CountingGit) -> None:
    (shop / ".git/HEAD").write_bytes(b"ref: refs/heads/caf\xe9\n")

    (told,) = await look(calls, shop)

    assert told == Checkout()


async def test_where_branches_are_no_files_git_is_asked(shop: Path, calls: CountingGit) -> None:
    tree = shop.parent / "tree"

    told = await GitCheckouts(calls)._asked(str(tree), "origin")

    assert told == Checkout(branch="orch/a-fix", head=git(tree, "rev-parse", "HEAD"), default="main")
