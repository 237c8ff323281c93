"""Cleaning as a person does it, with a real daemon: no work is lost, whoever kills or revives what meanwhile."""

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrd.client import Client
from orchestrd.model.errors import OrchestrdError
from tests.acceptance.command_line import PATIENCE_S, Shell
from tests.acceptance.processes import until
from tests.workspaces.landscapes import files_of, git
from tests.workspaces.repositories import a_repository

ROUNDS = 6
WORKS = 'echo changed >README; echo new >"with space"; mkdir -p out; echo built >out/it; git add README; exit 0'
GOES_ON = f"({WORKS}); sleep 600"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    typed = Shell(tmp_path)
    a_repository(tmp_path / "shop", files={"README": "hello\n", ".gitignore": "out/\n"})
    yield typed
    typed.clear()


def begun(shell: Shell, script: str, *words: str) -> tuple[str, Path]:
    """Begin a session in a worktree; gives its id, and where it works."""
    asked = ("spawn", "--dir", "shop", "--workspace", "worktree", "--runtime", "process", *words)
    session = shell.must(*asked, "--", "sh", "-c", script).out.split()[0]
    return session, Path(shell.layout.worktrees, "shop", session)


def ended(shell: Shell, script: str = WORKS) -> tuple[str, Path]:
    session, place = begun(shell, script)
    shell.client.wait([session], timeout_s=PATIENCE_S)
    return session, place


def preserved(shell: Shell, session: str, path: str) -> str:
    return git(shell.place / "shop", "show", f"refs/orch/preserve/{session}:{path}").decode()


def test_work_is_seen_preserved_seen_again_and_gone_on_with(shell: Shell) -> None:
    session, place = ended(shell)
    before = files_of(place)

    seen = shell.must("diff", session, "--stat").out
    dry = shell.must("clean", "--dry-run")
    assert files_of(place) == before
    done = shell.must("clean")
    again = shell.must("clean", session)
    seen_again = shell.must("diff", session, "--stat")

    assert "README" in seen
    assert '"with space"' not in seen
    assert "with space" in seen
    assert "would be preserved and removed" in dry.out
    assert f"preserved in refs/orch/preserve/{session}, branch orch/{session}" in done.out
    assert "with it: 1 ignored file, 6 bytes, not preserved: out/ (6 bytes)" in done.out
    assert not place.exists()
    assert f"{session}  nothing to clean: it has no worktree (any more)" in again.out
    assert seen_again.out == seen
    assert preserved(shell, session, "with space") == "new"
    assert f"refs/orch/preserve/{session}" in shell.must("show", session).out


def test_a_session_whose_worktree_was_cleaned_can_be_revived(shell: Shell) -> None:
    session, place = ended(shell, "cat README; echo more >>README")
    shell.must("clean")

    shell.must("revive", session)
    shell.must("wait", session)

    assert (place / "README").read_text() == "hello\nmore\n"
    assert shell.must("clean", "--json").json["worktrees"][0]["deed"] == "preserve"


def test_a_revive_names_what_a_clean_has_preserved_and_how_to_have_it_again(shell: Shell) -> None:
    session, place = ended(shell, 'echo "$ORCH_RUN" >new')
    first = (place / "new").read_text()
    shell.must("clean")

    said = shell.must("revive", session).err

    shell.must("wait", session)
    before = (place / "new").read_text()
    (back,) = [line.partition(": ")[2] for line in said.splitlines() if "have it there" in line]
    subprocess.run(shlex.split(back), check=True)
    assert f"refs/orch/preserve/{session}" in said
    assert before != first
    assert (place / "new").read_text() == first


def test_one_that_was_merged_leaves_nothing_but_its_branch(shell: Shell) -> None:
    session, place = ended(shell, "git -c user.name=A -c user.email=a@b commit -q --allow-empty -m work")
    git(shell.place / "shop", "merge", "-q", "--ff-only", f"orch/{session}")

    row = shell.must("clean", "--json").json["worktrees"][0]

    assert (row["deed"], row["ref"]) == ("remove", None)
    assert not place.parent.exists()


