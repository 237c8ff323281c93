"""`orch spawn` with worktrees: a person in a real repository, and the directory their session finds itself in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.command_line import PATIENCE_S, Shell
from tests.acceptance.processes import until
from tests.workspaces.repositories import a_repository, git, write

SAY_WHERE = "pwd; git branch --show-current; git rev-parse --git-common-dir; cat .env; ls"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    typed = Shell(tmp_path)
    project = a_repository(tmp_path / "shop")
    write(project, {".gitignore": ".env\n", ".worktreeinclude": ".env\n", ".env": "KEY=1\n"})
    git(project, "add", ".gitignore")
    git(project, "commit", "-q", "-m", "second")
    yield typed
    typed.clear()


def output_of(shell: Shell, session: str) -> list[str]:
    assert shell.must("wait", session, "--timeout", f"{PATIENCE_S:g}").code == 0
    return shell.must("logs", session).out.splitlines()


def test_a_command_finds_itself_in_a_worktree_that_is_ready_to_run_in(shell: Shell) -> None:
    project = shell.place / "shop"
    write(project, {"README": "changed\n"})

    told = shell.must(
        "spawn", "--dir", "shop", "--workspace", "worktree", "--name", "Fix it", "--", "sh", "-c", SAY_WHERE
    )

    session = told.out.split()[0]
    path, branch = f"{shell.layout.worktrees}/shop/{session}", f"orch/{session}-fix-it"
    assert output_of(shell, session) == [path, branch, f"{project}/.git", "KEY=1", "README", "src"]
    assert f"its worktree: {path}, on {branch} from main" in told.err
    assert f"not in it: 2 uncommitted changes of {project}" in told.err  # README and .worktreeinclude
    assert shell.must("show", session, "--json").json["workspace"]["branch"] == branch


def test_a_setup_command_is_run_first_in_the_folder_that_the_caller_stood_in(shell: Shell) -> None:
    words = ("--dir", "shop/src", "--setup", "pwd > ../made", "--copy", ".worktreeinclude", "--link", ".env")

    told = shell.must("spawn", *words, "--", "sh", "-c", "pwd; cat ../made; readlink ../.env; ls ..")

    session = told.out.split()[0]
    path = f"{shell.layout.worktrees}/shop/{session}"
    assert output_of(shell, session)[:3] == [f"{path}/src", f"{path}/src", f"{shell.place}/shop/.env"]


def test_a_worktree_that_cannot_be_made_ends_the_session_with_the_reason_and_leaves_nothing(shell: Shell) -> None:
    project = shell.place / "shop"
    git(project, "branch", "orch")

    session = shell.must("spawn", "--dir", "shop", "--workspace", "worktree", "--", "true").out.split()[0]
    until(lambda: shell.client.show(session).state == "failed", "the session has failed")

    told = shell.client.show(session)
    assert told.reason == "launch_failed"
    assert "a branch called orch is in the way" in (told.error or "")
    assert f"git -C {project} branch -m orch orch-1" in (told.error or "")
    assert list(Path(shell.layout.worktrees, "shop").iterdir()) == []
    git(project, "branch", "-m", "orch", "old")
    shell.must("revive", session)
    assert shell.must("wait", session).code == 0


def test_where_no_worktree_can_be_had_the_command_line_says_why(shell: Shell) -> None:
    (shell.place / "plain").mkdir()

    refused = shell.orch("spawn", "--dir", "plain", "--workspace", "worktree", "--", "true")
    no_base = shell.orch("spawn", "--dir", "shop", "--base", "nowhere", "--", "true")
    nonsense = shell.orch("spawn", "--dir", "shop", "--workspace", "none", "--setup", "make", "--", "true")

    assert (refused.code, "in no git repository" in refused.err) == (4, True)
    assert (no_base.code, "no commit 'nowhere'" in no_base.err) == (2, True)
    assert (nonsense.code, "--setup" in nonsense.err) == (2, True)


def test_a_session_spooled_without_a_daemon_has_its_worktree_made_by_the_next(shell: Shell) -> None:
    session = shell.must(
        *("spawn", "--no-daemon", "--dir", "shop", "--workspace", "worktree", "--"),
        *("sh", "-c", "git branch --show-current"),
    ).out.split()[0]

    shell.start()

    assert output_of(shell, session) == [f"orch/{session}"]


def test_a_session_that_is_stopped_while_its_files_are_still_written_ends_at_once_and_leaves_nothing(
    shell: Shell,
) -> None:
    project = shell.place / "shop"
    write(project, {".gitattributes": "large filter=slow\n", "large": "x\n"})
    git(project, "add", ".gitattributes", "large")
    git(project, "commit", "-q", "-m", "a file that takes a minute")
    git(project, "config", "filter.slow.smudge", f"echo $$ > {shell.place}/smudging; exec sleep 60")
    session = shell.must("spawn", "--dir", "shop", "--workspace", "worktree", "--", "true").out.split()[0]
    smudging = shell.place / "smudging"
    until(lambda: smudging.exists() and smudging.read_text().endswith("\n"), "the checkout has begun")

    shell.must("stop", session)
    until(lambda: shell.client.show(session).state == "cancelled", "the session has ended")

    until(lambda: not Path("/proc", smudging.read_text().strip()).exists(), "the filter has ended with its git")
    assert git(project, "worktree", "list").count("\n") == 0
    assert git(project, "branch", "--list", "orch/*") == ""
    assert list(Path(shell.layout.worktrees).rglob("large")) == []
