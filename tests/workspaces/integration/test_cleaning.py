"""What a clean makes of worktrees in the states one meets, with a real git."""

import asyncio
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrd.core.cleaning import Owner, judge, preserve_ref
from orchestrd.model.document import CleanedWorktree
from orchestrd.model.ids import SessionId
from orchestrd.model.words import Deed
from orchestrd.model.worktree import Place, Worktree
from orchestrd.workspaces import nested, removing, surveying, tracking, walking
from orchestrd.workspaces.git import Answer, Git
from orchestrd.workspaces.locating import Obstructed, locate, places
from orchestrd.workspaces.managed import ManagedWorktrees
from orchestrd.workspaces.surveying import stamped_walk
from tests.workspaces.cleaner import clean
from tests.workspaces.landscapes import BRANCH, ENVIRONMENT, NAME, Landscape, files_of, git

REF = preserve_ref(NAME)


@pytest.fixture
def land(tmp_path: Path) -> Landscape:
    return Landscape(tmp_path)


async def cleaned(land: Landscape, git: Git | None = None) -> CleanedWorktree:
    """Clean the one worktree there is, of a session that was archived."""
    report = await clean(str(land.root), git=git or Git(ENVIRONMENT))
    assert len(report.worktrees) == 1, report
    assert report.troubles == ()
    return report.worktrees[0]


async def looked_at(land: Landscape, base: str | None = None) -> Worktree:
    worktrees = ManagedWorktrees(str(land.root), Git(ENVIRONMENT))
    (place,) = await worktrees.places()
    return await worktrees.survey(place, base)


def commit(place: Path, name: str = "file", text: str = "new\n") -> str:
    (place / name).write_text(text)
    git(place, "add", "-A", "-f")
    git(place, "commit", "-q", "-m", name)
    return git(place, "rev-parse", "HEAD").decode()


def shown(land: Landscape, path: str, ref: str = REF) -> str:
    return git(land.project, "show", f"{ref}:{path}").decode()


def parents(land: Landscape, ref: str = REF) -> list[str]:
    return git(land.project, "show", "-s", "--format=%P", ref).decode().split()


# ---- what holds nothing new ------------------------------------------------------------------------------------------


async def test_one_in_which_nothing_was_done_is_removed_and_its_branch_stays(land: Landscape) -> None:
    git(land.project, "update-ref", "refs/remotes/origin/main", "main")

    row = await cleaned(land)

    assert (row.deed, row.ref) == (Deed.REMOVE, None)
    assert not land.worktree.parent.exists()
    assert land.refs() == [f"refs/heads/{BRANCH}"]
    assert row.bytes > 0
    assert row.hint == f"git -C {land.project} worktree add {land.worktree} {BRANCH}"


async def test_the_way_back_that_is_told_works(land: Landscape) -> None:
    (land.worktree / "new").write_text("1\n")
    row = await cleaned(land)

    subprocess.run(row.hint, shell=True, check=True, env=ENVIRONMENT, capture_output=True)

    assert (land.worktree / "new").read_text() == "1\n"


async def test_commits_count_as_safe_once_they_are_pushed(land: Landscape) -> None:
    tip = commit(land.worktree)
    git(land.project, "update-ref", "refs/remotes/origin/anything", tip)

    assert (await cleaned(land)).deed == Deed.REMOVE


async def test_commits_count_as_safe_once_they_are_merged_into_the_base(land: Landscape) -> None:
    commit(land.worktree)
    git(land.project, "merge", "-q", "--no-ff", "-m", "merge", BRANCH)

    assert (await looked_at(land, base="main")).unheld == 0
    assert (await looked_at(land, base="no such branch")).unheld == 2


async def test_an_empty_directory_is_removed(land: Landscape) -> None:
    git(land.project, "worktree", "remove", str(land.worktree))
    land.worktree.mkdir(parents=True)

    assert (await cleaned(land)).deed == Deed.REMOVE
    assert not land.worktree.parent.exists()


async def test_a_link_that_was_brought_from_the_project_is_no_work(land: Landscape) -> None:
    (land.project / "modules").mkdir()
    (land.worktree / "modules").symlink_to(land.project / "modules")

    worktree = await looked_at(land, base="main")

    assert (worktree.untracked, worktree.ignored_files) == (0, 0)


