"""Worktrees after a crash, a full disk, a hand that moved things: taken up again, or refused, and no work is lost."""

import asyncio
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from orchestrd.core.layout import Layout
from orchestrd.core.worktree import making_path
from orchestrd.model.errors import OrchestrdError, RefusedError, TransientError
from orchestrd.workspaces.bringing import Bringer
from orchestrd.workspaces.filling import Filler
from orchestrd.workspaces.git import Answer, Git
from orchestrd.workspaces.site import Site
from orchestrd.workspaces.worktree import WorktreeKeeper
from tests.workspaces.integration.test_worktree import ID, OTHER, listed, refusal_of, registered, spec_for
from tests.workspaces.repositories import ENVIRONMENT, a_repository, git, write

FULL_DISK = """#!/bin/sh
for word; do
  if test "$word" = reset; then
    echo half >"$2/README"
    echo "fatal: cannot write README: No space left on device" >&2
    exit 128
  fi
done
exec {git} "$@"
"""
CALLS_MAX = 20  # of git, for one worktree


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "home/logs").mkdir(parents=True)
    return Layout(str(tmp_path / "home"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = a_repository(tmp_path / "shop")
    write(project, {".gitignore": ".env\n", ".worktreeinclude": ".env\n", ".env": "KEY=1\n"})
    git(project, "add", ".gitignore")
    git(project, "commit", "-q", "-m", "second")
    return project


@pytest.fixture
def keeper(layout: Layout) -> WorktreeKeeper:
    return WorktreeKeeper(layout, Git(ENVIRONMENT))


class Crash(BaseException):
    """The daemon is no more: nothing after this happens."""


class CrashingGit(Git):
    """Calls git until a crash; `before` or after the call of that number."""

    def __init__(self, number: int, *, before: bool) -> None:
        super().__init__(ENVIRONMENT)
        self.number, self.before, self.calls = number, before, 0

    async def ask(self, directory: str, *arguments: str, **settings: Any) -> Answer:
        self.calls += 1
        if self.calls >= self.number and self.before:
            raise Crash
        answer = await super().ask(directory, *arguments, **settings)
        if self.calls >= self.number:
            raise Crash
        return answer


def is_whole(layout: Layout, project: Path) -> bool:
    place = Path(layout.worktrees, "shop", ID)
    (known,) = registered(project)
    return (
        listed(place) == [".env", ".gitignore", "README", "src", "src/app.py"]
        and git(place, "status", "--porcelain=v2", "--branch").splitlines()[1:]
        == ["# branch.head orch/abcdefgh-fix-it"]
        and known.startswith(f"worktree {place}\n")
        and "locked" not in known
        and not Path(making_path(layout.worktrees, ID)).exists()
        and git(project, "worktree", "prune", "--dry-run", "--verbose") == ""
    )


@pytest.mark.parametrize("before", [True, False])
async def test_whatever_moment_a_crash_takes_the_next_daemon_makes_it_whole(
    layout: Layout, project: Path, *, before: bool
) -> None:
    spec = spec_for(layout, project)
    for number in range(1, CALLS_MAX):
        crashing = CrashingGit(number, before=before)
        try:
            await WorktreeKeeper(layout, crashing).prepare(ID, spec)
        except Crash:
            await WorktreeKeeper(layout, Git(ENVIRONMENT)).prepare(ID, spec)
        assert is_whole(layout, project), number
        if crashing.calls < number:
            break
        git(project, "worktree", "remove", "--force", spec.workspace.path)
        git(project, "branch", "-D", "-q", "orch/abcdefgh-fix-it")
    assert 5 < number < CALLS_MAX - 1


async def test_a_file_that_was_half_written_is_not_taken_for_the_whole(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    making = making_path(layout.worktrees, ID)
    git(project, "worktree", "add", "-q", "-b", "orch/abcdefgh-fix-it", making)
    write(Path(making), {"README": "hel", "more/of it": "x"})
    (project / ".git/worktrees/abcdefgh/index.lock").touch()
    (project / ".git/worktrees/abcdefgh/locked").write_text("initializing")

    await keeper.prepare(ID, spec_for(layout, project))

    assert is_whole(layout, project)


async def test_a_worktree_that_was_deleted_by_hand_comes_back_on_its_branch(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    spec = spec_for(layout, project)
    await keeper.prepare(ID, spec)
    place = Path(spec.workspace.path)
    git(place, "commit", "-q", "--allow-empty", "-m", "work")
    shutil.rmtree(place)
    git(project, "branch", "-m", "main", "trunk")  # the base has gone too: it is not needed any more

    await keeper.prepare(ID, spec)

    assert git(place, "log", "-1", "--format=%s") == "work"
    assert is_whole(layout, project)


async def test_a_worktree_whose_registration_was_pruned_as_well_comes_back(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    spec = spec_for(layout, project)
    await keeper.prepare(ID, spec)
    shutil.rmtree(spec.workspace.path)
    git(project, "worktree", "prune")

    await keeper.prepare(ID, spec)

    assert is_whole(layout, project)


async def test_the_registrations_of_other_worktrees_are_left_alone(
    keeper: WorktreeKeeper, layout: Layout, project: Path, tmp_path: Path
) -> None:
    git(project, "worktree", "add", "-q", str(tmp_path / "theirs"))
    (tmp_path / "theirs").rename(tmp_path / "on another disk")
    spec = spec_for(layout, project)
    await keeper.prepare(ID, spec)
    shutil.rmtree(spec.workspace.path)

    await keeper.prepare(ID, spec)

    assert sorted(block.split("\n")[0] for block in registered(project)) == sorted(
        [f"worktree {tmp_path}/theirs", f"worktree {spec.workspace.path}"]
    )


def husk_of(place: Path, pointer: str) -> Path:
    write(place, {".git": pointer})
    return place


async def test_a_husk_with_no_work_in_it_is_made_anew(keeper: WorktreeKeeper, layout: Layout, project: Path) -> None:
    spec = spec_for(layout, project)
    place = Path(spec.workspace.path)
    making_a_husk: tuple[Callable[[], object], ...] = (
        lambda: place.mkdir(parents=True),
        lambda: git(project, "worktree", "add", "-q", "--no-checkout", "-b", "orch/abcdefgh-fix-it", str(place)),
        partial(husk_of, place, "gitdir: /nowhere\n"),
    )
    for make in making_a_husk:
        make()

        await keeper.prepare(ID, spec)

        assert is_whole(layout, project)
        git(project, "worktree", "remove", "--force", str(place))
        git(project, "branch", "-D", "-q", "orch/abcdefgh-fix-it")


async def test_a_husk_on_an_unborn_branch_is_made_anew(keeper: WorktreeKeeper, layout: Layout, project: Path) -> None:
    spec = spec_for(layout, project)
    place = Path(spec.workspace.path)
    git(project, "worktree", "add", "-q", "--no-checkout", "--detach", str(place))
    git(place, "symbolic-ref", "HEAD", "refs/heads/unborn")

    await keeper.prepare(ID, spec)

    assert is_whole(layout, project)


async def test_a_worktree_on_its_branch_that_another_hand_made_is_adopted_as_it_is(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    spec = spec_for(layout, project)
    place = Path(spec.workspace.path)
    git(project, "worktree", "add", "-q", "-b", "orch/abcdefgh-fix-it", str(place))
    write(place, {"README": "work\n", "new": "work\n"})

    await keeper.prepare(ID, spec)

    assert git(place, "status", "--porcelain") == " M README\n?? new"
    assert await asyncio.to_thread(Site(layout.worktrees, ID, str(place)).is_ready)


@pytest.mark.parametrize(
    "occupy",
    [
        lambda project, place: write(place, {"work": "mine\n"}),
        lambda project, place: (place.parent.mkdir(parents=True), place.write_text("mine\n")),
        lambda project, place: (place.parent.mkdir(parents=True), place.symlink_to(project)),
        lambda project, place: git(project, "worktree", "add", "-q", "-b", "another", str(place)),
        lambda project, place: a_repository(place),
        lambda project, place: a_repository(place, files={}),
    ],
    ids=["files", "a file", "a link", "another branch", "another repository", "hardly a repository"],
)
async def test_what_lies_in_its_place_and_is_not_its_own_is_left_alone(
    keeper: WorktreeKeeper, layout: Layout, project: Path, occupy: Callable[[Path, Path], object]
) -> None:
    spec = spec_for(layout, project)
    occupy(project, Path(spec.workspace.path))
    before = listed(Path(layout.worktrees)), listed(project)

    refusal = await refusal_of(keeper, spec)

    assert isinstance(refusal, RefusedError)
    assert (listed(Path(layout.worktrees)), listed(project)) == before


async def test_a_branch_that_is_checked_out_elsewhere_is_named_with_where(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    git(project, "switch", "-q", "-c", "orch/abcdefgh-fix-it")

    refusal = await refusal_of(keeper, spec_for(layout, project))

    assert refusal.code == "branch_taken"
    assert refusal.message == f"the branch orch/abcdefgh-fix-it is checked out in {project}"
    assert refusal.hint == f"git -C {project} switch --detach"


async def test_a_branch_whose_name_is_in_the_way_is_named(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    git(project, "branch", "orch")

    refusal = await refusal_of(keeper, spec_for(layout, project))

    assert refusal.code == "branch_in_the_way"
    assert refusal.hint == f"git -C {project} branch -m orch orch-1"


async def test_a_path_that_is_not_its_own_is_refused_before_anything_happens(
    keeper: WorktreeKeeper, layout: Layout, project: Path, tmp_path: Path
) -> None:
    Path(layout.worktrees).mkdir()
    Path(layout.worktrees, "linked").symlink_to(tmp_path)
    before = listed(tmp_path)

    for path in (
        project,
        tmp_path / ID,
        Path(layout.worktrees, ID),
        Path(layout.worktrees, "shop", OTHER),
        Path(layout.worktrees, "linked", ID),
        Path(layout.worktrees, ".making", ID),
        Path(f"{layout.worktrees}/shop/../../{ID}"),
    ):
        refusal = await refusal_of(keeper, spec_for(layout, project, path=str(path)))
        assert (refusal.code, listed(tmp_path)) == ("outside", before)


async def test_a_root_that_is_a_link_to_another_disk_is_welcome(
    keeper: WorktreeKeeper, layout: Layout, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "another disk").mkdir()
    Path(layout.worktrees).symlink_to(tmp_path / "another disk")

    await keeper.prepare(ID, spec_for(layout, project))

    assert (tmp_path / "another disk/shop/abcdefgh/README").exists()


# ---- failing on the way ----------------------------------------------------------------------------------------------


async def test_of_a_worktree_that_could_not_be_filled_nothing_is_left(
    keeper: WorktreeKeeper, layout: Layout, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise TransientError("No space left on device", code="not_brought")

    with monkeypatch.context() as patch:
        patch.setattr(Bringer, "bring", full)
        refusal = await refusal_of(keeper, spec_for(layout, project))

    assert refusal.code == "not_brought"
    assert (registered(project), git(project, "branch", "--list", "orch/*")) == ([], "")
    assert listed(Path(layout.worktrees)) == [".making", "shop"]
    await keeper.prepare(ID, spec_for(layout, project))
    assert is_whole(layout, project)


async def test_a_disk_that_is_full_in_the_middle_of_a_checkout_leaves_nothing_and_no_work_is_lost(
    layout: Layout, project: Path, tmp_path: Path
) -> None:
    program = tmp_path / "bin/git"
    write(tmp_path, {"bin/git": FULL_DISK.format(git=shutil.which("git"))})
    program.chmod(0o755)
    full = Git(ENVIRONMENT | {"PATH": f"{program.parent}:{os.environ['PATH']}"})
    write(project, {"README": "mine\n", "new": "mine\n"})
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and ".git" not in path.parts}

    refusal = await refusal_of(WorktreeKeeper(layout, full), spec_for(layout, project))

    assert (type(refusal), refusal.code) == (TransientError, "disk_full")
    assert refusal.hint.startswith("df -h ")
    assert (registered(project), git(project, "branch", "--list", "orch/*")) == ([], "")
    assert listed(Path(layout.worktrees)) == [".making", "shop"]
    after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and ".git" not in path.parts}
    assert after == before


async def test_a_branch_that_was_there_before_stays_when_its_worktree_could_not_be_filled(
    keeper: WorktreeKeeper, layout: Layout, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(project, "branch", "orch/abcdefgh-fix-it")
    monkeypatch.setattr("orchestrd.workspaces.filling.INCLUDED_FILES_MAX", 0)

    await refusal_of(keeper, spec_for(layout, project))

    assert git(project, "branch", "--list", "orch/*").strip() == "orch/abcdefgh-fix-it"


async def test_one_that_is_given_up_on_is_taken_away_again(
    keeper: WorktreeKeeper, layout: Layout, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filling = asyncio.Event()

    async def for_ever(*_: object) -> None:
        filling.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Filler, "fill", for_ever)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keeper.prepare(ID, spec_for(layout, project)), name="prepare")
        await filling.wait()
        task.cancel()

    assert (registered(project), git(project, "branch", "--list", "orch/*")) == ([], "")


async def test_copying_that_takes_too_long_is_called_off(
    keeper: WorktreeKeeper, layout: Layout, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrd.workspaces.filling.BRINGING_S", 0.3)
    copy_one, never = Bringer._copy_one, threading.Event()

    def slowly(bringer: Bringer, path: str, source: Path) -> None:
        copy_one(bringer, path, source)
        never.wait(0.1)

    write(project, {f"data/{number}": "x" for number in range(100)})
    monkeypatch.setattr(Bringer, "_copy_one", slowly)

    with pytest.raises(OrchestrdError) as late:
        await keeper.prepare(ID, spec_for(layout, project, copy=("data",)))

    assert late.value.code == "workspace_late"
    assert listed(Path(layout.worktrees)) == [".making", "shop"]


# ---- what is not ours to mend ----------------------------------------------------------------------------------------


async def test_the_worktrees_of_a_project_stay_its_own_when_a_copy_of_it_gets_one(
    keeper: WorktreeKeeper, layout: Layout, project: Path, tmp_path: Path
) -> None:
    git(project, "worktree", "add", "-q", "-b", "mine", str(tmp_path / "mine"))
    await keeper.prepare(ID, spec_for(layout, project))
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    places = [tmp_path / "mine", Path(layout.worktrees, "shop", ID)]
    before = [(place / ".git").read_text() for place in places]

    await keeper.prepare(OTHER, spec_for(layout, copy, OTHER))

    assert [(place / ".git").read_text() for place in places] == before
    assert git(Path(layout.worktrees, "copy", OTHER), "rev-parse", "--git-common-dir") == str(copy / ".git")


async def test_a_link_in_the_place_of_the_unfinished_is_not_followed(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    elsewhere = Path(layout.worktrees, "shop")
    write(elsewhere, {f"{ID}/file": "1\n"})
    Path(layout.worktrees, ".making").symlink_to(elsewhere)

    error = await refusal_of(keeper, spec_for(layout, project))

    assert error.code == "outside"
    assert (elsewhere / ID / "file").exists()


async def test_a_copy_of_a_worktree_is_not_taken_for_that_worktree(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    write(project, {".gitignore": ".env\n.deeper/\n", ".worktreeinclude": ".deeper/\n"})
    git(project, "worktree", "add", "-q", "-b", "deeper", ".deeper/one")

    await keeper.prepare(ID, spec_for(layout, project))

    copy = Path(layout.worktrees, "shop", ID, ".deeper/one")
    assert (copy / "README").exists()
    assert git(copy, "branch", "--show-current") == "orch/abcdefgh-fix-it"


async def test_commits_that_no_branch_holds_outlive_a_worktree_that_was_moved_away(
    keeper: WorktreeKeeper, layout: Layout, project: Path, tmp_path: Path
) -> None:
    spec = spec_for(layout, project)
    await keeper.prepare(ID, spec)
    place = Path(spec.workspace.path)
    git(place, "switch", "-q", "--detach")
    git(place, "commit", "-q", "--allow-empty", "-m", "work")
    commit = git(place, "rev-parse", "HEAD")
    place.rename(tmp_path / "moved")

    error = await refusal_of(keeper, spec)
    subprocess.run(error.hint, shell=True, check=True, env=ENVIRONMENT, capture_output=True)
    await keeper.prepare(ID, spec)

    assert "no branch holds what was committed in it last" in error.message
    assert git(project, "rev-parse", "orch/abcdefgh-fix-it-kept") == commit
    assert is_whole(layout, project)


async def test_a_project_whose_settings_make_every_worktree_it_is_not_written_to(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    git(project, "config", "extensions.worktreeConfig", "true")
    git(project, "config", "core.worktree", str(project))
    write(project, {".gitignore": "mine\n"})

    error = await refusal_of(keeper, spec_for(layout, project))

    assert error.code == "strayed"
    assert (project / ".gitignore").read_text() == "mine\n"
    assert registered(project) == []
