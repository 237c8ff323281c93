"""A service of a real systemd that is started, stopped, upgraded and looked at."""

import pytest

from orchestrd.client import calls, spawn_request
from orchestrd.model.words import Authority
from tests.acceptance.systemd.container import USER
from tests.acceptance.systemd.worker import Worker, install_orchestrd, take_modules_away


def test_it_is_active_only_when_every_session_is_recovered(installed: Worker) -> None:
    session, _ = installed.spawn("process")
    installed.must("daemon", "restart")

    said = [entry["MESSAGE"] for entry in installed.journal()]

    recovered = max(index for index, line in enumerate(said) if "api_started" in line)
    active = max(index for index, line in enumerate(said) if line.startswith("Started "))
    assert recovered < active
    assert installed.running() == {session}


def test_the_first_client_starts_the_daemon(installed: Worker) -> None:
    installed.systemctl("stop", installed.service)
    assert installed.property("ActiveState") == "inactive"
    held = installed.run("stat", "--format=%a", f"{installed.home}/run", f"{installed.home}/run/daemon.sock").out

    done = installed.must("status")

    assert held == "700\n600\n"
    assert f"daemon {installed.pid()}, version 0.1.0" in done.out
    assert done.err == ""
    installed.until(lambda: installed.property("ActiveState") == "active", "it is ready")


def test_what_was_stopped_stays_stopped_until_it_is_needed(installed: Worker) -> None:
    pid = installed.pid()

    stopped = installed.must("daemon", "stop")
    status, looked = installed.orch("daemon", "status"), installed.orch("status")

    assert stopped.out == f"daemon {pid} has stopped; sessions go on\n"
    assert f"{installed.socket} is stopped too" in stopped.err
    assert (status.code, f"{installed.service}, inactive (dead), enabled" in status.err) == (5, True)
    assert "no daemon answers" in looked.out
    assert installed.pid() == "0"

    session, _ = installed.spawn("process")

    assert installed.pid() != "0"
    assert installed.running() == {session}


def test_a_restart_and_an_upgrade_leave_agents_running(installed: Worker) -> None:
    agents = installed.spawn_both()

    installed.must("daemon", "restart")
    install_orchestrd(installed.container, "0.2.0")
    try:
        installed.must("daemon", "restart")
        version = installed.must("daemon", "status", "--json").json["daemon"]["version"]
    finally:
        install_orchestrd(installed.container)

    assert version == "0.2.0"
    assert installed.running() == agents.keys()
    assert all(map(installed.lives, agents.values()))


@pytest.mark.parametrize("runtime", ["process", "tmux"])
def test_once_it_is_ready_its_modules_may_be_replaced_under_it(installed: Worker, runtime: str) -> None:
    environment = {"HOME": f"/home/{USER}", "PATH": "/usr/bin:/bin"}
    request = spawn_request(argv=("sleep", "1000"), runtime=runtime, directory="/", environ=environment)

    take_modules_away(installed.container)
    try:
        session = installed.ask(calls.spawn(request)).id
        installed.ask(calls.explain(session))
        installed.until(lambda: installed.ask(calls.show(session)).liveness == "alive", "it is seen to live")
        installed.ask(calls.stop(session, Authority.USER, None))
        installed.until(lambda: installed.ask(calls.show(session)).state == "cancelled", "it has ended")
    finally:
        install_orchestrd(installed.container)

    assert not [entry for entry in installed.journal() if "ModuleNotFoundError" in entry["MESSAGE"]]


def test_status_and_logs_speak_of_the_unit(installed: Worker) -> None:
    status, logs = installed.must("daemon", "status").out, installed.must("daemon", "logs", "-n", "100").out

    assert f"unit        {installed.service}, active (running), enabled\n" in status
    assert f"log         journalctl --user --unit={installed.service}\n" in status
    assert "daemon_started" in logs


def test_a_second_daemon_beside_that_of_systemd_is_refused(installed: Worker) -> None:
    done = installed.orch("daemon", "run")

    assert (done.code, "systemd holds the socket" in done.err) == (4, True)


def test_how_it_runs_is_said_in_its_configuration_and_not_on_the_command_line(installed: Worker) -> None:
    done = installed.orch("daemon", "restart", "--interval", "1")

    assert (done.code, "orch config edit" in done.err) == (2, True)


def test_a_reload_takes_other_settings_without_a_restart(installed: Worker) -> None:
    pid = installed.pid()

    with installed.configured("[daemon]\nmax_running = 3\n"):
        installed.systemctl("reload", installed.service)
        installed.until(
            lambda: installed.must("daemon", "status", "--json").json["daemon"]["max_running"] == 3, "it is taken"
        )

    assert installed.pid() == pid