async def test_a_file_system_without_modes_is_believed_not_to_have_any(land: Landscape) -> None:
    git(land.project, "config", "core.fileMode", "false")
    (land.worktree / ".gitignore").chmod(0o755)

    assert (await looked_at(land, base="main")).modified == 0


async def test_line_endings_and_filters_alone_are_no_change(land: Landscape) -> None:
    (land.project / ".gitattributes").write_text("*.dos text eol=crlf\n*.rot filter=rot\n")
    for verb in ("clean", "smudge"):
        git(land.project, "config", f"filter.rot.{verb}", "tr a-zA-Z n-za-mN-ZA-M")
    (land.project / "a.dos").write_bytes(b"one\r\ntwo\r\n")
    (land.project / "a.rot").write_bytes(b"secret\n")
    commit(land.project)
    git(land.worktree, "reset", "-q", "--hard", "main")

    worktree = await looked_at(land, base="main")

    assert judge(worktree, Owner(session=SessionId(NAME), standing="completed", is_over=True)).deed is Deed.REMOVE
    assert (land.worktree / "a.dos").read_bytes() == b"one\r\ntwo\r\n"


# ---- what is preserved -----------------------------------------------------------------------------------------------


async def test_unpushed_commits_are_preserved_under_a_ref_of_their_own(land: Landscape) -> None:
    tip = commit(land.worktree)

    row = await cleaned(land)

    assert (row.deed, row.ref) == (Deed.PRESERVE, REF)
    assert "2 commits neither pushed nor merged" in row.why
    assert parents(land) == [tip]


async def test_what_is_staged_is_preserved_beside_what_lies_on_disk(land: Landscape) -> None:
    (land.worktree / "file").write_text("staged\n")
    git(land.worktree, "add", "file")
    (land.worktree / "file").write_text("on disk\n")

    row = await cleaned(land)

    assert "1 file staged, 1 file modified" in row.why
    assert shown(land, "file") == "on disk"
    assert shown(land, "file", f"{REF}^2") == "staged"


async def test_what_git_was_told_not_to_look_at_is_preserved(land: Landscape) -> None:
    git(land.worktree, "update-index", "--assume-unchanged", ".gitignore")
    (land.worktree / ".gitignore").write_text("hidden change\n")
    assert git(land.worktree, "status", "--porcelain") == b""

    await cleaned(land)

    assert shown(land, ".gitignore") == "hidden change"


async def test_what_a_filter_would_lose_is_preserved_as_it_is(land: Landscape) -> None:
    git(land.project, "config", "filter.strip.clean", "sed s/output//")
    (land.worktree / ".gitattributes").write_text("*.book filter=strip\n")
    commit(land.worktree, "a.book", "cell output\n")
    git(land.worktree, "update-ref", "refs/remotes/origin/x", "HEAD")
    assert git(land.worktree, "status", "--porcelain") == b""

    row = await cleaned(land)

    assert "1 file modified" in row.why
    assert shown(land, "a.book") == "cell output"


async def test_a_filter_that_is_missing_stops_nothing(land: Landscape) -> None:
    commit(land.worktree, "a.large", "large\n")
    (land.worktree / ".gitattributes").write_text("*.large filter=gone\n")
    git(land.project, "config", "filter.gone.smudge", "no-such-program")
    git(land.project, "config", "filter.gone.required", "true")
    (land.worktree / "a.large").write_text("changed\n")

    await cleaned(land)

    assert shown(land, "a.large") == "changed"


async def test_ignored_files_are_named_with_their_size_and_not_preserved(land: Landscape) -> None:
    (land.worktree / "out").mkdir()
    for number in range(3):
        (land.worktree / "out" / str(number)).write_bytes(bytes(1_000))
    (land.worktree / "a.ignored").write_bytes(bytes(10))

    row = await cleaned(land)

    told = [(one.path, one.files, one.bytes) for one in row.ignored]
    assert told == [("out/", 3, 3_000), ("a.ignored", 1, 10)]
    assert (row.ignored_files, row.ignored_bytes) == (4, 3_010)
    message = git(land.project, "show", "-s", "--format=%B", REF).decode()
    assert "ignored by git, and not in here: 4 files, 3010 bytes\n  'out/': 3 files, 3000 bytes" in message


