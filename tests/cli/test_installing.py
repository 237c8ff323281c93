"""Verbs for a home whose daemon is a service, before a systemd that says what it is told to say."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from orchestrd import __version__
from orchestrd.client import Client, systemd
from orchestrd.client.systemd import Answer, Unit
from orchestrd.core.layout import Layout
from orchestrd.model.document import DaemonFacts, Health, Status
from orchestrd_cli import exits
from orchestrd_cli.installing import governing
from tests.cli.fake_daemon import FakeDaemon, Result, holding, whole
from tests.cli.fake_systemd import FakeSystemd

Orch = Callable[..., Result]


@pytest.fixture
def manager(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystemd:
    """Give a systemd for a user whose home directory is empty."""
    fake = FakeSystemd()
    monkeypatch.setattr(systemd, "_asked", fake)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return fake


@pytest.fixture
def unit(manager: FakeSystemd, home: Path) -> Unit:
    named = Unit(str(home))
    manager.properties["FragmentPath"] = named.file(named.service)
    return named


@pytest.fixture
def installed(unit: Unit, manager: FakeSystemd, daemon: FakeDaemon, orch: Orch) -> Unit:
    """Give a unit that is installed; its daemon answers with pid 4242."""
    manager.properties |= {"MainPID": "4242", "ActiveState": "active", "SubState": "running", "Result": "success"}
    manager.properties |= {"UnitFileState": "enabled"}
    facts = DaemonFacts(
        pid=4242,
        version=__version__,
        epoch=1,
        started_at=datetime(2026, 11, 21, tzinfo=UTC),
        home=unit.home,
        interval_s=5.0,
        max_running=10,
        sequence=7,
        rejected=0,
    )
    daemon.answers("/v1/health", whole(msgspec.json.encode(Health(pid=4242, epoch=1, sequence=7))))
    daemon.answers("/v1/status", whole(msgspec.json.encode(Status(daemon=facts, sessions=(), hidden=0))))
    assert orch("daemon", "install").code == exits.OK
    manager.asked.clear()
    return unit


# ---- installing ------------------------------------------------------------------------------------------------------


def test_without_systemd_nothing_is_written_and_the_next_command_is_said(
    orch: Orch, unit: Unit, manager: FakeSystemd
) -> None:
    manager.is_there = False

    done = orch("daemon", "install")

    assert (done.code, done.out) == (exits.REFUSED, "")
    assert "try: orch daemon start" in done.err
    assert not Path(unit.directory).exists()


def test_a_unit_that_somebody_else_wrote_is_left_as_it_is(orch: Orch, unit: Unit, manager: FakeSystemd) -> None:
    Path(unit.directory).mkdir(parents=True)
    theirs = Path(unit.file(unit.service))
    theirs.write_text("[Service]\nExecStart=/bin/true\n")

    put, taken = orch("daemon", "install"), orch("daemon", "uninstall")

    assert [(put.code, put.out), (taken.code, taken.out)] == [(exits.REFUSED, "")] * 2
    assert f"{theirs} was not written by orch" in put.err
    assert [path.name for path in theirs.parent.iterdir()] == [unit.service]
    assert manager.asked == []


def test_a_unit_that_differs_is_written_anew_and_the_daemon_started_anew(
    orch: Orch, installed: Unit, manager: FakeSystemd
) -> None:
    service = Path(installed.file(installed.service))
    text = service.read_text()
    service.write_text(text.replace("WatchdogSec=30s", "WatchdogSec=1s"))

    done = orch("daemon", "install")

    assert done.out.startswith(f"wrote    {service}\nenabled  ")
    assert service.read_text() == text
    units = f"{installed.socket} {installed.service}"
    assert manager.asked[:5] == [
        "daemon-reload",
        f"stop {units}",
        f"enable {units}",
        f"reset-failed {units}",
        f"start {units}",
    ]


def test_a_socket_that_no_longer_fits_is_taken_away(
    orch: Orch, unit: Unit, manager: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    orch("daemon", "install")
    monkeypatch.setattr("orchestrd_cli.installing.units.SOCKET_PATH_BYTES_MAX", 10)

    orch("daemon", "install")

    assert unit.installed == (unit.service,)


def test_a_place_that_cannot_be_written_is_said(orch: Orch, unit: Unit, manager: FakeSystemd) -> None:
    Path(unit.directory).parent.mkdir(parents=True)
    Path(unit.directory).touch()

    done = orch("daemon", "install")

    assert done.code == exits.REFUSED
    assert f"cannot write the units in {unit.directory}: " in done.err


def test_a_file_that_could_not_be_written_whole_takes_no_place(
    orch: Orch, unit: Unit, manager: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    done = orch("daemon", "install")

    assert (done.code, "No space left on device" in done.err) == (exits.REFUSED, True)
    assert list(Path(unit.directory).iterdir()) == []


def test_units_that_systemd_does_not_read_are_said(orch: Orch, unit: Unit, manager: FakeSystemd) -> None:
    manager.properties["FragmentPath"] = ""

    done = orch("daemon", "install")

    assert done.code == exits.REFUSED
    assert f"systemd does not read {unit.file(unit.service)}, but nothing" in done.err


def test_units_that_cannot_be_enabled_are_said(orch: Orch, unit: Unit, manager: FakeSystemd) -> None:
    manager.answers["systemctl --user enable"] = Answer(1, "", "Failed to enable unit: Read-only file system\n")

    done = orch("daemon", "install")

    assert (done.code, "Read-only file system" in done.err) == (exits.FAILED, True)


def test_a_daemon_that_does_not_start_says_its_own_reason(orch: Orch, unit: Unit, manager: FakeSystemd) -> None:
    manager.answers["systemctl --user start"] = Answer(1, "", "Job for it failed.\nSee more.\n")
    before = orch("daemon", "install")
    manager.answers["journalctl"] = Answer(0, "Starting it\norchestrd: config.toml:3: unknown key\ntry: this\n", "")
    manager.properties["ExecMainStatus"] = "2"

    after = orch("daemon", "install")

    assert (before.code, f"{unit.service} did not start: Job for it failed.\n" in before.err) == (5, True)
    assert f"{unit.service} did not start: config.toml:3: unknown key\n" in after.err
    assert "try: orch daemon logs" in before.err
    assert "try: orch config check" in after.err


def test_one_that_is_active_and_does_not_answer_is_said(orch: Orch, unit: Unit, manager: FakeSystemd) -> None:
    done = orch("daemon", "install")

    assert done.code == exits.UNREACHABLE
    assert f"the daemon of {unit.service} does not answer" in done.err


def test_linger_is_looked_at(orch: Orch, installed: Unit, manager: FakeSystemd) -> None:
    off = orch("daemon", "install").out
    manager.answers["loginctl show-user"] = Answer(0, "yes\n", "")
    on = orch("daemon", "install").out

    assert "linger   off: " in off
    assert "try: loginctl enable-linger\n" in off
    assert "linger   on: " in on


def test_a_home_too_deep_for_a_socket_is_said(orch: Orch, installed: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrd_cli.installing.units.SOCKET_PATH_BYTES_MAX", 10)

    assert "socket   none: its path is too long for systemd" in orch("daemon", "install").out


def test_uninstalling_stops_disables_and_forgets(orch: Orch, installed: Unit, manager: FakeSystemd) -> None:
    done = orch("daemon", "uninstall")

    units = f"{installed.socket} {installed.service}"
    removed = "".join(f"removed  {installed.file(name)}\n" for name in (installed.socket, installed.service))
    assert done.out == f"stopped  daemon 4242; sessions go on\n{removed}"
    assert manager.asked == [f"stop {units}", f"disable {units}", "daemon-reload", f"reset-failed {units}"]
    assert list(Path(installed.directory).iterdir()) == []


def test_units_that_cannot_be_removed_are_said(orch: Orch, installed: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)

    done = orch("daemon", "uninstall")

    assert (done.code, "Permission denied" in done.err) == (exits.REFUSED, True)


def test_what_would_be_written_can_be_read_before(orch: Orch, unit: Unit, manager: FakeSystemd) -> None:
    done = orch("daemon", "install", "--print")

    assert f"# {unit.file(unit.service)}\n# Written by `orch daemon install`" in done.out
    assert not Path(unit.directory).exists()


def test_on_a_mac_the_property_list_is_printed_and_nothing_else_done(
    orch: Orch, unit: Unit, manager: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrd_cli.installing.verbs._is_a_mac", lambda: True)

    printed, done = orch("daemon", "install", "--print"), orch("daemon", "install")

    assert f"<string>{unit.name}</string>" in printed.out
    assert done.code == exits.REFUSED
    assert "launchctl bootstrap gui/$UID" in done.err


# ---- the verbs of every day ------------------------------------------------------------------------------------------


def test_starting_one_that_runs_says_so(orch: Orch, installed: Unit) -> None:
    assert orch("daemon", "start").out == "daemon 4242 runs already\n"


def test_starting_beside_one_that_was_started_by_hand_says_how_to_hand_over(
    orch: Orch, installed: Unit, manager: FakeSystemd
) -> None:
    manager.properties["MainPID"] = "0"

    done = orch("daemon", "start")

    assert done.err == (
        f"orch: daemon 4242 was started by hand; to hand over to {installed.service}: orch daemon restart\n"
    )


def test_a_restart_takes_over_from_one_that_was_started_by_hand(
    orch: Orch, installed: Unit, manager: FakeSystemd
) -> None:
    with holding(Layout(installed.home).lock) as by_hand:
        done = orch("daemon", "restart")

        assert by_hand.wait(20) != 0
    assert (done.code, done.out) == (exits.OK, "daemon 4242 has started\n")
    assert manager.asked[-1] == f"restart {installed.service}"


def test_the_daemon_of_systemd_is_not_taken_for_one_started_by_hand(installed: Unit, manager: FakeSystemd) -> None:
    with holding(Layout(installed.home).lock) as ours:
        manager.properties["MainPID"] = str(ours.pid)

        assert governing.take_over(Client(installed.home), installed) is None
        assert ours.poll() is None


def test_a_restart_that_nobody_answers_after_is_said(orch: Orch, installed: Unit, daemon: FakeDaemon) -> None:
    daemon.stop()

    done = orch("daemon", "restart")

    assert done.code == exits.UNREACHABLE
    assert f"{installed.service} is active and does not answer" in done.err


def test_stopping_stops_the_socket_too_and_says_when_it_comes_back(
    orch: Orch, installed: Unit, manager: FakeSystemd
) -> None:
    done = orch("daemon", "stop")

    assert done.out == "daemon 4242 has stopped; sessions go on\n"
    assert done.err == (
        f"orch: {installed.socket} is stopped too, so that no client starts it; "
        "it comes back at your next login, or with: orch daemon start\n"
    )
    assert manager.asked == [f"stop {installed.socket} {installed.service}"]


def test_stopping_stops_one_that_was_started_by_hand(orch: Orch, installed: Unit, manager: FakeSystemd) -> None:
    manager.properties["MainPID"] = "0"
    Path(installed.file(installed.socket)).unlink()

    with holding(Layout(installed.home).lock) as by_hand:
        done = orch("daemon", "stop")

        assert by_hand.wait(20) != 0
    assert done.out == f"daemon {by_hand.pid} has stopped; sessions go on\n"
    assert done.err == "orch: it comes back at your next login, or with: orch daemon start\n"


def test_status_tells_of_the_unit_and_where_the_log_is(orch: Orch, installed: Unit) -> None:
    out = orch("daemon", "status").out

    assert f"unit        {installed.service}, active (running), enabled\n" in out
    assert f"log         journalctl --user --unit={installed.service}\n" in out


def test_status_of_one_that_has_failed_says_how(
    orch: Orch, installed: Unit, manager: FakeSystemd, daemon: FakeDaemon
) -> None:
    daemon.stop()
    manager.properties |= {"ActiveState": "failed", "SubState": "failed", "Result": "watchdog", "UnitFileState": ""}

    done = orch("daemon", "status")

    assert done.code == exits.UNREACHABLE
    assert f"{installed.service}, failed (watchdog), not enabled" in done.err


def test_where_no_manager_answers_the_daemon_is_dealt_with_by_hand(
    orch: Orch, installed: Unit, manager: FakeSystemd
) -> None:
    manager.is_there = False

    assert "unit " not in orch("daemon", "status").out


def test_the_log_is_read_from_the_journal(orch: Orch, installed: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execvpe", lambda _, words, __: became.append(words))

    orch("daemon", "logs", "-n", "7", "-f")

    assert became == [["journalctl", "--user", f"--unit={installed.service}", "--lines=7", "--no-pager", "--follow"]]


def test_no_daemon_is_run_beside_the_socket_of_systemd(orch: Orch, installed: Unit) -> None:
    done = orch("daemon", "run")

    assert done.code == exits.REFUSED
    assert f"systemd holds the socket of {installed.home} ({installed.socket})" in done.err
    assert "try: orch daemon stop" in done.err


@pytest.mark.parametrize("verb", ["restart", "start"])
def test_how_it_runs_is_not_said_on_the_command_line(
    orch: Orch, installed: Unit, daemon: FakeDaemon, verb: str
) -> None:
    daemon.stop()

    done = orch("daemon", verb, "--interval", "1")

    assert done.code == exits.USAGE
    assert "try: orch config edit" in done.err


def test_a_verb_that_needs_a_daemon_has_systemd_start_it(
    orch: Orch, installed: Unit, manager: FakeSystemd, daemon: FakeDaemon
) -> None:
    daemon.stop()

    done = orch("daemon", "start")

    assert f"orch: starting {installed.service}\n" in done.err
    assert manager.asked[-1] == f"start {installed.socket} {installed.service}"
    assert done.code == exits.UNREACHABLE
