"""What else may lie in a worktree or around it: mounts, links, repositories inside, programs that still write."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrd.model.words import Deed
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.locating import Obstructed
from orchestrd.workspaces.managed import ManagedWorktrees
from orchestrd.workspaces.removing import delete
from tests.workspaces.integration.test_cleaning import cleaned, land
from tests.workspaces.landscapes import ENVIRONMENT, NAME, Landscape

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