async def test_a_merge_in_the_middle_is_preserved_with_both_sides_and_what_git_noted(land: Landscape) -> None:
    commit(land.project, "file", "ours\n")
    theirs = commit(land.worktree, "file", "theirs\n")
    git(land.worktree, "merge", "main", code=1)

    row = await cleaned(land)

    assert "in the middle of a merge" in row.why
    assert "<<<<<<<" in shown(land, "file")
    assert shown(land, "file.stage2", f"{REF}^2") == "theirs"
    assert shown(land, "file.stage3", f"{REF}^2") == "ours"
    assert shown(land, "MERGE_HEAD", f"{REF}^3") == git(land.project, "rev-parse", "main").decode()
    assert parents(land)[0] == theirs


async def test_a_rebase_in_the_middle_is_preserved_with_what_was_still_to_be_done(land: Landscape) -> None:
    commit(land.project, "file", "ours\n")
    commit(land.worktree, "file", "theirs\n")
    last = commit(land.worktree, "other", "more\n")
    git(land.worktree, "rebase", "main", code=1)

    await cleaned(land)

    assert last[:7] in shown(land, "rebase-merge/git-rebase-todo", f"{REF}^3")
    assert last in git(land.project, "rev-list", REF, BRANCH).decode()


async def test_commits_that_no_branch_holds_are_preserved(land: Landscape) -> None:
    git(land.worktree, "switch", "-q", "--detach")
    left = commit(land.worktree)
    git(land.worktree, "switch", "-q", BRANCH)
    git(land.project, "update-ref", "refs/remotes/origin/main", "main")

    row = await cleaned(land)

    assert row.why == "1 line of work without a branch"
    assert left in parents(land)


async def test_what_was_amended_stays_in_the_log_of_the_branch_and_is_no_news(land: Landscape) -> None:
    commit(land.worktree)
    git(land.worktree, "commit", "-q", "--amend", "-m", "better")

    assert (await looked_at(land)).forgotten == 0


async def test_a_second_clean_of_a_session_loses_nothing_of_the_first(land: Landscape) -> None:
    (land.worktree / "new").write_text("first\n")
    await cleaned(land)
    first = git(land.project, "rev-parse", REF).decode()
    git(land.project, "worktree", "add", "-q", str(land.worktree), BRANCH)
    (land.worktree / "new").write_text("second\n")

    await cleaned(land)

    assert shown(land, "new") == "second"
    assert parents(land)[-1] == first


async def test_a_worktree_without_a_commit_is_preserved(land: Landscape) -> None:
    git(land.worktree, "switch", "-q", "--orphan", "fresh")
    (land.worktree / "new").write_text("1\n")

    row = await cleaned(land)

    assert row.deed == Deed.PRESERVE
    assert (shown(land, "new"), parents(land)) == ("1", [])


async def test_a_lock_that_a_killed_git_left_is_in_nobodys_way(land: Landscape) -> None:
    (land.worktree / "new").write_text("1\n")
    (land.project / ".git" / "worktrees" / NAME / "index.lock").touch()

    assert (await cleaned(land)).deed == Deed.PRESERVE


async def test_folders_that_may_not_be_written_go_too(land: Landscape) -> None:
    land.write(b"out/cache/module")
    (land.worktree / "out" / "cache").chmod(0o555)

    await cleaned(land)

    assert not land.worktree.parent.exists()


async def test_a_repository_of_longer_names_is_preserved_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "GIT_DEFAULT_HASH", "sha256")
    land = Landscape(tmp_path, 2).any_state().hostile()
    work = land.picture()

    row = await cleaned(land)

    assert row.deed == Deed.PRESERVE
    assert len(git(land.project, "rev-parse", REF)) == 64
    assert land.lost(work) == []


