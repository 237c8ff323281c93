"""No work is lost by a clean: every byte of every file is counted before and after, in worktrees of any state."""

from pathlib import Path

import pytest

from orchestrd.workspaces.git import Git
from tests.workspaces.cleaner import clean
from tests.workspaces.landscapes import ENVIRONMENT, NAME, Landscape, files_of

SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_byte_of_every_file_is_there_or_comes_back(tmp_path: Path, seed: int) -> None:
    land = Landscape(tmp_path, seed).any_state().hostile()
    work = land.picture()

    report = await clean(str(land.root), git=Git(ENVIRONMENT))

    assert [row.deed for row in report.worktrees] == ["preserve"], report
    assert not land.worktree.exists()
    assert land.lost(work) == []
    assert land.lost_objects(work) == set()
    assert not land.hooked.exists()


@pytest.mark.parametrize("seed", range(100, 104))
async def test_a_dry_run_changes_not_one_byte(tmp_path: Path, seed: int) -> None:
    land = Landscape(tmp_path, seed).any_state().hostile()
    before = files_of(tmp_path)

    report = await clean(str(land.root), dry_run=True, git=Git(ENVIRONMENT))

    assert files_of(tmp_path) == before
    assert [row.deed for row in report.worktrees] == ["preserve"]
    assert report.worktrees[0].ref == f"refs/orch/preserve/{NAME}"
