"""`orch doctor` beside real sessions and real strays: what it finds, what it mends, and what it only names."""

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrd.core.layout import Layout
from orchestrd.core.tmux import control_argv
from orchestrd_cli.doctor.running import daemons
from tests.acceptance import agents
from tests.acceptance.command_line import Done, Shell
from tests.acceptance.daemon import BOUND_BY_MODES, Home
from tests.acceptance.processes import Identity, identity_of, is_alive, until
from tests.acceptance.tmux import needs_tmux

OWN = (
    "home",
    "daemon",
    "records",
    "quarantine",
    "hooks",
    "processes",
    "terminals",
    "clients",
    "worktrees",
    "leftovers",
)
HOURS_AGO = time.time() - 3 * 3_600
STRAY = "zzzzzzzz"  # the id of a session that nobody knows


@pytest.fixture
def shell(home: Home) -> Iterator[Shell]:
    """Give a shell in that home."""
    shell = Shell(home.place)
    yield shell
    shell.clear()


def _by_subject(done: Done) -> dict[str, list[dict[str, Any]]]:
    """Give what was found about the home; what the machine is like is not this test's affair."""
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in done.json["findings"]:
        if finding["subject"] in OWN:
            found.setdefault(finding["subject"], []).append(finding)
    return found


def _levels(shell: Shell, *options: str) -> dict[str, set[str]]:
    found = _by_subject(shell.orch("doctor", "--json", *options))
    return {subject: {finding["level"] for finding in findings} for subject, findings in found.items()}


def _next(done: Done, subject: str) -> str:
    (finding,) = _by_subject(done)[subject]
    command = finding["next"]
    assert isinstance(command, str)
    return command


@contextmanager
def _left_over(home: Home) -> Iterator[Identity]:
    """Have a process live that bears the mark of a run of this home which nobody knows."""
    home.sessions.add(STRAY)
    marked = {**os.environ, "ORCH_HOME": home.layout.home, "ORCH_RUN": f"{STRAY}:1:nonce"}
    with subprocess.Popen(["sleep", "1000"], env=marked) as process:
        found = identity_of(process.pid)
        assert found is not None
        until(lambda: b"\0ORCH_RUN=" in b"\0" + Path(f"/proc/{process.pid}/environ").read_bytes(), "it bears its mark")
        yield found
        process.kill()


def _draft(layout: Layout) -> Path:
    draft = Path(layout.sessions, ".aaaaaaaa.json.tmp")
    draft.write_bytes(b"{")
    os.utime(draft, (HOURS_AGO, HOURS_AGO))
    return draft


@needs_tmux
def test_a_home_in_which_all_is_well_has_nothing_to_be_told_of(home: Home, shell: Shell) -> None:
    home.start()
    sessions = [home.spawn(agents.SLEEPS, runtime="tmux"), home.spawn(agents.SLEEPS), home.spawn(agents.ends_with(3))]
    for session in sessions[:2]:
        until(lambda: home.mark(session), "the agent has begun")  # noqa: B023 - at once
    home.until_over(sessions[2])

    with_daemon = _levels(shell)
    home.daemons[-1].stop()
    without = _levels(shell)

    assert with_daemon == {subject: {"ok"} for subject in OWN}
    assert without == {**with_daemon, "daemon": {"warn"}}  # sessions go on unwatched


@needs_tmux
def test_strays_are_found_what_can_lose_nothing_is_mended_and_the_rest_is_named(home: Home, shell: Shell) -> None:
    home.start(is_measured=False)
    agent = home.spawn(agents.SLEEPS, runtime="tmux")
    until(lambda: home.mark(agent), "the agent has begun")
    home.reach(agent, "running")
    living = list(home.processes(agent))
    home.daemons[-1].kill()
    Path(home.layout.record(agent)).unlink()  # by a hand that should not have
    draft = _draft(home.layout)
    worktree = Path(home.layout.worktrees, "shop", "bbbbbbbb")
    worktree.mkdir(parents=True)
    Path(home.layout.home).chmod(0o755)

    found = shell.orch("doctor", "--json")
    fixed = shell.orch("doctor", "--json", "--fix")

    assert (found.code, fixed.code) == (1, 1)
    assert {subject for subject, told in _by_subject(found).items() if told[0]["level"] != "ok"} == {
        *("home", "daemon", "processes", "terminals", "worktrees", "leftovers")
    }
    assert {told["subject"] for told in fixed.json["mended"]} == {"home", "daemon", "leftovers"}
    assert {subject for subject, told in _by_subject(fixed).items() if told[0]["level"] != "ok"} == {
        *("processes", "terminals", "worktrees")
    }
    assert not draft.exists()
    assert worktree.exists()
    assert living
    assert all(map(is_alive, living))

    for command in (_next(fixed, "processes"), _next(fixed, "terminals")):
        subprocess.run(shlex.split(command), check=False, capture_output=True)  # the first may have done for both

    until(lambda: not any(map(is_alive, living)), "what was named has gone")
    assert _levels(shell)["processes"] == {"ok"}
    assert _levels(shell)["terminals"] == {"ok"}


