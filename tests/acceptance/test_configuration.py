"""A user with settings: a daemon that takes them at its start and while it runs, and sessions that begin by them."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.command_line import ORCH, PATIENCE_S, Shell
from tests.acceptance.processes import until
from tests.workspaces.repositories import a_repository, git, write


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    typed = Shell(tmp_path)
    typed.environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    yield typed
    typed.clear()


def _set(shell: Shell, text: str) -> Path:
    file = shell.place / "config" / "orchestrd" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_daemon_takes_its_settings_at_the_start_and_others_while_it_runs(shell: Shell) -> None:
    file = _set(shell, "[daemon]\ninterval_s = 3600\nmax_running = 1\n")
    shell.must("daemon", "start")
    shell.must("spawn", "--name", "first", "--", "sleep", "600")
    shell.must("spawn", "--name", "second", "--", "sleep", "600")
    shell.must("wait", "first", "--for", "running")
    queued = shell.must("show", "second", "--json").json["state"]
    pid = shell.daemon_pid()

    _set(shell, "[daemon]\ninterval_s = 0.5\nmax_running = 2\n")
    done = shell.must("daemon", "reload")
    shell.must("wait", "second", "--for", "running", "--timeout", "20")
    taken = shell.must("daemon", "status", "--json").json["daemon"]

    assert (queued, done.out, done.err) == ("scheduled", f"daemon {pid} has read {file}\n", "")
    assert (taken["pid"], taken["interval_s"], taken["max_running"], taken["reloads"]) == (pid, 0.5, 2, 1)


def test_what_is_wrong_changes_nothing_and_is_said_until_it_is_right(shell: Shell) -> None:
    file = _set(shell, "[daemon]\ninterval_s = 0.5\n")
    shell.must("daemon", "start", "--max-running", "3")

    _set(shell, "[daemon]\ninterval = 2\nmax_running = 5\n")
    wrong = shell.orch("daemon", "reload")
    refused = shell.must("status", "--json").json["daemon"]
    _set(shell, "[daemon]\nmax_running = 5\n")
    right = shell.orch("daemon", "reload")
    taken = shell.must("status", "--json").json["daemon"]

    why = f"{file}:2: there is no key 'interval' in [daemon]: did you mean 'interval_s'?"
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err == f"orch: {why}\n  try: orch config check\n"
    assert (refused["trouble"], refused["refused"], refused["interval_s"]) == (why, why, 0.5)
    assert (right.code, taken["trouble"], taken["refused"], taken["interval_s"]) == (0, None, None, 5.0)
    assert right.err == "orch: as it was given to the daemon as an option stays max_running\n"
    assert taken["max_running"] == 3
    assert why in Path(shell.layout.daemon_log).read_text()


def test_a_restart_keeps_what_was_given_as_an_option_and_reads_the_rest_again(shell: Shell) -> None:
    _set(shell, "[daemon]\ninterval_s = 0.5\n")
    shell.must("daemon", "start", "--max-running", "3")

    _set(shell, "[daemon]\ninterval_s = 0.75\nmax_running = 7\n")
    shell.must("daemon", "restart")

    facts = shell.must("status", "--json").json["daemon"]
    assert (facts["interval_s"], facts["max_running"]) == (0.75, 3)


def test_a_daemon_does_not_start_with_settings_that_are_wrong(shell: Shell) -> None:
    file = _set(shell, "[limits]\nmemory_max = 2\n")

    started, run = shell.orch("daemon", "start"), shell.orch("daemon", "run")

    assert started.code == 5
    assert f"{file}:2: 'memory_max' must be a text such as \"2G\"" in started.err
    assert "try: orch config check" in started.err
    assert run.code == 2
    assert f"orchestrd: {file}:2: 'memory_max' must be a text such as \"2G\"" in run.err
    assert "try: orch config edit" in run.err


def test_a_session_finds_the_programs_and_keys_that_are_configured_whatever_the_daemon_has(shell: Shell) -> None:
    tools = shell.place / "tools"
    tools.mkdir()
    (tools / "my-tool").write_text("#!/bin/sh\necho found with $API_KEY in $MODE\n")
    (tools / "my-tool").chmod(0o755)
    _set(shell, f'[environment]\npass = ["API_*"]\npath = ["{tools}"]\nset = {{MODE = "quiet"}}\n')
    bare = {"PATH": "/usr/bin:/bin", "HOME": "/", "ORCH_HOME": shell.layout.home, "XDG_CONFIG_HOME": "/nowhere"}
    subprocess.run([*ORCH, "daemon", "start"], env=bare, check=True, capture_output=True, timeout=PATIENCE_S)

    done = shell.orch("spawn", "--wait", "--name", "tool", "--", "my-tool", API_KEY="s3cr3t")

    assert done.code == 0, done
    assert shell.must("logs", "tool").out == "found with s3cr3t in quiet\n"


def test_a_repository_runs_its_setup_only_once_it_is_trusted(shell: Shell) -> None:
    project = a_repository(shell.place / "web")
    write(project, {".orchestrd.toml": '[spawn]\nworkspace = "worktree"\nsetup = "echo ready >made"\n'})
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "settings")
    here = ("spawn", "--wait", "--dir", str(project), "--", "cat", "made")

    untrusted = shell.orch(*here)
    trusted = shell.must("trust", str(project))
    ran = shell.orch(*here)
    write(project, {".orchestrd.toml": '[spawn]\nworkspace = "worktree"\nsetup = "exit 3"\n'})
    changed = shell.orch(*here)

    assert (untrusted.code, changed.code, ran.code) == (1, 1, 0)
    said = f"orch: {project}/.orchestrd.toml is not trusted: not applied is spawn.setup\n  try: orch trust {project}\n"
    assert said in untrusted.err
    assert said in changed.err
    assert "not trusted" not in ran.err
    assert 'spawn.setup = "echo ready >made"  # only if trusted' in trusted.out


def test_a_reload_without_a_daemon_says_so(shell: Shell) -> None:
    done = shell.orch("daemon", "reload")

    assert done.code == 5
    assert done.err == f"orch: no daemon runs in {shell.layout.home}\n  try: orch daemon start\n"


def test_a_daemon_in_the_foreground_ends_with_its_terminal(shell: Shell) -> None:
    """It is told so by the signal that has any other daemon read its settings again."""
    ours, theirs = pty.openpty()
    take_over = (
        "import fcntl, os, sys, termios; fcntl.ioctl(2, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv[1:])"
    )
    daemon = subprocess.Popen(
        [sys.executable, "-c", take_over, *ORCH, "daemon", "run"],
        env=shell.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    until(lambda: shell.orch("daemon", "status").code == 0, "the daemon answers", within_s=15.0)

    daemon.send_signal(signal.SIGHUP)
    until(lambda: shell.must("status", "--json").json["daemon"]["reloads"] == 1, "it has read its settings")
    os.close(ours)

    assert daemon.wait(15.0) == 0
    assert [event["type"] for event in shell.must("events", "--json").lines][-1] == "daemon_stopped"
