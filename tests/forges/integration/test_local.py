"""A bare repository as a forge: the contract over real ones, and what is its own."""

import asyncio
import shutil
from pathlib import Path

import pytest

from orchestrd.core.merging import lasts
from orchestrd.forges.local import LocalForge
from orchestrd.model.change import Change, Mergeable, Pr
from orchestrd.model.errors import RefusedError
from orchestrd.model.reaction import MergeMethod, Refusal
from orchestrd.testing.contracts import forge as contract
from orchestrd.testing.contracts.forge import FIX, a_wish, merge, proposed, seen
from orchestrd.workspaces.git import Git
from tests.workspaces.repositories import ENVIRONMENT, a_repository, git, write


class BareStage:
    """A bare repository, and a clone in which people work."""

    foreign_remotes = ("https://github.com/ada/shop.git", "git@github.com:ada/shop.git", "shop.git", "ssh://host/shop")

    def __init__(self, place: Path, first: Path) -> None:
        shutil.copytree(first / ".git", place / "shop.git")
        git(place / "shop.git", "config", "core.bare", "true")
        git(place, "clone", "-q", "shop.git", "clone")
        self.bare, self.clone = place / "shop.git", place / "clone"
        self.forge = LocalForge(Git(ENVIRONMENT))

    @property
    def remote(self) -> str:
        return f"file://{self.bare}"

    async def push(self, branch: str, text: str = "new\n") -> str:
        return await asyncio.to_thread(self._push, branch, text)

    async def propose(self, branch: str) -> None:
        """There is nothing more to it."""

    async def conflict_with(self, branch: str) -> None:
        await asyncio.to_thread(self._commit, "main", {file_of(branch): "something else\n"})

    async def merge_by_hand(self, branch: str) -> None:
        git(self.clone, "checkout", "-q", "main")
        git(self.clone, "merge", "-q", "--no-ff", "-m", "merged", branch)
        git(self.clone, "push", "-q", "origin", "main")

    async def abandon(self, branch: str) -> None:
        git(self.clone, "push", "-q", "origin", "--delete", branch)

    async def base_has(self, branch: str) -> bool:
        return file_of(branch) in git(self.bare, "ls-tree", "-r", "--name-only", "main").splitlines()

    async def vanish(self) -> None:
        self.bare.rename(self.bare.with_name("elsewhere"))

    async def restart(self) -> None:
        self.forge = LocalForge(Git(ENVIRONMENT))

    def _push(self, branch: str, text: str) -> str:
        if not git(self.clone, "branch", "--list", branch):
            git(self.clone, "branch", "-q", "--no-track", branch, "origin/main")
        self._commit(branch, {file_of(branch): text})
        return git(self.clone, "rev-parse", branch)

    def _commit(self, branch: str, files: dict[str, str]) -> None:
        git(self.clone, "checkout", "-q", branch)
        write(self.clone, files)
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "-m", f"Change {', '.join(files)}")
        git(self.clone, "push", "-q", "origin", branch)


