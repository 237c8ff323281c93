"""A daemon under a supervisor: when it says that it is ready, how it is watched, and whose the socket is."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrd.model.words import State
from tests.acceptance.daemon import ANSWER_S, Daemon, Home
from tests.supervisors import NotifyEnd, listening_as_systemd, passed_on

SUPERVISED = """
import os, sys
address, watchdog, listening, *command = sys.argv[1:]
os.environ.update(NOTIFY_SOCKET=address, LISTEN_PID=str(os.getpid()), WATCHDOG_PID=str(os.getpid()))
os.environ["WATCHDOG_USEC"] = watchdog
if listening != "none":
    os.dup2(int(listening), 3)
    os.environ["LISTEN_FDS"] = "1"
os.execvp(command[0], command)
"""
WATCHDOG_S = 1.0


class Supervisor:
    """What systemd is to a service: it listens to what it says, and may hold its socket."""

    def __init__(self, home: Home, place: Path) -> None:
        self._home = home
        self.end = NotifyEnd(str(place / "notify"))
        self.socket: int | None = None

    def hold_socket(self) -> None:
        """Listen where the clients of the home look, before there is any daemon."""
        place = Path(self._home.layout.socket)
        place.parent.mkdir(parents=True, mode=0o700)
        self.socket = passed_on(place)

    def begin(self) -> Daemon:
        """Start a daemon, and wait for nothing."""
        passed = () if self.socket is None else (self.socket,)
        words = (str(passed[0]) if passed else "none",)
        before = (sys.executable, "-c", SUPERVISED, self.end.address, str(int(WATCHDOG_S * 1e6)), *words)
        return self._home.begin(before=before, passed=passed)

    def until(self, word: str) -> list[str]:
        """Wait until this was told; give the first word of each message until then, watchdog aside."""
        told: list[str] = []
        deadline = time.monotonic() + ANSWER_S
        while word not in told:
            assert time.monotonic() < deadline, f"not told in time: {word}"
            told += [next(iter(message)) for message in [self.end.message(ANSWER_S)] if "WATCHDOG" not in message]
        return told

    def close(self) -> None:
        self.end.close()
        if self.socket is not None:
            os.close(self.socket)


@pytest.fixture
def supervisor(home: Home, shallow: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(home, shallow)
    yield supervisor
    supervisor.close()


@pytest.fixture
def home(shallow: Path) -> Iterator[Home]:
    (shallow / "place").mkdir()
    home = Home(shallow / "place")
    yield home
    home.clear()


def test_it_is_ready_when_it_has_recovered_and_answers_and_says_when_it_ends(
    home: Home, supervisor: Supervisor
) -> None:
    home.start()
    session = home.spawn("exec sleep 300")
    home.reach(session, "running")
    home.daemons[0].kill()

    daemon = supervisor.begin()
    before = supervisor.until("READY")

    assert before == ["STATUS", "READY"]
    assert daemon.answers()
    assert home.show(session).state == State.RUNNING

    daemon.process.send_signal(signal.SIGTERM)

    assert supervisor.until("STOPPING")[-1] == "STOPPING"
    assert daemon.process.wait(ANSWER_S) == 0


def test_a_reload_is_told_from_its_beginning_to_its_end(supervisor: Supervisor) -> None:
    daemon = supervisor.begin()
    supervisor.until("READY")

    daemon.process.send_signal(signal.SIGHUP)

    assert supervisor.until("READY") == ["RELOADING", "READY"]


def test_the_watchdog_is_fed_while_the_loop_turns_and_not_while_it_does_not(supervisor: Supervisor) -> None:
    daemon = supervisor.begin()
    supervisor.until("READY")

    told = [supervisor.end.message(WATCHDOG_S) for _ in range(8)]

    assert told.count({"WATCHDOG": "1"}) >= 7

    daemon.process.send_signal(signal.SIGSTOP)
    os.waitpid(daemon.pid, os.WUNTRACED)
    supervisor.end.messages()

    with pytest.raises(TimeoutError):
        supervisor.end.message(WATCHDOG_S)

    daemon.process.send_signal(signal.SIGCONT)


def test_who_connects_while_no_daemon_runs_is_answered_by_the_one_that_is_started_for_it(
    home: Home, supervisor: Supervisor
) -> None:
    supervisor.hold_socket()

    for _ in range(2):
        with socket.socket(socket.AF_UNIX) as early:
            early.connect(home.layout.socket)
            early.sendall(b"GET /v1/health HTTP/1.0\r\n\r\n")
            daemon = supervisor.begin()
            early.settimeout(ANSWER_S)

            assert early.recv(100).startswith(b"HTTP/1.1 200")

        assert daemon.stop() == 0
        assert Path(home.layout.socket).is_socket()


def test_a_daemon_by_hand_is_refused_while_systemd_holds_the_socket(home: Home) -> None:
    place = Path(home.layout.socket)
    place.parent.mkdir(parents=True, mode=0o700)

    with listening_as_systemd(place) as pid:
        daemon = home.begin()

        assert daemon.process.wait(ANSWER_S) == 4

    assert f"systemd (pid {pid}) listens on {place}, and starts the daemon of this home itself" in daemon.words()
    assert "try: orch daemon start" in daemon.words()


def test_a_daemon_by_hand_is_refused_beside_one_that_systemd_has_started(home: Home, supervisor: Supervisor) -> None:
    supervisor.hold_socket()
    daemon = supervisor.begin()
    supervisor.until("READY")

    second = home.begin()

    assert second.process.wait(ANSWER_S) == 4
    assert f"a daemon is already running in this home (pid {daemon.pid})" in second.words()
    assert daemon.answers()


def test_a_socket_of_another_home_is_refused_with_the_line_that_is_wrong(home: Home, supervisor: Supervisor) -> None:
    elsewhere = Path(home.layout.socket).with_name("elsewhere")
    elsewhere.parent.mkdir(parents=True, mode=0o700)
    supervisor.socket = passed_on(elsewhere)

    daemon = supervisor.begin()

    assert daemon.process.wait(ANSWER_S) == 1
    assert f"try: ListenStream={home.layout.socket} in its socket unit" in daemon.words()


def test_every_change_of_state_is_logged_with_the_session_and_the_run(home: Home) -> None:
    daemon = home.start()

    session = home.spawn("exit 3")
    home.until_over(session)
    daemon.stop()

    lines = [json.loads(line) for line in daemon.words().splitlines()]
    told = [line for line in lines if line["event"] == "state_changed"]
    assert [line["state"] for line in told] == ["pending", "scheduled", "starting", "running", "failed"]
    assert {(line["session"], line["run"]) for line in told} == {(session, f"{session}.1")}
    assert told[-1]["reason"] == "exit_code"
