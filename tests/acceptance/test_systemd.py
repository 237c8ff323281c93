"""The daemon as a service of a real systemd, in a container that is booted once for all of these tests.

Each test has a home, and so units, of its own. Where no container can be booted they are skipped, and say why.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrd.client import calls, spawn_request
from orchestrd.model.words import Authority
from tests.acceptance.container import BUILD_S, UID, USER, Container, NotHere, booted
from tests.acceptance.worker import Worker, install_orchestrd, take_modules_away

pytestmark = pytest.mark.timeout(2 * BUILD_S)  # the first of them may have to build the image
OF_POSIX = (1 << 31) - 1  # signals; glibc has two of its own behind them
NOT_INHERITED = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "JOURNAL_STREAM")


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    try:
        with booted(tmp_path_factory.mktemp("container")) as running:
            install_orchestrd(running)
            running.must("loginctl", "enable-linger", USER)
            yield running
    except NotHere as error:
        pytest.skip(f"no container with a real systemd: {error}")


@pytest.fixture
def make_worker(container: Container) -> Iterator[Callable[[str], Worker]]:
    workers: list[Worker] = []

    def make(name: str) -> Worker:
        workers.append(Worker(container, name))
        return workers[-1]

    yield make
    for worker in workers:
        worker.clear()


@pytest.fixture
def worker(make_worker: Callable[[str], Worker], tmp_path: Path) -> Worker:
    """Give a home for which nothing is installed yet."""
    return make_worker(tmp_path.name)


@pytest.fixture
def installed(worker: Worker) -> Worker:
    """Give a home whose daemon systemd has started."""
    worker.must("daemon", "install")
    return worker


# ---- installing ------------------------------------------------------------------------------------------------------


def test_install_writes_enables_starts_and_says_how_each_stands(worker: Worker) -> None:
    done = worker.must("daemon", "install")

    folder = f"/home/{USER}/.config/systemd/user"
    assert done.out == (
        f"wrote    {folder}/{worker.socket}\n"
        f"wrote    {folder}/{worker.service}\n"
        f"enabled  {worker.socket} and {worker.service}: started when you log in\n"
        f"active   daemon {worker.pid()}, version 0.1.0; it answers\n"
        "linger   on: it starts at boot, and runs on after you have logged out\n"
    )
    assert [worker.property("UnitFileState", unit) for unit in (worker.service, worker.socket)] == ["enabled"] * 2
    assert worker.run("systemd-analyze", "--user", "verify", worker.service).err == ""


def test_installing_again_changes_nothing(installed: Worker) -> None:
    pid, files = installed.pid(), installed.files()

    again = installed.must("daemon", "install")

    assert again.out.startswith("found    ")
    assert (installed.pid(), installed.files()) == (pid, files)


def test_uninstall_takes_away_what_was_written_and_leaves_agents_running(worker: Worker) -> None:
    before = worker.files()
    worker.must("daemon", "install")
    agents = worker.spawn_both()
    worker.add("[Service]\nNice=1\n")

    done, again = worker.must("daemon", "uninstall"), worker.must("daemon", "uninstall")

    assert [file for file in worker.files() if file not in before] == [f"{worker.service}.d/more.conf"]
    assert f"left     /home/{USER}/.config/systemd/user/{worker.service}.d, which is yours\n" in done.out
    assert again.out == f"nothing is installed for {worker.home}\n"
    assert all(map(worker.lives, agents.values()))


def test_a_daemon_started_by_hand_is_handed_over_and_its_agents_run_on(worker: Worker) -> None:
    by_hand = worker.must("daemon", "start", "--json").json["daemon"]["pid"]
    agents = worker.spawn_both()

    done = worker.must("daemon", "install")

    assert f"stopped  daemon {by_hand}, started by hand; its sessions go on\n" in done.out
    assert worker.pid() not in ("0", str(by_hand))
    assert _running(worker) == agents.keys()
    assert all(map(worker.lives, agents.values()))


def test_install_names_the_command_without_which_a_logout_ends_everything(worker: Worker) -> None:
    manager = f"user@{UID}.service"
    worker.container.must("loginctl", "disable-linger", USER)
    worker.until(lambda: worker.container.run("systemctl", "is-active", manager).returncode != 0, "nobody is there")
    worker.container.must("systemctl", "start", manager)  # as a login does
    try:
        off = worker.must("daemon", "install").out
    finally:
        worker.container.must("loginctl", "enable-linger", USER)

    assert off.endswith(
        "linger   off: it ends, and every session with it, when you log out\n           try: loginctl enable-linger\n"
    )


def test_a_boot_starts_the_daemon_before_anyone_asks(installed: Worker) -> None:
    installed.container.reboot()

    installed.until(lambda: installed.property("ActiveState") == "active", "the daemon has been started")

    assert installed.must("daemon", "status", "--json").json["daemon"]["epoch"] == 2


def test_a_home_may_have_signs_that_mean_something_to_systemd(make_worker: Callable[[str], Worker]) -> None:
    worker = make_worker('a "b" %h $HOME')

    worker.must("daemon", "install")

    assert worker.must("daemon", "status", "--json").json["daemon"]["home"] == worker.home
    assert (worker.container.root / worker.home[1:] / "run" / "daemon.sock").is_socket()
    assert worker.property("ActiveState", worker.socket) == "active"


# ---- starting and stopping -------------------------------------------------------------------------------------------


def test_it_is_active_only_when_every_session_is_recovered(installed: Worker) -> None:
    session, _ = installed.spawn("process")
    installed.must("daemon", "restart")

    said = [entry["MESSAGE"] for entry in installed.journal()]

    recovered = max(index for index, line in enumerate(said) if "api_started" in line)
    active = max(index for index, line in enumerate(said) if line.startswith("Started "))
    assert recovered < active
    assert _running(installed) == {session}


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
    assert _running(installed) == {session}


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
    assert _running(installed) == agents.keys()
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


# ---- ends that nobody asked for --------------------------------------------------------------------------------------


def test_the_death_of_the_whole_service_reaches_no_agent(installed: Worker) -> None:
    installed.add("[Service]\nRestartSec=0\n")
    agents = installed.spawn_both()
    before = installed.pid()

    installed.systemctl("kill", "--kill-who=all", "--signal=KILL", installed.service)  # as the kernel's OOM killer does

    installed.until(lambda: installed.pid() not in ("0", before), "systemd has started it again")
    assert _running(installed) == agents.keys()
    assert all(map(installed.lives, agents.values()))


def test_one_that_systemd_has_given_up_is_started_by_whoever_needs_it(installed: Worker) -> None:
    installed.add("[Unit]\nStartLimitBurst=1\n[Service]\nRestartSec=0\n")

    def is_given_up() -> bool:
        installed.systemctl("kill", "--kill-who=main", "--signal=KILL", installed.service)
        return installed.property("ActiveState") == "failed"

    installed.until(is_given_up, "it is not started again")

    session, _ = installed.spawn("process")

    assert _running(installed) == {session}
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
    assert _running(installed) == {session}
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
        done = installed.orch("daemon", "restart")
        restarts = installed.property("NRestarts")

    assert done.code == 5
    assert "intervall_s" in done.err
    assert restarts == "0"


# ---- agents ----------------------------------------------------------------------------------------------------------


def test_an_agent_has_a_scope_of_its_own_with_the_limits_of_the_configuration(installed: Worker) -> None:
    with installed.configured('[limits]\nmemory_max = "256M"\ntasks_max = 64\ncpu_weight = 50\n'):
        installed.must("daemon", "restart")
        agents = installed.spawn_both()

    units = [_unit(installed, agent) for agent in agents.values()]

    wanted = [str(256 * 1024**2), "64", "50"]
    assert len({*units, _unit(installed, installed.pid())}) == 3
    for unit in units:
        assert unit.endswith(".scope")
        assert [installed.property(name, unit) for name in ("MemoryMax", "TasksMax", "CPUWeight")] == wanted


def test_an_agent_inherits_nothing_of_the_service(installed: Worker) -> None:
    agents = installed.spawn_both()

    plain = installed.run("systemd-run", "--user", "--wait", "--pipe", "--quiet", "cat", "/proc/self/limits").out
    manager = installed.container.must("systemctl", "show", "--value", "--property=MainPID", f"user@{UID}").strip()
    for agent in agents.values():
        process = installed.container.root / "proc" / agent
        names = {pair.partition("=")[0] for pair in (process / "environ").read_text().split("\0")}
        assert names.isdisjoint(NOT_INHERITED)
        assert names > {"HOME", "PATH"}
        assert (process / "limits").read_text() == plain
        assert int(_status(installed, agent)["SigIgn"], 16) & OF_POSIX == 0
        for name in ("NoNewPrivs", "Seccomp", "CapBnd", "Umask"):
            assert _status(installed, agent)[name] == _status(installed, manager)[name]


def test_the_journal_gives_the_lines_of_one_session(installed: Worker) -> None:
    session, _ = installed.spawn("process")
    other, _ = installed.spawn("process")

    installed.until(lambda: "running" in _states_told(installed, session), "all is said of its start")

    assert _states_told(installed, session) == ["pending", "scheduled", "starting", "running"]
    lines = installed.journal(f"ORCH_SESSION={session}")
    assert {(line["PRIORITY"], line["SYSLOG_IDENTIFIER"], line["ORCH_RUN"]) for line in lines} == {
        ("6", "orchestrd", f"{session}.1")
    }
    assert not [line for line in lines if other in line["MESSAGE"]]


def _states_told(worker: Worker, session: str) -> list[str]:
    """List the states that the journal tells of a session, in order."""
    return [line["ORCH_STATE"] for line in worker.journal(f"ORCH_SESSION={session}")]


def _running(worker: Worker) -> set[str]:
    """Give the sessions that are seen to live."""
    worker.until(
        lambda: all(told["liveness"] == "alive" for told in worker.must("status", "--json").json["sessions"]),
        "each session is seen again",
    )
    return {told["id"] for told in worker.must("status", "--json").json["sessions"] if told["state"] == "running"}


def _unit(worker: Worker, pid: str) -> str:
    """Name the unit of systemd that a process belongs to."""
    return Path((worker.container.root / "proc" / pid / "cgroup").read_text().strip()).name


def _status(worker: Worker, pid: str) -> dict[str, str]:
    """Read what the kernel says of a process."""
    lines = (worker.container.root / "proc" / pid / "status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


# ---- doctor ----------------------------------------------------------------------------------------------------------


def _of_service(worker: Worker) -> tuple[str, str]:
    findings = worker.orch("doctor", "--json").json["findings"]
    (found,) = [finding for finding in findings if finding["subject"] == "service"]
    return found["level"], found["next"]


def test_a_checkup_tells_how_the_service_stands(worker: Worker, container: Container) -> None:
    assert _of_service(worker) == ("ok", "")
    worker.must("daemon", "install")
    assert _of_service(worker) == ("ok", "")

    worker.systemctl("disable", worker.service)
    assert _of_service(worker) == ("warn", "orch daemon install")
    worker.must("daemon", "install")
    container.must("loginctl", "disable-linger", USER)
    try:
        assert _of_service(worker)[0] == "warn"  # the manager of the user has ended, or is about to
    finally:
        container.must("loginctl", "enable-linger", USER)
        worker.until(lambda: worker.systemctl("show").code == 0, "the manager of the user is there again")