def file_of(branch: str) -> str:
    return f"{branch}.txt"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every repository here comes from."""
    return a_repository(tmp_path_factory.mktemp("local") / "first")


@pytest.fixture
def stage(tmp_path: Path, first: Path) -> BareStage:
    return BareStage(tmp_path, first)


class TestLocalForge(contract.ForgeContract):
    """The contract, over a bare repository."""


def objects(stage: BareStage) -> set[Path]:
    return set((stage.bare / "objects").rglob("*"))


def refs(stage: BareStage) -> str:
    return git(stage.bare, "for-each-ref", "refs/heads")


async def known(stage: BareStage) -> Change:
    await proposed(stage, FIX)
    return await seen(stage, FIX)


async def test_a_remote_is_named_by_its_path_however_it_is_written() -> None:
    forge = LocalForge(Git(ENVIRONMENT))

    told = [forge.repository_of(remote) for remote in ("/a/shop.git", "/a//shop.git/", "file:///a/sh%6fp.git")]

    assert told == ["/a/shop.git"] * 3


async def test_a_look_writes_nothing(stage: BareStage) -> None:
    await proposed(stage, FIX)
    await stage.conflict_with(FIX)
    before = objects(stage), refs(stage)

    change = await seen(stage, FIX)

    assert change.mergeable is Mergeable.CONFLICTING
    assert (objects(stage), refs(stage)) == before


async def test_the_base_and_a_branch_without_commits_have_no_pull_request(stage: BareStage) -> None:
    git(stage.clone, "push", "-q", "origin", "main:refs/heads/fresh")

    told = [await seen(stage, branch) for branch in ("main", "fresh")]

    assert [change.pr for change in told] == [Pr.NONE, Pr.NONE]


async def test_a_repository_whose_head_names_no_branch_says_so(stage: BareStage) -> None:
    await proposed(stage, FIX)
    git(stage.bare, "symbolic-ref", "HEAD", "refs/heads/trunk")

    (told,) = await stage.forge.look(str(stage.bare), [a_wish(FIX)])

    assert told.change is None
    assert told.error == (f"HEAD of {stage.bare} names branch trunk, and it has none: there is nothing to merge into")


async def test_a_branch_that_was_merged_and_deleted_is_merged(stage: BareStage) -> None:
    opened = await known(stage)
    await stage.merge_by_hand(FIX)
    await stage.abandon(FIX)

    assert (await seen(stage, FIX, opened)).pr is Pr.MERGED


async def test_a_branch_that_somebody_rebased_into_the_base_is_merged(stage: BareStage) -> None:
    opened = await known(stage)
    git(stage.clone, "checkout", "-q", "main")
    git(stage.clone, "commit", "-q", "--allow-empty", "-m", "meanwhile")
    git(stage.clone, "cherry-pick", FIX)
    git(stage.clone, "push", "-q", "origin", "main")

    assert (await seen(stage, FIX, opened)).pr is Pr.MERGED


def squash_by_hand(stage: BareStage) -> None:
    git(stage.clone, "checkout", "-q", "main")
    git(stage.clone, "merge", "-q", "--squash", FIX)
    git(stage.clone, "commit", "-q", "-m", "All of it")
    git(stage.clone, "push", "-q", "origin", "main")


async def test_two_commits_that_somebody_squashed_into_the_base_are_merged(stage: BareStage) -> None:
    await stage.push(FIX, "half\n")
    await stage.push(FIX, "whole\n")
    opened = await seen(stage, FIX)
    await asyncio.to_thread(squash_by_hand, stage)

    assert (opened.pr, (await seen(stage, FIX, opened)).pr) == (Pr.OPEN, Pr.MERGED)


async def test_a_branch_that_took_its_own_work_back_is_not_merged(stage: BareStage) -> None:
    opened = await known(stage)
    await asyncio.to_thread(take_back, stage)

    assert (await seen(stage, FIX, opened)).pr is Pr.OPEN


@pytest.mark.parametrize("method", MergeMethod)
async def test_a_merge_that_would_bring_nothing_is_not_made(stage: BareStage, method: MergeMethod) -> None:
    await proposed(stage, FIX)
    head = await asyncio.to_thread(take_back, stage)
    before = refs(stage)

    merging = await merge(stage, FIX, head, method)

    assert merging.error == f"main has all that {FIX} brings: there is nothing to merge"
    assert refs(stage) == before


def take_back(stage: BareStage) -> str:
    git(stage.clone, "checkout", "-q", FIX)
    git(stage.clone, "revert", "--no-edit", "HEAD")
    git(stage.clone, "push", "-q", "origin", FIX)
    return git(stage.clone, "rev-parse", FIX)


async def test_what_was_taken_back_in_the_base_and_comes_again_is_open(stage: BareStage) -> None:
    opened = await known(stage)
    git(stage.clone, "checkout", "-q", "main")
    git(stage.clone, "commit", "-q", "--allow-empty", "-m", "meanwhile")
    git(stage.clone, "cherry-pick", FIX)
    git(stage.clone, "revert", "--no-edit", "HEAD")
    git(stage.clone, "push", "-q", "origin", "main")

    assert (await seen(stage, FIX, opened)).pr is Pr.OPEN


async def test_a_branch_that_was_put_back_to_its_base_is_given_up_and_not_merged(stage: BareStage) -> None:
    opened = await known(stage)
    git(stage.clone, "push", "-q", "-f", "origin", f"main:{FIX}")

    closed = await seen(stage, FIX, opened)

    assert closed.pr is Pr.CLOSED
    assert (await seen(stage, FIX, closed)).pr is Pr.CLOSED


async def test_new_commits_on_a_merged_branch_are_a_new_pull_request(stage: BareStage) -> None:
    opened = await known(stage)
    await stage.merge_by_hand(FIX)
    merged = await seen(stage, FIX, opened)
    head = await stage.push(FIX, "more\n")

    again = await seen(stage, FIX, merged)

    assert (again.pr, again.head) == (Pr.OPEN, head)


async def test_a_branch_that_was_deleted_and_comes_back_is_open_again(stage: BareStage) -> None:
    opened = await known(stage)
    await stage.abandon(FIX)
    closed = await seen(stage, FIX, opened)
    git(stage.clone, "push", "-q", "origin", FIX)

    assert (closed.pr, (await seen(stage, FIX, closed)).pr) == (Pr.CLOSED, Pr.OPEN)


async def test_a_title_with_what_ends_lines_elsewhere_is_one_title(stage: BareStage) -> None:
    await proposed(stage, FIX)
    git(stage.clone, "commit", "-q", "--amend", "-m", "One\u2028two\x0cthree")
    git(stage.clone, "push", "-q", "-f", "origin", FIX)

    assert (await seen(stage, FIX)).pr is Pr.OPEN


async def test_a_branch_whose_commit_is_gone_is_closed(stage: BareStage) -> None:
    opened = await known(stage)
    await stage.abandon(FIX)
    git(stage.bare, "gc", "-q", "--prune=now")

    assert (await seen(stage, FIX, opened)).pr is Pr.CLOSED


async def test_unrelated_histories_are_open_and_nobody_knows_whether_they_merge(stage: BareStage) -> None:
    git(stage.clone, "checkout", "-q", "--orphan", FIX)
    git(stage.clone, "commit", "-q", "-m", "another beginning")
    git(stage.clone, "push", "-q", "origin", FIX)

    change = await seen(stage, FIX)
    merging = await merge(stage, FIX, change.head or "")

    assert (change.pr, change.mergeable) == (Pr.OPEN, Mergeable.UNKNOWN)
    assert "unrelated histories" in (change.error or "")
    assert merging.is_merged is False


async def test_a_rebase_keeps_who_wrote_each_commit_and_what_they_said(stage: BareStage) -> None:
    await stage.push(FIX, "one\n")
    git(stage.clone, "commit", "-q", "--allow-empty", "-m", "nothing in it")
    git(stage.clone, "commit", "-q", "--amend", "--no-edit", "--allow-empty", "--author", "Bo <bo@example.org>")
    head = await stage.push(FIX, "two\n")
    stage._commit("main", {"other.txt": "meanwhile\n"})

    await merge(stage, FIX, head, MergeMethod.REBASE)

    written = git(stage.bare, "log", "--format=%an %s", "main").splitlines()
    assert written[:2] == [f"Ada Change {FIX}.txt", f"Ada Change {FIX}.txt"]
    assert git(stage.bare, "show", f"main:{FIX}.txt") == "two"
    assert git(stage.bare, "rev-list", "--merges", "main") == ""


async def test_a_branch_with_merges_in_it_is_not_rebased(stage: BareStage) -> None:
    await stage.push(FIX)
    stage._commit("main", {"other.txt": "meanwhile\n"})
    git(stage.clone, "checkout", "-q", FIX)
    git(stage.clone, "merge", "-q", "--no-edit", "main")
    head = await stage.push(FIX, "after\n")

    merging = await merge(stage, FIX, head, MergeMethod.REBASE)

    assert merging.is_merged is False
    assert "cannot be rebased" in (merging.error or "")
    assert merging.refusal is Refusal.METHOD


async def test_a_squash_names_all_that_went_into_it(stage: BareStage) -> None:
    await stage.push(FIX, "one\n")
    head = await stage.push(FIX, "two\n")

    await merge(stage, FIX, head, MergeMethod.SQUASH)

    assert git(stage.bare, "log", "-1", "--format=%B", "main").split("\n", 1) == [
        f"Change {FIX}.txt",
        f"\n* Change {FIX}.txt\n* Change {FIX}.txt",
    ]
    assert len(git(stage.bare, "rev-list", "main").split()) == 2


@pytest.mark.parametrize("where", ["hooks", "shared"])
async def test_a_repository_that_watches_over_pushes_is_not_merged_in(stage: BareStage, where: str) -> None:
    head = await proposed(stage, FIX)
    write(stage.bare, {f"{where}/pre-receive": "#!/bin/sh\nexit 1\n"})
    (stage.bare / where / "pre-receive").chmod(0o755)
    if where != "hooks":
        git(stage.bare, "config", "core.hooksPath", where)

    merging = await merge(stage, FIX, head)

    assert merging.is_merged is False
    assert "pre-receive" in (merging.error or "")
    assert merging.refusal is Refusal.PLACE
    assert not await stage.base_has(FIX)


@pytest.mark.parametrize("method", MergeMethod)
async def test_no_program_runs_that_a_repository_names_to_merge_by(stage: BareStage, method: MergeMethod) -> None:
    await proposed(stage, FIX)
    await asyncio.to_thread(stage._commit, "main", {"README.md": "of the base\n"})
    head = await asyncio.to_thread(_rewritten, stage, "README.md")
    run = stage.bare.with_name("run")
    git(stage.bare, "config", "merge.mine.driver", f"touch {run}; cp %B %A")
    write(stage.bare, {"info/attributes": "* merge=mine\n"})

    looked = await seen(stage, FIX)
    merging = await merge(stage, FIX, head, method)

    assert (looked.mergeable, merging.is_merged) == (Mergeable.CONFLICTING, False)
    assert not run.exists()


async def test_what_is_missing_is_fetched_from_nowhere(stage: BareStage) -> None:
    opened, run = await known(stage), stage.bare.with_name("run")
    await stage.abandon(FIX)
    git(stage.bare, "gc", "-q", "--prune=now")
    for setting in (
        f"remote.far.url={stage.clone}",
        "remote.far.promisor=true",
        f"remote.far.uploadpack=touch {run}; false",
        "protocol.file.allow=always",
        "core.repositoryformatversion=1",
        "extensions.partialClone=far",
    ):
        git(stage.bare, "config", *setting.split("=", 1))
    await stage.restart()

    assert (await seen(stage, FIX, opened)).pr is Pr.CLOSED

    assert not run.exists()


async def test_what_somebody_has_checked_out_is_not_moved(stage: BareStage) -> None:
    head = await proposed(stage, FIX)
    git(stage.bare, "config", "core.bare", "false")

    merging = await merge(stage, FIX, head)

    assert merging.is_merged is False
    assert "is no bare repository" in (merging.error or "")
    assert merging.refusal is Refusal.PLACE
    assert not await stage.base_has(FIX)


def _rewritten(stage: BareStage, path: str) -> str:
    """Write a file on the branch that the base has written meanwhile."""
    stage._commit(FIX, {path: "of the branch\n"})
    return git(stage.clone, "rev-parse", FIX)


def after_its_look(stage: BareStage, monkeypatch: pytest.MonkeyPatch, place: Path, *words: str) -> None:
    """Have git do something right after the forge has looked at the repository."""
    view = stage.forge._view

    async def view_and_then(repository: str, branches: set[str]) -> object:
        found = await view(repository, branches)
        await asyncio.to_thread(git, place, *words)
        return found

    monkeypatch.setattr(stage.forge, "_view", view_and_then)


async def test_a_base_that_moves_meanwhile_keeps_a_merge_from_happening(
    stage: BareStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = await proposed(stage, FIX)
    git(stage.clone, "checkout", "-q", "main")
    git(stage.clone, "commit", "-q", "--allow-empty", "-m", "meanwhile")
    opened = await seen(stage, FIX)
    after_its_look(stage, monkeypatch, stage.clone, "push", "-q", "origin", "main")

    merging = await merge(stage, FIX, head, known=opened)

    assert merging.is_merged is False
    assert "moved meanwhile" in (merging.error or "")
    assert merging.refusal is Refusal.MOVED
    assert not await stage.base_has(FIX)


async def test_a_merge_that_meets_a_lock_says_so_on_one_line_and_of_nothing_that_it_has_moved(stage: BareStage) -> None:
    head = await proposed(stage, FIX)
    lock = stage.bare / "refs/heads/main.lock"
    lock.touch()

    refused = await merge(stage, FIX, head)
    lock.unlink()
    merged = await merge(stage, FIX, head)

    said = f"another program holds the repository {stage.bare} locked: fatal: commit: cannot lock ref 'refs/heads/main'"
    assert (refused.error or "").startswith(said)
    assert "\n" not in (refused.error or "")
    assert not lasts(refused.refusal)
    assert merged.is_merged


async def test_a_branch_that_goes_away_meanwhile_keeps_a_merge_from_happening(
    stage: BareStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = await proposed(stage, FIX)
    opened = await seen(stage, FIX)
    after_its_look(stage, monkeypatch, stage.bare, "update-ref", "-d", f"refs/heads/{FIX}")

    merging = await merge(stage, FIX, head, known=opened)

    assert merging.is_merged is False
    assert "moved meanwhile" in (merging.error or "")
    assert merging.refusal is Refusal.MOVED


async def test_it_has_no_issues_no_bounds_and_nobody_who_calls(stage: BareStage) -> None:
    forge = stage.forge

    with pytest.raises(RefusedError, match="no issues"):
        await forge.issue(str(stage.bare), 12)

    assert forge.allowances() == ()
    forge.on_change(lambda _: None)
    await forge.close()


async def test_what_cannot_be_told_of_one_branch_costs_no_other(
    stage: BareStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await proposed(stage, FIX)
    facts_of = stage.forge._facts_of

    async def failing(repository: str, base: str, commit: str) -> object:
        monkeypatch.setattr(stage.forge, "_facts_of", facts_of)
        raise RefusedError("it says too much", code="git_output")

    monkeypatch.setattr(stage.forge, "_facts_of", failing)

    first, second = await stage.forge.look(str(stage.bare), [a_wish(FIX), a_wish(FIX)])

    assert (first.change, first.error) == (None, "it says too much")
    assert second.change is not None
