"""Ends of a service that nobody asked for: what systemd does about them, and that no agent is reached."""

from tests.acceptance.systemd.worker import Worker


def test_the_death_of_the_whole_service_reaches_no_agent(installed: Worker) -> None:
    installed.add("[Service]\nRestartSec=0\n")
    agents = installed.spawn_both()
    before = installed.pid()

    installed.systemctl("kill", "--kill-who=all", "--signal=KILL", installed.service)  # as the kernel's OOM killer does

    installed.until(lambda: installed.pid() not in ("0", before), "systemd has started it again")
    assert installed.running() == agents.keys()
    assert all(map(installed.lives, agents.values()))


def test_one_that_systemd_has_given_up_is_started_by_whoever_needs_it(installed: Worker) -> None:
    installed.add("[Unit]\nStartLimitBurst=1\n[Service]\nRestartSec=0\n")

    def is_given_up() -> bool:
        installed.systemctl("kill", "--kill-who=main", "--signal=KILL", installed.service)
        return installed.property("ActiveState") == "failed"

    installed.until(is_given_up, "it is not started again")

    session, _ = installed.spawn("process")

    assert installed.running() == {session}
    assert installed.property("ActiveState") == "active"


def test_a_wedged_daemon_is_ended_by_the_watchdog_and_says_where_it_was(installed: Worker) -> None:
    installed.add("[Service]\nWatchdogSec=1s\nRestartSec=0\n")
    installed.must("daemon", "restart")
    session, agent = installed.spawn("tmux")
    before = installed.pid()

    installed.signal(before, "STOP")

    installed.until(lambda: installed.pid() not in ("0", before), "systemd has started it again")
    assert installed.property("NRestarts") == "1"
    assert installed.lives(agent)
    assert installed.running() == {session}
    assert any("Fatal Python error: Aborted" in entry["MESSAGE"] for entry in installed.journal())


def test_a_daemon_that_works_is_left_alone_by_the_watchdog(installed: Worker) -> None:
    installed.add("[Service]\nWatchdogSec=500ms\n")
    installed.must("daemon", "restart")
    pid, fed = installed.pid(), set[str]()

    def has_been_fed() -> bool:
        fed.add(installed.property("WatchdogTimestampMonotonic"))
        return len(fed) > 5

    installed.until(has_been_fed, "the watchdog has been fed again and again")

    assert (installed.pid(), installed.property("NRestarts")) == (pid, "0")


def test_a_configuration_that_makes_no_sense_is_no_reason_to_try_again(installed: Worker) -> None:
    with installed.configured("[daemon]\nintervall_s = 1\n"):
        done = installed.systemctl("restart", installed.service)

    assert done.code != 0
    assert [installed.property(name) for name in ("ActiveState", "ExecMainStatus", "NRestarts")] == ["failed", "2", "0"]
    assert any("did you mean 'interval_s'?" in line["MESSAGE"] for line in installed.journal())
