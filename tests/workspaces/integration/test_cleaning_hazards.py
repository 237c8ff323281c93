"""What else may lie in a worktree or around it: mounts, links, repositories inside, programs that still write."""

import asyncio
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrd.model.document import CleanedWorktree
from orchestrd.model.errors import RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.model.words import Deed
from orchestrd.workspaces import tracking, walking
from orchestrd.workspaces.git import Answer, Git
from orchestrd.workspaces.locating import Obstructed
from orchestrd.workspaces.managed import ManagedWorktrees
from orchestrd.workspaces.removing import delete
from orchestrd.workspaces.site import Site
from tests.workspaces.integration.test_cleaning import REF, cleaned, commit, land, parents, shown
from tests.workspaces.landscapes import BRANCH, ENVIRONMENT, NAME, Landscape, git

__all__ = ["land"]


# ---- what leads out of it --------------------------------------------------------------------------------------------


@contextmanager
def mounted(source: Path, target: Path) -> Iterator[None]:
    """Mount a directory on another one; where that is not possible here, the test is skipped."""
    done = subprocess.run(["mount", "--bind", source, target], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", target], check=True)


@pytest.fixture
def precious(land: Landscape) -> Path:
    """Give a directory of the project with a file in it."""
    (land.project / "node_modules").mkdir()
    (land.project / "node_modules" / "file").write_text("1\n")
    return land.project / "node_modules"


async def test_a_directory_of_the_project_that_is_mounted_in_it_is_not_deleted(land: Landscape, precious: Path) -> None:
    mount = land.worktree / "out"
    mount.mkdir()

    with mounted(precious, mount):
        row = await cleaned(land)

    assert (row.deed, row.why) == (Deed.KEEP, "another file system is mounted at out")
    assert (precious / "file").exists()


def test_what_is_mounted_in_the_rest_of_a_removal_is_not_deleted(land: Landscape, precious: Path) -> None:
    gone = land.worktree.with_name(f".{NAME}.gone")
    (gone / "out").mkdir(parents=True)

    with mounted(precious, gone / "out"), pytest.raises(Obstructed, match="mounted at out"):
        delete(str(gone), lambda: False)

    assert (precious / "file").exists()


def test_what_is_mounted_in_an_unfinished_worktree_is_not_deleted(land: Landscape, precious: Path) -> None:
    site = Site(str(land.root), SessionId(NAME), str(land.worktree))
    (site.making / "out").mkdir(parents=True)

    with mounted(precious, site.making / "out"), pytest.raises(RefusedError, match="mounted at out"):
        site.discard()

    assert (precious / "file").exists()


async def test_a_link_in_the_place_of_the_rest_of_a_removal_is_not_followed(land: Landscape, precious: Path) -> None:
    precious.chmod(0o755)
    land.worktree.with_name(f".{NAME}.gone").symlink_to(precious)

    (obstacle,) = await ManagedWorktrees(str(land.root), Git(ENVIRONMENT)).finish()

    assert "is a symbolic link, which is not followed" in obstacle.why
    assert precious.stat().st_mode & 0o777 == 0o755
    assert (precious / "file").exists()


async def test_a_link_in_the_place_of_the_scratch_folder_is_not_followed(land: Landscape) -> None:
    (land.root / ".scratch").symlink_to(land.worktree.parent)
    (land.worktree / "new").write_text("1\n")

    row = await cleaned(land)

    assert row.deed == Deed.KEEP
    assert ".scratch is a symbolic link, which is not followed" in row.why
    assert (land.worktree / "new").exists()


async def test_a_worktree_that_is_put_there_at_the_last_moment_stays(land: Landscape) -> None:
    class Restorer(Git):
        async def ask(self, directory: str, *arguments: str, **settings: Any) -> Answer:
            if arguments[0] == "worktree":
                await asyncio.to_thread(shutil.copytree, land.worktree.with_name(f".{NAME}.gone"), land.worktree)
            return await super().ask(directory, *arguments, **settings)

    (land.worktree / "new").write_text("1\n")

    row = await cleaned(land, Restorer(ENVIRONMENT))

    assert (row.deed, shown(land, "new")) == (Deed.KEEP, "1")
    assert (land.worktree / "new").exists()


async def test_one_whose_files_git_takes_to_be_elsewhere_stays(land: Landscape, tmp_path: Path) -> None:
    shutil.copytree(land.worktree, tmp_path / "elsewhere")
    git(land.project, "config", "extensions.worktreeConfig", "true")
    git(land.worktree, "config", "--worktree", "core.worktree", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere" / ".gitignore").write_text("new\n")
    for place in (land.worktree, tmp_path / "elsewhere"):
        (place / "new").write_text("1\n")

    row = await cleaned(land)

    assert row.deed == Deed.KEEP
    assert row.why.startswith(f"git takes {tmp_path}/elsewhere to be the files of {land.worktree}")
    assert (land.worktree / "new").exists()


# ---- what would keep a clean waiting, or make it fall ----------------------------------------------------------------


async def test_a_file_that_is_written_from_elsewhere_keeps_everything(land: Landscape) -> None:
    (land.worktree / "log").write_text("begun\n")

    with (
        (land.worktree / "log").open("a") as log,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log, cwd="/") as process,
    ):
        log.close()
        row = await cleaned(land)
        process.communicate(b"written\n")

    assert (row.deed, row.why) == (Deed.KEEP, f"process {process.pid} (cat) works in it")
    assert (land.worktree / "log").read_text() == "begun\nwritten\n"


async def test_a_file_that_is_only_read_from_elsewhere_is_in_nobodys_way(land: Landscape) -> None:
    with (land.worktree / ".gitignore").open() as file, subprocess.Popen(["sleep", "60"], stdin=file) as process:
        row = await cleaned(land)
        process.kill()

    assert row.deed == Deed.PRESERVE


async def test_a_pipe_that_git_would_read_is_not_waited_for(land: Landscape) -> None:
    (land.worktree / "src").mkdir()
    os.mkfifo(land.worktree / "src" / ".gitignore")

    assert (await cleaned(land)).why == "src/.gitignore is no file, and git would wait for it"


async def test_pipes_and_sockets_hold_nothing_and_go(land: Landscape) -> None:
    os.mkfifo(land.worktree / "pipe")
    os.mknod(land.worktree / "socket", stat.S_IFSOCK)

    assert (await cleaned(land)).deed == Deed.PRESERVE
    assert not land.worktree.exists()


async def test_directories_too_deep_to_be_deleted_are_left_alone(
    land: Landscape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "CLEAN_DEPTH_MAX", 2)
    (land.worktree / "a" / "b" / "c").mkdir(parents=True)

    assert (await cleaned(land)).why == "it is more than 2 directories deep"


async def test_an_index_that_is_split_is_no_change(land: Landscape) -> None:
    commit(land.worktree)
    git(land.worktree, "update-index", "--split-index")
    (land.worktree / "file").write_text("changed\n")

    row = await cleaned(land)

    assert row.deed == Deed.PRESERVE
    assert shown(land, "file") == "changed"


async def test_no_setting_of_the_environment_has_a_say_in_what_is_preserved(land: Landscape) -> None:
    setting = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.autocrlf", "GIT_CONFIG_VALUE_0": "true"}
    (land.worktree / "new").write_bytes(b"one\r\ntwo\r\n")

    row = await cleaned(land, Git(ENVIRONMENT | setting))

    assert row.deed == Deed.PRESERVE
    assert shown(land, "new") == "one\r\ntwo\r"


async def test_names_that_are_no_text_are_written_out(land: Landscape) -> None:
    land.write(b"\xff.ignored")
    git(land.worktree, "branch", "-m", BRANCH.encode() + b"\xff")

    row = msgspec.json.decode(msgspec.json.encode(await cleaned(land)), type=CleanedWorktree)

    assert (row.deed, row.branch) == (Deed.PRESERVE, f"{BRANCH}\\udcff")
    assert [one.path for one in row.ignored] == ["\\udcff.ignored"]
    assert f"branch: {BRANCH}\\udcff" in git(land.project, "show", "-s", "--format=%B", REF).decode()


# ---- repositories inside it ------------------------------------------------------------------------------------------

FILE_ALLOWED = ("-c", "protocol.file.allow=always")


@pytest.fixture
def submodule(tmp_path: Path, land: Landscape) -> Path:
    """Give a submodule of the worktree, committed, filled, and on no branch."""
    library = Landscape(tmp_path / "library").project
    git(land.worktree, *FILE_ALLOWED, "submodule", "--quiet", "add", str(library), "lib")
    git(land.worktree, "commit", "-q", "-m", "with a library")
    git(land.worktree / "lib", "switch", "-q", "--detach")
    return land.worktree / "lib"


async def test_what_was_committed_in_a_submodule_is_kept_when_its_files_have_gone(
    land: Landscape, submodule: Path
) -> None:
    commit(submodule)
    git(land.worktree, "submodule", "--quiet", "deinit", "--force", "lib")

    row = await cleaned(land)

    store = land.project / ".git" / "worktrees" / NAME / "modules" / "lib"
    assert (row.deed, row.why) == (Deed.KEEP, f"the submodule in {store} has commits that no remote of it has")


async def test_what_was_committed_in_a_submodule_is_kept_when_it_was_updated_over_it(
    land: Landscape, submodule: Path
) -> None:
    commit(submodule)
    git(land.worktree, "submodule", "--quiet", "update", "--force")

    row = await cleaned(land)

    assert (row.deed, row.why) == (Deed.KEEP, "the repository lib in it has commits that no remote of it has")


async def test_a_submodule_without_files_or_work_goes_with_its_worktree(land: Landscape, submodule: Path) -> None:
    git(land.worktree, "submodule", "--quiet", "deinit", "--force", "lib")

    assert (await cleaned(land)).deed == Deed.PRESERVE


async def test_a_change_that_a_repository_inside_was_told_to_skip_is_kept(land: Landscape) -> None:
    git(land.worktree, "clone", "-q", str(land.project), "inner")
    git(land.worktree / "inner", "update-index", "--skip-worktree", ".gitignore")
    (land.worktree / "inner" / ".gitignore").write_text("changed\n")

    assert (await cleaned(land)).why == "the repository inner in it has changes that are nowhere else"


async def test_what_a_repository_inside_ignores_is_told(land: Landscape) -> None:
    git(land.worktree, "clone", "-q", str(land.project), "inner")
    (land.worktree / "inner" / "a.ignored").write_bytes(bytes(10))

    row = await cleaned(land)

    assert [(one.path, one.bytes) for one in row.ignored] == [("inner/a.ignored", 10)]


async def test_commits_in_a_clone_that_is_ignored_are_kept(land: Landscape) -> None:
    git(land.worktree, "clone", "-q", str(land.project), "out/clone")
    commit(land.worktree / "out" / "clone")

    assert (await cleaned(land)).why == "the repository out/clone in it has commits that no remote of it has"


async def test_files_in_a_worktree_within_what_is_ignored_are_kept(land: Landscape) -> None:
    git(land.worktree, "worktree", "add", "-q", "-b", "deeper", "out/deeper")
    (land.worktree / "out" / "deeper" / "new").write_text("1\n")

    assert (await cleaned(land)).why == "the repository out/deeper in it has changes that are nowhere else"


async def test_what_a_build_has_fetched_by_its_tag_goes_with_its_worktree(land: Landscape) -> None:
    commit(land.project)
    git(land.project, "tag", "v1")
    git(land.worktree, "clone", "-q", "--depth=1", "--branch=v1", f"file://{land.project}", "out/source")
    (land.worktree / "out" / "broken" / ".git").mkdir(parents=True)

    assert (await cleaned(land)).deed == Deed.PRESERVE


# ---- commits that only it holds --------------------------------------------------------------------------------------


async def test_the_log_of_head_is_read_to_its_end(land: Landscape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "GIT_NOTES_BYTES_MAX", 0)
    git(land.worktree, "switch", "-q", "--detach")
    left = commit(land.worktree)
    git(land.worktree, "switch", "-q", BRANCH)

    await cleaned(land)

    assert left in parents(land)


@pytest.mark.parametrize("base", ["HEAD", "@{-1}", "sha"])
async def test_commits_without_a_branch_are_news_whatever_the_base_is_called(land: Landscape, base: str) -> None:
    git(land.worktree, "switch", "-q", "--detach")
    left = commit(land.worktree)
    worktrees = ManagedWorktrees(str(land.root), Git(ENVIRONMENT))
    (place,) = await worktrees.places()

    seen = await worktrees.survey(place, left if base == "sha" else base)

    assert seen.unheld > 0


async def test_the_base_head_is_the_one_of_the_project(land: Landscape) -> None:
    commit(land.worktree)
    worktrees = ManagedWorktrees(str(land.root), Git(ENVIRONMENT))
    (place,) = await worktrees.places()

    assert (await worktrees.survey(place, "HEAD")).unheld == 1


async def test_commits_of_a_branch_that_was_deleted_are_preserved(land: Landscape) -> None:
    left = commit(land.worktree)
    git(land.project, "update-ref", "-d", f"refs/heads/{BRANCH}")

    await cleaned(land)

    assert left in parents(land)


async def test_no_program_is_asked_who_has_signed_a_commit(land: Landscape, tmp_path: Path) -> None:
    program = tmp_path / "gpg"
    program.write_text(f"#!/bin/sh\n: >'{tmp_path}/ran'\n")
    program.chmod(0o755)
    git(land.project, "config", "log.showSignature", "true")
    git(land.project, "config", "gpg.program", str(program))
    told, _, words = git(land.worktree, "cat-file", "commit", "HEAD").partition(b"\n\n")
    signed = told + b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n -----END PGP SIGNATURE-----\n\n" + words
    head = git(land.worktree, "hash-object", "-t", "commit", "-w", "--stdin", given=signed)
    git(land.worktree, "reset", "-q", "--soft", head)

    row = await cleaned(land)

    assert row.deed == Deed.PRESERVE
    assert git(land.project, "rev-parse", f"{REF}^") == head
    assert not (tmp_path / "ran").exists()