async def test_a_worktree_of_a_bare_repository_is_cleaned_like_any(tmp_path: Path) -> None:
    land = Landscape(tmp_path)
    git(land.project, "worktree", "remove", str(land.worktree))
    shutil.move(land.project / ".git", tmp_path / "shop.git")
    git(tmp_path / "shop.git", "config", "core.bare", "true")
    land.project = tmp_path / "shop.git"
    git(land.project, "worktree", "add", "-q", str(land.worktree), BRANCH)
    (land.worktree / "new").write_text("1\n")

    row = await cleaned(land)

    assert row.project == str(land.project)
    assert shown(land, "new") == "1"


async def test_what_a_sparse_checkout_leaves_out_is_not_deleted(land: Landscape) -> None:
    (land.worktree / "far").mkdir()
    commit(land.worktree, "far/file")
    git(land.worktree, "sparse-checkout", "set", "--no-cone", "/.gitignore")
    assert not (land.worktree / "far").exists()

    row = await cleaned(land)

    assert row.why == "2 commits neither pushed nor merged"
    assert shown(land, "far/file") == "new"


# ---- what stays ------------------------------------------------------------------------------------------------------


def locked(land: Landscape) -> str:
    git(land.project, "worktree", "lock", "--reason", "on a stick", str(land.worktree))
    return "it is locked: on a stick"


def symbolic_link(land: Landscape) -> str:
    elsewhere = land.root.parent / "elsewhere"
    land.worktree.rename(elsewhere)
    land.worktree.symlink_to(elsewhere)
    return "it is a symbolic link, which is not followed"


def plain_file(land: Landscape) -> str:
    shutil.rmtree(land.worktree)
    land.worktree.write_text("hello\n")
    return "it is no directory"


def copied_by_hand(land: Landscape) -> str:
    copy = land.worktree.with_name("aaaaaaaa")
    shutil.copytree(land.worktree, copy)
    git(land.project, "worktree", "remove", str(land.worktree))
    git(land.project, "worktree", "add", "-q", str(land.root.parent / NAME), BRANCH)
    return "knows it as another one"


def moved_by_hand(land: Landscape) -> str:
    land.worktree.rename(land.worktree.with_name("aaaaaaaa"))
    return "knows it as another one"


def project_itself(land: Landscape) -> str:
    git(land.project, "worktree", "remove", str(land.worktree))
    land.worktree.parent.mkdir(exist_ok=True)
    land.project.rename(land.worktree)
    return "it is a repository of its own"


def no_repository(land: Landscape) -> str:
    git(land.project, "worktree", "remove", str(land.worktree))
    (land.worktree / "src").mkdir(parents=True)
    return "there is no .git in it"


def repository_gone(land: Landscape) -> str:
    shutil.rmtree(land.project)
    return "its repository is gone"


def clone_with_work(land: Landscape) -> str:
    git(land.worktree, "clone", "-q", str(land.project), "inner")
    commit(land.worktree / "inner")
    return "the repository inner in it has commits that no remote of it has"


def clone_with_changes(land: Landscape) -> str:
    git(land.worktree, "clone", "-q", str(land.project), "inner")
    (land.worktree / "inner" / "new").touch()
    return "the repository inner in it has changes that are nowhere else"


def clone_told_not_to_look(land: Landscape) -> str:
    git(land.worktree, "clone", "-q", str(land.project), "inner")
    git(land.worktree / "inner", "update-index", "--assume-unchanged", ".gitignore")
    return "the repository inner in it has changes that are nowhere else"


def broken_clone(land: Landscape) -> str:
    (land.worktree / "inner" / ".git").mkdir(parents=True)
    (land.worktree / "inner" / ".git" / "HEAD").write_text("broken\n")
    return "inner holds a repository of its own that is not understood"


def broken_index(land: Landscape) -> str:
    (land.project / ".git" / "worktrees" / NAME / "index").write_bytes(b"broken")
    return "index"


@pytest.mark.parametrize(
    "make",
    [
        locked,
        symbolic_link,
        plain_file,
        copied_by_hand,
        moved_by_hand,
        project_itself,
        no_repository,
        repository_gone,
        clone_with_work,
        clone_with_changes,
        clone_told_not_to_look,
        broken_clone,
        broken_index,
    ],
)
async def test_what_is_not_for_certain_ours_stays_and_is_told_of(
    land: Landscape, make: Callable[[Landscape], str]
) -> None:
    (land.worktree / "new").write_text("1\n")
    if make in (project_itself, copied_by_hand, no_repository):
        (land.worktree / "new").unlink()
    why = make(land)
    before = files_of(land.root.parent)

    row = await cleaned(land)

    assert row.deed == Deed.KEEP
    assert why in row.why
    assert row.hint
    assert files_of(land.root.parent) == before