def test_a_process_of_an_unknown_run_is_named_with_the_daemon_and_without(home: Home, shell: Shell) -> None:
    home.start()
    with _left_over(home) as stray:
        beside = shell.orch("doctor", "--json")
        home.daemons[-1].stop()
        alone = shell.orch("doctor", "--fix", "--json")

        assert [_next(done, "processes") for done in (beside, alone)] == [f"kill {stray.pid}"] * 2
        assert [done.code for done in (beside, alone)] == [1, 1]
        assert is_alive(stray)


def test_the_strays_of_another_home_are_nobodys_here(home: Home, shell: Shell) -> None:
    with _left_over(home):
        elsewhere = shell.orch("doctor", "--json", ORCH_HOME=f"{home.layout.home}.other")

    assert {told["level"] for told in _by_subject(elsewhere)["processes"]} == {"ok"}


@needs_tmux
def test_a_control_client_of_the_past_is_ended_where_no_session_is_beside_it(home: Home, shell: Shell) -> None:
    socket = home.layout.tmux_socket
    Path(socket).parent.mkdir(parents=True)
    tmux = ("tmux", "-f/dev/null", f"-S{socket}")
    subprocess.run([*tmux, "new-session", "-d", "-s", "orchestrd", "sleep", "1000"], check=True)
    argv = control_argv("tmux", socket)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as client:
        until(lambda: home.tmux.clients() == [client.pid], "it is attached")
        subprocess.run([*tmux, "new-session", "-d", "-s", "mine", "sleep", "1000"], check=True)

        beside = shell.orch("doctor", "--json", "--fix")
        assert client.poll() is None
        home.tmux.ask("kill-session", "-t", "=mine")
        alone = shell.orch("doctor", "--json", "--fix")

        assert f"control client {client.pid} is ended" in [told["told"] for told in alone.json["mended"]], alone.out
        client.wait(15)
    assert [told["can_fix"] for told in _by_subject(beside)["clients"]] == [False]
    assert _by_subject(alone)["clients"][0]["level"] == "ok"


@needs_tmux
def test_the_control_client_of_the_daemon_that_runs_is_no_stray(home: Home, shell: Shell) -> None:
    home.start()
    session = home.spawn(agents.SLEEPS, runtime="tmux")
    until(lambda: home.mark(session), "the agent has begun")
    home.kill(session)
    home.until_over(session)
    until(lambda: len(home.tmux.clients()) == 1, "the daemon's client is attached")

    assert _levels(shell, "--fix")["clients"] == {"ok"}
    assert len(home.tmux.clients()) == 1


def test_a_daemon_is_found_with_its_home_among_all_processes(home: Home) -> None:
    daemon = home.start()

    found = {one.pid: one for one in daemons(os.geteuid())}[daemon.pid]
    assert found.home == os.path.realpath(home.layout.home)
    assert 0 <= time.time() - found.since_s < 60


def test_a_frozen_daemon_is_told_of_and_all_else_is_looked_at(home: Home, shell: Shell) -> None:
    daemon = home.start()
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        found = shell.orch("doctor", "--json")
    finally:
        daemon.process.send_signal(signal.SIGCONT)

    assert (found.code, _next(found, "daemon")) == (1, "orch daemon restart")
    assert set(_by_subject(found)) == set(OWN)


def test_a_home_that_may_not_be_read_is_told_of_in_sentences(bound_home: Home, shell: Shell) -> None:
    sessions = Path(bound_home.layout.sessions)
    sessions.chmod(0)
    argv = [*(BOUND_BY_MODES if os.geteuid() == 0 else ()), "orch", "doctor"]
    try:
        done = subprocess.run(argv, env=shell.environment, capture_output=True, text=True, check=False)
    finally:
        sessions.chmod(0o700)

    assert done.returncode == 1
    assert f"{sessions}: Permission denied" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr


def test_a_checkup_in_a_pipe_is_plain_and_its_last_line_counts(shell: Shell) -> None:
    done = shell.orch("doctor")

    *_, counts = done.out.splitlines()
    assert done.code == int(" fail" in counts)  # what the machine is like is not ours to say
    assert "\x1b" not in done.out
    assert not Path(shell.layout.home).exists()  # to look makes nothing