def test_a_session_that_runs_is_spared_and_a_kill_leaves_its_work_where_it_is(shell: Shell) -> None:
    session, place = begun(shell, GOES_ON)
    until((place / "out" / "it").exists, "the work is done")

    spared, named = shell.must("clean"), shell.orch("clean", session)
    before = files_of(place)
    shell.must("kill", session)
    shell.client.wait([session], goal="cancelled", timeout_s=PATIENCE_S)

    assert "in use: its session is running" in spared.out
    assert named.code == 1
    assert files_of(place) == before


def test_a_daemon_that_is_killed_in_the_middle_of_a_clean_loses_nothing(shell: Shell) -> None:
    session, place = ended(shell, f"({WORKS}); i=0; while [ $i -lt 400 ]; do echo $i >f$i; i=$((i+1)); done")
    before = {path: told for path, told in files_of(place).items() if not path.startswith(b"out/")}

    for moment_s in (0.02, 0.1, 0.2, 0.3, 0.4):  # wherever it is then
        with shell.going_on("clean"):
            threading.Event().wait(moment_s)
            daemon = shell.client.status().daemon
            if daemon is not None:
                os.kill(daemon.pid, signal.SIGKILL)
        shell.client.ensure_daemon()
        kill = shell.orch("kill", session)
        assert kill.code == 0
    shell.must("clean")

    assert not place.parent.exists()
    restored = shell.place / "restored"
    git(shell.place / "shop", "worktree", "add", "-q", "--detach", str(restored), f"refs/orch/preserve/{session}")
    assert files_of(restored) == before


def test_a_revive_during_a_clean_never_runs_in_a_directory_that_vanishes(shell: Shell) -> None:
    script = 'echo x >>kept; sleep 0.05; cd .. && cd "$OLDPWD" && ls kept >/dev/null'
    session, place = ended(shell, script)

    for _ in range(ROUNDS):
        cleaning = threading.Thread(target=lambda: _clean(shell.client, session))
        cleaning.start()
        shell.client.revive(session)
        (waited,) = shell.client.wait([session], timeout_s=PATIENCE_S)
        cleaning.join(PATIENCE_S)
        assert waited.is_met, shell.must("explain", session).out

    shell.must("clean")
    lines = git(shell.place / "shop", "log", "-p", "--format=", f"refs/orch/preserve/{session}", "--", "kept")
    assert lines.count(b"+x") >= 1
    assert not place.exists()


def _clean(client: Client, session: str) -> None:
    try:
        client.clean(session)
    except OrchestrdError:
        return


def test_a_clean_without_a_daemon_starts_one(shell: Shell) -> None:
    _, place = ended(shell)
    shell.must("daemon", "stop")

    done = shell.must("clean")

    assert "orch: starting the daemon" in done.err
    assert not place.exists()


def test_a_reader_of_a_difference_may_go_away(shell: Shell) -> None:
    session, _ = ended(shell, "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done >long")

    with shell.going_on("diff", session) as typed:
        assert typed.stdout is not None
        typed.stdout.readline()
        typed.stdout.close()

        assert typed.wait(PATIENCE_S) == 141


def test_a_difference_goes_through_the_pager_of_a_terminal_only(shell: Shell) -> None:
    session, _ = ended(shell)
    environment = shell.environment | {"GIT_PAGER": "sed s/^/paged:/"}
    typed = f"orch diff --stat {session}"

    on_a_terminal = subprocess.run(
        ["script", "-qec", typed, "/dev/null"], cwd=shell.place, env=environment, capture_output=True, check=True
    )

    assert b"paged: README" in on_a_terminal.stdout
    assert "paged" not in shell.orch("diff", "--stat", session, GIT_PAGER="sed s/^/paged:/").out


def test_a_session_leaves_every_list_only_once_its_work_is_preserved(shell: Shell) -> None:
    session, _ = begun(shell, WORKS, "--name", "work")
    shell.client.wait([session], timeout_s=PATIENCE_S)

    refused = shell.orch("rm", session)
    shell.must("clean", session)
    done = shell.must("rm", session)

    assert (refused.code, refused.err.splitlines()[-1]) == (4, f"  try: orch clean {session}")
    assert done.out == f"{session}  archived in {shell.layout.archived(session)}\n"
    assert shell.must("status", "--all", "--json").json["sessions"] == []
    assert f"session {session} is archived" in shell.orch("logs", session).err
    assert f"session {session} is archived" in shell.orch("show", "work").err
    assert shell.must("rm", session).out == done.out
    assert "accepted" in shell.must("events", "--session", session).out
