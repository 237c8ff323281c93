"""A clean that is killed in the middle of any step loses nothing, and the next one finishes it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.workspaces.landscapes import ENVIRONMENT, NAME, Landscape, Work, git

SEED = 3
STEPS_APART = 5  # of some seventy; run with 1 to try every single one
GITS_APART = 6
ROOT = Path(__file__).parents[3]

# A git that ends its caller: before it has done anything, after it has done all, or in the middle, and itself too.
WRAPPER = """#!/bin/sh
count=$(($(cat "{place}/count") + 1))
echo $count >"{place}/count"
[ $count = {fatal} ] || exec {git} "$@"
case {moment} in
before) kill -9 $PPID ;;
after) {git} "$@"; kill -9 $PPID ;;
during) {git} "$@" & sleep 0.002; kill -9 $! $PPID ;;
esac
"""


def a_landscape(place: Path, seed: int = SEED) -> tuple[Landscape, Work]:
    land = Landscape(place, seed).any_state().hostile()
    return land, land.picture()


def clean(land: Landscape, step: int = 0, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run a clean as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tests.workspaces.cleaner", str(land.root), str(step)],
        cwd=ROOT,
        env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        check=False,
        timeout=60,
    )


def told(done: "subprocess.CompletedProcess[bytes]") -> Any:
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout)


def nothing_is_missing(land: Landscape, work: Work) -> None:
    assert land.lost(work) == []
    assert land.lost_objects(work) == set()


def is_finished(land: Landscape, report: Any) -> None:
    """Nothing is left but a branch and the preserved work, which was not preserved over and over."""
    assert [row["deed"] for row in report["worktrees"]] in (["preserve"], [])
    assert report["troubles"] == []
    assert list(land.root.rglob("*")) == []
    assert NAME.encode() not in git(land.project, "worktree", "list")
    assert git(land.project, "rev-list", "--count", f"refs/orch/preserve/{NAME}", "--not", "--branches") in (b"1", b"2")
    assert not land.hooked.exists()


def with_wrapper(place: Path, fatal: int, moment: str) -> str:
    """Put a git in front of git; gives the PATH on which it is found."""
    place.mkdir()
    (place / "count").write_text("0")
    script = WRAPPER.format(place=place, fatal=fatal, moment=moment, git=real_git())
    (place / "git").write_text(script)
    (place / "git").chmod(0o755)
    return f"{place}:{ENVIRONMENT['PATH']}"


def real_git() -> str:
    return subprocess.run(["which", "git"], capture_output=True, check=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, int]:
    """Count the steps of a clean that nobody disturbs: all of them, and those that are a git."""
    place = tmp_path_factory.mktemp("undisturbed")
    land, _ = a_landscape(place / "land")
    path = with_wrapper(place / "bin", 0, "never")
    return told(clean(land, PATH=path))["steps"], int((place / "bin" / "count").read_text())


def test_the_daemon_is_killed_before_any_change_it_makes(tmp_path: Path, steps: tuple[int, int]) -> None:
    for step in range(1, steps[0] + 1, STEPS_APART):
        land, work = a_landscape(tmp_path / f"step {step}")

        killed = clean(land, step)
        assert killed.returncode == -signal.SIGKILL
        assert land.lost(work) == []
        report = told(clean(land))["report"]

        nothing_is_missing(land, work)
        is_finished(land, report)


@pytest.mark.parametrize("moment", ["before", "after", "during"])
def test_the_daemon_and_its_git_are_killed(tmp_path: Path, steps: tuple[int, int], moment: str) -> None:
    for call in range(1, steps[1] + 1, GITS_APART):
        land, work = a_landscape(tmp_path / f"call {call}")

        killed = clean(land, PATH=with_wrapper(tmp_path / f"bin {call}", call, moment))
        assert killed.returncode == -signal.SIGKILL
        assert land.lost(work) == []
        report = told(clean(land))["report"]

        nothing_is_missing(land, work)
        is_finished(land, report)


@pytest.mark.parametrize("moment", ["fail", "half"])
def test_a_git_that_fails_keeps_everything_where_it_is_or_preserved(
    tmp_path: Path, steps: tuple[int, int], moment: str
) -> None:
    """A git may fail at any call, by a full disk or by itself; then nothing is removed, or it was preserved."""
    failing = WRAPPER.replace("before)", 'fail) exit 128 ;;\nhalf) {git} "$@" | head -c 10; exit 1 ;;\nbefore)')
    for call in range(1, steps[1] + 1, GITS_APART):
        land, work = a_landscape(tmp_path / f"call {call}")
        path = with_wrapper(tmp_path / f"bin {call}", call, moment)
        script = failing.format(place=tmp_path / f"bin {call}", fatal=call, moment=moment, git=real_git())
        (tmp_path / f"bin {call}" / "git").write_text(script)

        told(clean(land, PATH=path))
        assert land.lost(work) == []
        report = told(clean(land))["report"]

        nothing_is_missing(land, work)
        is_finished(land, report)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of three megabytes for the repository and its worktrees."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("left_bytes", [0, 8_192, 65_536, 300_000])
def test_a_full_disk_removes_nothing_that_is_not_preserved(small_disk: Path, left_bytes: int) -> None:
    land, _ = a_landscape(small_disk / "land", seed=5)
    (land.worktree / "large").write_bytes(os.urandom(400_000))
    work = land.picture()
    ballast, free = small_disk / "ballast", os.statvfs(small_disk)
    ballast.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - left_bytes)))

    report = told(clean(land))["report"]

    assert [row["deed"] for row in report["worktrees"]] == ["keep"]
    assert "No space left on device" in report["worktrees"][0]["why"]
    assert report["worktrees"][0]["hint"].startswith("df -h")
    assert land.picture().files == work.files
    ballast.unlink()
    is_finished(land, told(clean(land))["report"])
    nothing_is_missing(land, work)
