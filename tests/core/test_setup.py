"""The setup command before an agent: performed once, by the run itself, and told of when it fails."""

import os
import subprocess
from pathlib import Path

import pytest

from orchestrd.core.launch import SETUP_FAILED
from orchestrd.core.setup import with_setup

AGENT = ("/bin/sh", "-c", 'echo "agent $1 $$"', "agent", 'it\'s "$HOME" *')


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    """A repository, as far as git needs one."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def run(worktree: Path, command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        with_setup(AGENT, command),
        cwd=worktree,
        env={"PATH": os.environ["PATH"], "ORCH_RUN_DIR": str(worktree), "ORCH_SESSION": "aaaaaaaa"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_without_a_setup_command_nothing_stands_before_the_agent() -> None:
    assert with_setup(AGENT, None) == AGENT


def test_the_agent_starts_behind_its_setup_with_its_own_words(worktree: Path) -> None:
    ended = run(worktree, "echo set up; touch 'a file'")

    assert ended.returncode == 0
    assert ended.stdout.startswith('set up\nagent it\'s "$HOME" * ')
    assert (worktree / "a file").exists()
    assert not (worktree / SETUP_FAILED).exists()


def test_a_setup_is_performed_once_for_a_worktree(worktree: Path) -> None:
    run(worktree, "echo once >>log")
    run(worktree, "echo once >>log")

    assert (worktree / "log").read_text() == "once\n"


def test_a_setup_where_git_does_not_answer_is_remembered_in_the_run_directory(tmp_path: Path) -> None:
    ended = run(tmp_path, "echo set up")

    assert ended.returncode == 0
    assert ended.stdout.startswith("set up\nagent")
    assert [path.name for path in tmp_path.iterdir()] == ["orchestrd-setup"]


def test_a_setup_that_fails_keeps_the_agent_from_starting_and_says_how_to_retry(worktree: Path) -> None:
    ended = run(worktree, "echo trying; exit 7")

    assert ended.returncode == 7
    assert ended.stdout == "trying\n"
    assert "orchestrd: the setup command failed with exit code 7: echo trying; exit 7" in ended.stderr
    assert "orch revive aaaaaaaa" in ended.stderr
    assert (worktree / SETUP_FAILED).read_text() == "7\n"


def test_a_setup_that_failed_is_tried_again_and_then_the_agent_starts(worktree: Path) -> None:
    run(worktree, "test -e mended")
    (worktree / "mended").touch()

    assert "agent" in run(worktree, "test -e mended").stdout
