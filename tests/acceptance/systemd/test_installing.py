"""`orch daemon install` and `uninstall` before a real systemd, and what a checkup says of the service."""

from collections.abc import Callable

from tests.acceptance.systemd.container import UID, USER, Container
from tests.acceptance.systemd.worker import Worker


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
    assert worker.running() == agents.keys()
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


def test_the_default_home_has_the_plain_name(make_worker: Callable[[str], Worker]) -> None:
    worker = make_worker(".local/state/orchestrd")

    worker.must("daemon", "install")
    done = worker.run("env", "-u", "ORCH_HOME", "orch", "status")

    assert worker.service == "orchestrd.service"
    assert f"daemon {worker.pid()}, " in done.out


def test_a_home_may_have_signs_that_mean_something_to_systemd(make_worker: Callable[[str], Worker]) -> None:
    worker = make_worker('a "b" %h $HOME')

    worker.must("daemon", "install")

    assert worker.must("daemon", "status", "--json").json["daemon"]["home"] == worker.home
    assert (worker.container.root / worker.home[1:] / "run" / "daemon.sock").is_socket()
    assert worker.property("ActiveState", worker.socket) == "active"


def _of_service(worker: Worker) -> list[tuple[str, str]]:
    findings = worker.orch("doctor", "--json").json["findings"]
    return [(found["level"], found["next"]) for found in findings if found["subject"] == "service"]


def test_a_checkup_tells_how_the_service_stands(worker: Worker, container: Container) -> None:
    assert _of_service(worker) == [("ok", "")]
    worker.must("daemon", "install")
    assert _of_service(worker) == [("ok", "")]

    worker.systemctl("disable", worker.service)
    assert _of_service(worker) == [("warn", "orch daemon install")]
    worker.must("daemon", "install")
    container.must("loginctl", "disable-linger", USER)
    try:
        assert "warn" in dict(_of_service(worker))  # the manager of the user has ended, or is about to
    finally:
        container.must("loginctl", "enable-linger", USER)
        worker.until(lambda: worker.systemctl("show").code == 0, "the manager of the user is there again")