async def test_a_clone_that_holds_nothing_new_goes_with_its_worktree(land: Landscape) -> None:
    git(land.worktree, "clone", "-q", str(land.project), "inner")

    row = await cleaned(land)

    assert row.deed == Deed.PRESERVE, row
    assert not land.worktree.exists()


async def test_a_submodule_goes_with_its_worktree_unless_it_holds_work(tmp_path: Path, land: Landscape) -> None:
    allowed = ("-c", "protocol.file.allow=always")
    library = Landscape(tmp_path / "library").project
    git(land.worktree, *allowed, "submodule", "--quiet", "add", str(library), "lib")
    git(land.worktree, "commit", "-q", "-m", "with a library")
    (land.worktree / "lib" / "new").touch()

    kept = await cleaned(land)
    (land.worktree / "lib" / "new").unlink()
    row = await cleaned(land)

    assert (kept.deed, kept.why) == (Deed.KEEP, "the repository lib in it has changes that are nowhere else")
    assert row.deed == Deed.PRESERVE
    assert not land.worktree.exists()
    assert git(land.project, "ls-tree", REF, "lib").startswith(b"160000 commit")


async def test_a_mounted_file_system_is_not_walked_into(land: Landscape) -> None:
    mount = land.worktree / "mnt"
    mount.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", mount], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        row = await cleaned(land)
    finally:
        subprocess.run(["umount", mount], check=True)

    assert (row.deed, row.why) == (Deed.KEEP, "another file system is mounted at mnt")


async def test_one_that_somebody_works_in_stays(land: Landscape) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, cwd=land.worktree) as process:
        row = await cleaned(land)
        process.terminate()

    assert (row.deed, row.why) == (Deed.KEEP, f"process {process.pid} (cat) works in it")


