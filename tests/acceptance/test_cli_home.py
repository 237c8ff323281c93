"""A user's home at the command line: with a daemon, without one, with one that comes and goes."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from orchestrd import schemas
from tests.acceptance.command_line import ORCH, Shell
from tests.acceptance.processes import until


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    typed = Shell(tmp_path)
    yield typed
    typed.clear()


# ---- the daemon ------------------------------------------------------------------------------------------------------


def test_start_answers_when_it_returns_and_again_when_one_runs(shell: Shell) -> None:
    first = shell.orch("daemon", "start", "--interval", "0.25")
    status = shell.must("status", "--json").json
    again = shell.orch("daemon", "start")

    pid = status["daemon"]["pid"]
    assert (first.code, first.out) == (0, f"daemon {pid} has started\n")
    assert Draft202012Validator(schemas.read("status")).is_valid(status)
    assert status["daemon"]["interval_s"] == 0.25
    assert (again.code, again.out) == (0, f"daemon {pid} runs already\n")
    assert os.getsid(pid) == pid != os.getsid(0)


def test_a_substitution_around_start_returns(shell: Shell) -> None:
    command = f'out=$({" ".join(ORCH)} daemon start 2>&1) && echo "[$out]"'

    done = subprocess.run(
        ["sh", "-c", command], env=shell.environment, capture_output=True, timeout=30, text=True, check=True
    )

    assert done.stdout == f"[orch: starting the daemon\ndaemon {shell.daemon_pid()} has started]\n"


def test_a_stale_socket_stops_nothing(shell: Shell) -> None:
    run = Path(shell.layout.run)
    run.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(shell.layout.socket)

    assert shell.orch("daemon", "start").code == 0
    assert shell.daemon_pid()


def test_a_second_daemon_exits_4_naming_the_first(shell: Shell) -> None:
    shell.start()

    done = shell.orch("daemon", "run")

    assert done.code == 4
    assert f"(pid {shell.daemon_pid()})" in done.err


def test_stop_waits_for_the_end_and_leaves_sessions_running(shell: Shell) -> None:
    session = shell.spawn("echo $$ > pid; sleep 60")
    until((shell.place / "pid").exists, "it runs")
    pid = shell.daemon_pid()

    stopped = shell.orch("daemon", "stop")
    again = shell.orch("daemon", "stop")

    assert (stopped.code, stopped.out) == (0, f"daemon {pid} has stopped; sessions go on\n")
    assert not Path(f"/proc/{pid}").exists()
    assert Path("/proc", (shell.place / "pid").read_text().strip()).exists()
    assert (again.code, again.out) == (0, "no daemon is running\n")
    assert shell.orch("daemon", "status").code == 5
    assert shell.show(session).state == "running"


def test_stop_never_signals_a_stranger_that_has_the_pid(shell: Shell) -> None:
    Path(shell.layout.run).mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        Path(shell.layout.lock).write_text(f"{stranger.pid}\n")

        done = shell.orch("daemon", "stop")

        assert (done.code, done.out) == (0, "no daemon is running\n")
        assert stranger.poll() is None
        stranger.kill()


def test_restart_keeps_how_it_was_started(shell: Shell) -> None:
    shell.must("daemon", "start", "--interval", "0.75", "--max-running", "3")
    before = shell.must("daemon", "status", "--json").json["daemon"]

    after = shell.must("daemon", "restart", "--json").json["daemon"]

    assert after["pid"] != before["pid"]
    assert after["epoch"] == before["epoch"] + 1
    assert (after["interval_s"], after["max_running"]) == (0.75, 3)


def test_the_log_of_the_daemon_is_printed(shell: Shell) -> None:
    missing = shell.orch("daemon", "logs")
    shell.must("daemon", "start")

    assert missing.code == 3
    assert "daemon_started" in shell.must("daemon", "logs", "-n", "1").out


def test_the_status_of_the_daemon_is_a_page_for_people(shell: Shell) -> None:
    shell.start(0.25)

    page = shell.must("daemon", "status").out

    assert page.startswith(f"daemon      {shell.daemon_pid()}, up ")
    assert f"socket      {shell.layout.socket}\n" in page
    assert "tick        every 0.25 s\n" in page


def test_starting_one_that_runs_otherwise_says_how_it_runs(shell: Shell) -> None:
    shell.start(0.25)

    done = shell.orch("daemon", "start", "--interval", "3")

    assert done.code == 0
    assert done.err == "orch: it runs already, every 0.25 s (orch daemon restart)\n"


# ---- without one -----------------------------------------------------------------------------------------------------


def test_without_a_daemon_spawn_stop_and_kill_are_spooled_and_the_rest_needs_one(shell: Shell) -> None:
    spawned = shell.orch("spawn", "--no-daemon", "--json", "--name", "off", "--", "true")
    stopped = shell.orch("stop", "--no-daemon", "--json", "off")
    killed = shell.orch("kill", "--no-daemon", "--json", "off")
    told = shell.orch("kill", "--no-daemon", "off")
    sent = shell.orch("send", "--no-daemon", "--json", "off", "hi")
    revived = shell.orch("revive", "--no-daemon", "--json", "off")

    assert spawned.code == stopped.code == killed.code == 0
    assert (spawned.json["state"], spawned.json["revision"]) == ("accepted", 0)
    assert stopped.json == killed.json == spawned.json
    assert "spooled" in stopped.err
    assert told.out == f"{spawned.json['id']}  accepted, spooled\n"
    assert (sent.code, revived.code) == (5, 5)
    assert sent.error["code"] == "unreachable"


def test_what_is_spooled_is_taken_in_before_the_socket_answers(shell: Shell) -> None:
    spawned = shell.must("spawn", "--no-daemon", "--json", "--", "sh", "-c", "echo once >> marks").json

    shell.start()

    assert shell.show(spawned["id"]).revision >= 1
    shell.until(spawned["id"], "completed")
    assert (shell.place / "marks").read_text() == "once\n"


def test_a_daemon_that_does_not_start_makes_a_spawn_spool(shell: Shell) -> None:
    Path(shell.layout.lock).mkdir(parents=True)

    spawned = shell.orch("spawn", "--json", "--", "true")
    started = shell.orch("daemon", "start", "--json")
    sent = shell.orch("send", spawned.json["id"], "hi", "--json")
    waited = shell.orch("spawn", "--wait", "--", "true")

    assert (spawned.code, spawned.json["state"]) == (0, "accepted")
    assert "spooled" in spawned.err
    assert (started.code, sent.code, waited.code) == (5, 5, 5)
    assert waited.out.endswith("  accepted, spooled\n")
    assert waited.err.endswith("is accepted, not started: no daemon runs\n  try: orch daemon start\n")
    assert started.error["hint"] == "mend what it names, or name another home in ORCH_HOME"


def test_with_the_daemon_down_the_disk_is_read_and_its_age_said(shell: Shell) -> None:
    session = shell.ended("echo kept", name="done")
    shell.kill_daemon()

    status = shell.orch("status", "--json", "--all")
    table = shell.orch("status", "--all")
    others = [shell.orch(*words) for words in (["show", "done"], ["logs", "done"], ["events"], ["wait", "done"])]

    assert status.code == table.code == 0
    assert status.json["daemon"] is None
    assert [told["id"] for told in status.json["sessions"]] == [session]
    assert table.out.splitlines()[-1].startswith("no daemon answers; as of ")
    for done in (status, *others):
        assert done.code == 0
        assert done.err.startswith("orch: no daemon answers; this is from disk, as of ")
    assert others[1].out == "kept\n"


def test_a_watch_begun_without_a_daemon_sees_the_next_one(shell: Shell) -> None:
    with shell.going_on("status", "-w") as watching:
        assert watching.stdout is not None
        first = [watching.stdout.readline().decode() for _ in range(2)]
        shell.start()
        then = [watching.stdout.readline().decode() for _ in range(3)]

    assert first == [
        "no sessions; begin one: orch spawn -- COMMAND\n",
        "no daemon answers; start it: orch daemon start\n",
    ]
    assert then[:2] == ["\n", first[0]]
    assert then[2].startswith("daemon ")


def test_following_a_log_ends_with_the_session_though_nobody_watches(shell: Shell) -> None:
    shell.start()
    session = shell.spawn("echo begun; until [ -e go ]; do sleep 0.05; done; echo done")
    shell.until(session, "running")
    shell.kill_daemon()

    with shell.going_on("logs", "-f", session) as following:
        assert following.stdout is not None
        first = following.stdout.readline()
        (shell.place / "go").touch()
        rest, _ = following.communicate(timeout=30)

    assert (following.returncode, first, rest) == (0, b"begun\n", b"done\n")


# ---- with one that comes and goes ------------------------------------------------------------------------------------


def test_a_wait_outlives_the_daemon(shell: Shell) -> None:
    shell.start()
    session = shell.spawn("until [ -e go ]; do sleep 0.05; done; exit 7")
    shell.until(session, "running")

    with shell.going_on("wait", session, "--json") as waiting:
        time.sleep(0.7)  # it has begun to wait; were it slower it would only begin on the disk
        shell.kill_daemon()
        (shell.place / "go").touch()
        shell.start()
        out, _ = waiting.communicate(timeout=30)

    assert waiting.returncode == 1
    assert b'"exit_code":7' in out


def test_a_follower_sees_every_event_once_over_two_daemons(shell: Shell) -> None:
    shell.start()
    with shell.going_on("events", "-f", "--since", "0", "--json") as following:
        assert following.stdout is not None
        shell.ended("true")
        shell.kill_daemon()
        shell.start()
        shell.ended("false")
        kept = shell.must("events", "--json").out.encode()

        seen = b"".join(following.stdout.readline() for _ in range(kept.count(b"\n")))

    assert seen == kept
    assert [event["sequence"] for event in shell.events()] == list(range(1, len(shell.events()) + 1))


def test_events_since_a_cursor_and_by_session_and_type(shell: Shell) -> None:
    session = shell.ended("true", name="one")
    everything = shell.events()

    changes = shell.events("--session", "one", "--type", "state_changed")

    assert shell.events("--since", "2") == everything[2:]
    assert [(event["from"], event["to"]) for event in changes] == [
        (None, "pending"),
        ("pending", "scheduled"),
        ("scheduled", "starting"),
        ("starting", "running"),
        ("running", "completed"),
    ]
    assert {event["session"] for event in changes} == {session}


def test_a_follower_without_a_cursor_begins_now(shell: Shell) -> None:
    shell.ended("true")
    with shell.going_on("events", "-f", "--json") as following:
        assert following.stdout is not None
        time.sleep(1.0)  # it has connected; were it slower the test would find nothing older either
        session = shell.spawn("true")

        first = msgspec.json.decode(following.stdout.readline())

    assert (first["session"], first["from"], first["to"]) == (session, None, "pending")


def test_an_interrupted_follower_ends_quietly(shell: Shell) -> None:
    shell.start()
    with shell.going_on("events", "-f") as following:
        time.sleep(0.5)  # an interrupt while the interpreter starts is the interpreter's own
        following.send_signal(signal.SIGINT)
        out, err = following.communicate(timeout=20)

    assert (following.returncode, out, err) == (130, b"", b"")
