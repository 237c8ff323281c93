"""What an agent has of the service that started it: a scope of its own, and nothing else."""

from pathlib import Path

from tests.acceptance.systemd.container import UID
from tests.acceptance.systemd.worker import Worker

OF_POSIX = (1 << 31) - 1  # signals; glibc has two of its own behind them
NOT_INHERITED = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "JOURNAL_STREAM")


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


def _unit(worker: Worker, pid: str) -> str:
    """Name the unit of systemd that a process belongs to."""
    return Path((worker.container.root / "proc" / pid / "cgroup").read_text().strip()).name


def _status(worker: Worker, pid: str) -> dict[str, str]:
    """Read what the kernel says of a process."""
    lines = (worker.container.root / "proc" / pid / "status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)