async def test_what_cannot_be_read_is_not_deleted(land: Landscape, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def forbidden(path: str) -> Any:  # to root every directory is open
        if str(path).endswith("closed/"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    (land.worktree / "closed").mkdir()
    monkeypatch.setattr(os, "scandir", forbidden)

    row = await cleaned(land)

    assert (row.deed, row.why) == (Deed.KEEP, f"{land.worktree}/closed cannot be read: Permission denied")


# ---- what changes meanwhile ------------------------------------------------------------------------------------------


class Meddler(Git):
    """A git beside which somebody writes into the worktree, right after calls of one verb, so many times."""

    def __init__(self, path: Path, verb: str, times: int) -> None:
        super().__init__(ENVIRONMENT)
        self.path, self.verb, self.times = path, verb, times
        self.written = 0

    async def ask(self, directory: str, *arguments: str, **settings: Any) -> Answer:
        answer = await super().ask(directory, *arguments, **settings)
        if arguments[0] == self.verb and self.written < self.times:
            self.written += 1
            await asyncio.to_thread(self.path.write_text, f"written {self.written}\n")
        return answer


@pytest.mark.parametrize("verb", ["ls-files", "checkout-index", "write-tree", "commit-tree", "update-ref"])
async def test_what_is_written_meanwhile_is_preserved_as_well(land: Landscape, verb: str) -> None:
    (land.worktree / ".gitignore").write_text("changed\n")

    row = await cleaned(land, Meddler(land.worktree / "late", verb, times=1))

    assert row.deed == Deed.PRESERVE
    assert shown(land, "late") == "written 1"


async def test_one_that_never_rests_stays(land: Landscape) -> None:
    row = await cleaned(land, Meddler(land.worktree / "late", "update-ref", times=100))

    assert (row.deed, row.why) == (Deed.KEEP, "it changes while it is cleaned")
    assert (land.worktree / "late").read_text().startswith("written")


async def test_a_commit_made_between_the_last_look_and_the_removal_brings_it_back(land: Landscape) -> None:
    worktrees = ManagedWorktrees(str(land.root), Git(ENVIRONMENT))
    (place,) = await worktrees.places()
    seen = await worktrees.survey(place, "main")
    commit(land.worktree)

    removal = await worktrees.remove(seen, lambda: None)

    assert removal.has_changed
    assert (land.worktree / "file").exists()


async def test_only_what_was_looked_at_last_can_be_preserved(land: Landscape) -> None:
    worktrees = ManagedWorktrees(str(land.root), Git(ENVIRONMENT))
    (place,) = await worktrees.places()
    seen = await worktrees.survey(place, "main")
    (land.worktree / "new").touch()
    await worktrees.survey(place, "main")

    with pytest.raises(Exception, match="looked at again"):
        await worktrees.preserve(seen)


# ---- what a crash left -----------------------------------------------------------------------------------------------


async def test_one_that_lies_aside_is_not_put_where_another_has_been_made(land: Landscape) -> None:
    land.worktree.rename(land.worktree.with_name(f".{NAME}.leaving"))
    land.worktree.mkdir()
    (land.worktree / "other").touch()

    (obstacle,) = await ManagedWorktrees(str(land.root), Git(ENVIRONMENT)).recover()

    assert "its place has been taken" in obstacle.why
    assert (land.worktree.with_name(f".{NAME}.leaving") / ".gitignore").exists()


async def test_the_rest_of_a_removal_does_not_touch_the_worktree_that_was_made_anew(land: Landscape) -> None:
    gone = land.worktree.with_name(f".{NAME}.gone")
    land.worktree.rename(gone)
    git(land.project, "worktree", "prune", "--expire=now")
    git(land.project, "worktree", "add", "-q", str(land.worktree), BRANCH)

    obstacles = await ManagedWorktrees(str(land.root), Git(ENVIRONMENT)).finish()

    assert obstacles == []
    assert not gone.exists()
    assert git(land.worktree, "status", "--porcelain") == b""


@pytest.mark.parametrize("is_broken", ["gone", "another"])
async def test_the_rest_of_a_removal_goes_whatever_became_of_its_repository(land: Landscape, is_broken: str) -> None:
    gone = land.worktree.with_name(f".{NAME}.gone")
    land.worktree.rename(gone)
    if is_broken == "gone":
        (gone / ".git").unlink()
    else:
        (land.project / ".git" / "worktrees" / NAME / "gitdir").write_text("/elsewhere/.git\n")

    obstacles = await ManagedWorktrees(str(land.root), Git(ENVIRONMENT)).finish()

    assert obstacles == []
    assert not land.worktree.parent.exists()
    assert (land.project / ".git" / "worktrees" / NAME).exists()


async def test_what_cannot_be_deleted_is_told_and_tried_again(land: Landscape, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    worktrees = ManagedWorktrees(str(land.root), Git(ENVIRONMENT))
    land.worktree.rename(land.worktree.with_name(f".{NAME}.gone"))
    with monkeypatch.context() as disk:
        disk.setattr(os, "unlink", refused)
        (obstacle,) = await worktrees.finish()

    assert "is left over from a removal: Read-only file system" in obstacle.why
    assert await worktrees.finish() == []
    assert not land.worktree.parent.exists()


async def test_a_daemon_that_ends_leaves_the_rest_to_the_next_one(land: Landscape) -> None:
    gone = land.worktree.with_name(f".{NAME}.gone")
    land.worktree.rename(gone)
    ending = ManagedWorktrees(str(land.root), Git(ENVIRONMENT))
    await ending.close()

    await ending.finish()

    assert gone.exists()
    assert await ManagedWorktrees(str(land.root), Git(ENVIRONMENT)).finish() == []
    assert not gone.exists()


async def test_who_is_called_off_in_the_middle_of_a_removal_finishes_the_step(land: Landscape) -> None:
    worktrees = ManagedWorktrees(str(land.root), Git(ENVIRONMENT))
    (place,) = await worktrees.places()
    seen = await worktrees.survey(place, "main")
    begun, go_on = threading.Event(), threading.Event()

    def slow_walk(*given: Any) -> Any:
        begun.set()
        assert go_on.wait(10)
        return stamped_walk(*given)

    with pytest.MonkeyPatch.context() as disk:
        disk.setattr(removing, "stamped_walk", slow_walk)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(worktrees.remove(seen, lambda: None))
            assert await asyncio.to_thread(begun.wait, 10)
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done()
            go_on.set()

    assert not land.worktree.with_name(f".{NAME}.leaving").exists()


def test_a_walk_that_fails_puts_the_worktree_back(land: Landscape, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise OSError(5, "Input/output error")

    (place,) = places(str(land.root))
    monkeypatch.setattr(removing, "stamped_walk", failing)

    with pytest.raises(OSError, match="Input/output error"):
        removing.set_aside(locate(str(land.root), place), "stamp")

    assert (land.worktree / ".gitignore").exists()


def test_a_root_that_is_not_there_has_no_places(tmp_path: Path) -> None:
    assert places(str(tmp_path / "nowhere")) == []


def test_a_place_behind_a_link_is_not_below_the_root(land: Landscape) -> None:
    (land.root / "linked").symlink_to(land.worktree.parent)

    with pytest.raises(Obstructed, match="which is not below"):
        locate(str(land.root), Place(name=NAME, path=str(land.root / "linked" / NAME)))
    assert [place.path for place in places(str(land.root))] == [str(land.worktree)]


def test_a_worktree_that_holds_its_own_repository_is_not_located(land: Landscape) -> None:
    inner = land.worktree / "repository.git"
    shutil.move(land.project / ".git", inner)
    (land.worktree / ".git").write_text(f"gitdir: {inner}/worktrees/{NAME}\n")

    with pytest.raises(Obstructed, match="it holds its own repository"):
        locate(str(land.root), Place(name=NAME, path=str(land.worktree)))


async def test_more_files_than_anyone_would_read_are_left_alone(
    land: Landscape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "CLEAN_FILES_MAX", 1)
    (land.worktree / "second").touch()

    assert (await cleaned(land)).why == "it has more than 1 files"


async def test_more_repositories_inside_than_anyone_would_ask_are_left_alone(
    land: Landscape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nested, "NESTED_MAX", 0)
    git(land.worktree, "init", "-q", "inner")

    assert (await cleaned(land)).why == "it has 1 repositories in it"


async def test_more_lines_of_work_than_a_commit_should_hold_are_left_alone(
    land: Landscape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "FORGOTTEN_MAX", 0)
    git(land.worktree, "switch", "-q", "--detach")
    commit(land.worktree)
    git(land.worktree, "switch", "-q", BRANCH)

    assert "have no branch" in (await cleaned(land)).why


async def test_a_file_that_goes_while_it_is_looked_at_is_a_change_and_no_riddle(land: Landscape) -> None:
    (land.worktree / "fleeting").touch()

    class Deleter(Meddler):
        async def ask(self, directory: str, *arguments: str, **settings: Any) -> Answer:
            await asyncio.to_thread(self.path.unlink, missing_ok=True)
            return await super().ask(directory, *arguments, **settings)

    row = await cleaned(land, Deleter(land.worktree / "fleeting", "never", times=0))

    assert row.why.endswith("fleeting has gone while it was looked at")


async def test_a_file_that_may_not_be_read_keeps_everything(land: Landscape, monkeypatch: pytest.MonkeyPatch) -> None:
    (land.worktree / "closed").touch()

    def forbidden(path: str, *_: object) -> str:  # to root every file is open
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(surveying, "blob_id", forbidden)

    row = await cleaned(land)

    assert row.deed == Deed.KEEP
    assert row.why.endswith("cannot be read: Permission denied")


async def test_a_ref_that_does_not_hold_what_was_stored_keeps_everything(land: Landscape) -> None:
    class Forgetful(Git):
        async def ask(self, directory: str, *arguments: str, **settings: Any) -> Answer:
            answer = await super().ask(directory, *arguments, **settings)
            if arguments[0] == "update-ref":
                await super().ask(directory, "update-ref", "-d", REF)
            return answer

    (land.worktree / "new").touch()
    row = await cleaned(land, Forgetful(ENVIRONMENT))

    assert (row.deed, (land.worktree / "new").exists()) == (Deed.KEEP, True)
    assert row.why.startswith("it could not be preserved")
