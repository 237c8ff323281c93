"""Finding and killing what belongs to a run, from a table that says what there is."""

import os
import signal
import subprocess

import pytest
from msgspec.structs import replace

from orchestrd.core.launch import ProcessIdentity
from orchestrd.runtimes.looking import Trail
from orchestrd.runtimes.processes import Process, take_hold
from orchestrd.runtimes.sweeping import Quarry, Sweeper, is_same, quarry_of

MARK = "sweeping:1:n"
AGENT = ProcessIdentity(pid=10, started_ticks=5)
LAUNCHER = ProcessIdentity(pid=9, started_ticks=4)
LEFT = ProcessIdentity(pid=12, started_ticks=8)
QUARRY = Quarry(mark=MARK, launcher=LAUNCHER, agent=AGENT)


def process(pid: int, *, mark: str | None = None, session: int = 1, ticks: int = 5, parent: int = 1) -> Process:
    return Process(pid=pid, parent=parent, group=session, session=session, started_ticks=ticks, mark=mark)


class FakeTable:
    def __init__(self, *processes: Process) -> None:
        self.processes = {one.pid: one for one in processes}

    def pids(self) -> list[int]:
        return list(self.processes)

    def started_ticks(self, pid: int) -> int | None:
        return self.processes[pid].started_ticks if pid in self.processes else None

    def look(self, pid: int) -> Process | None:
        return self.processes.get(pid)


def pids(processes: list[Process]) -> list[int]:
    return [one.pid for one in processes]


def test_the_session_of_the_agent_is_swept_with_those_who_have_cleared_their_environment() -> None:
    table = FakeTable(process(10, mark=MARK, session=10), process(11, session=10))

    assert pids(Sweeper(table).find(QUARRY)) == [10, 11]


def test_the_session_stays_swept_when_the_agent_has_died_of_an_earlier_look() -> None:
    table = FakeTable(process(10, mark=MARK, session=10), process(11, session=10))
    sweeper = Sweeper(table)
    sweeper.find(QUARRY)

    del table.processes[10]

    assert pids(sweeper.find(QUARRY)) == [11]


def test_a_session_of_strangers_under_the_number_of_the_agent_is_never_swept() -> None:
    table = FakeTable(process(10, session=10, ticks=900), process(11, session=10))

    assert pids(Sweeper(table).find(QUARRY)) == []


def test_records_of_another_boot_name_nothing() -> None:
    trail = Trail(boot="before", processes=(("launcher", LAUNCHER), ("agent", AGENT)))

    assert quarry_of(MARK, trail, "now", (LEFT,)) == Quarry(mark=MARK)
    assert quarry_of(MARK, trail, "before", (LEFT,)) == replace(QUARRY, left=(LEFT,))


def test_what_the_launcher_could_not_end_is_found_by_its_record_though_it_shows_no_mark() -> None:
    table = FakeTable(process(12, ticks=8, session=12), process(13, ticks=9, session=13, parent=12))

    assert pids(Sweeper(table).find(replace(QUARRY, left=(LEFT,)))) == [12, 13]


@pytest.mark.parametrize("stranger", [process(12, ticks=9), process(12, ticks=8, mark="another:1:n")])
def test_who_has_the_number_of_what_was_left_by_now_is_not_taken_for_it(stranger: Process) -> None:
    assert Sweeper(FakeTable(stranger)).find(replace(QUARRY, left=(LEFT,))) == []


def test_without_a_start_time_nothing_is_taken_for_what_was_left() -> None:
    nameless = ProcessIdentity(pid=12, started_ticks=0)

    assert Sweeper(FakeTable(process(12, ticks=0))).find(replace(QUARRY, left=(nameless,))) == []


@pytest.fixture
def victims() -> "list[subprocess.Popen[bytes]]":
    return [subprocess.Popen(["sleep", "300"]) for _ in range(2)]


def test_the_launcher_goes_last_and_is_spared_as_long_as_it_is_asked_for(
    victims: "list[subprocess.Popen[bytes]]",
) -> None:
    launcher, agent = victims
    table = FakeTable(process(launcher.pid, mark=MARK), process(agent.pid, mark=MARK))
    sweeper = Sweeper(table)
    quarry = Quarry(mark=MARK, launcher=ProcessIdentity(pid=launcher.pid, started_ticks=5))

    first, _ = sweeper.kill_once(quarry, spare_launcher=False)
    agent_code = agent.wait()
    is_spared = [launcher.poll() is None]
    del table.processes[agent.pid]
    sweeper.kill_once(quarry, spare_launcher=True)
    is_spared.append(launcher.poll() is None)
    sweeper.kill_once(quarry, spare_launcher=False)

    assert sorted(pids(first)) == sorted([launcher.pid, agent.pid])
    assert (agent_code, is_spared, launcher.wait()) == (-signal.SIGKILL, [True, True], -signal.SIGKILL)


def test_a_pid_that_has_changed_hands_since_the_look_is_not_signalled(victims: "list[subprocess.Popen[bytes]]") -> None:
    stranger, other = victims
    table = FakeTable(process(stranger.pid, ticks=77))

    refused = Sweeper(table).signal_all([process(stranger.pid, mark=MARK)], signal.SIGKILL)

    assert refused is None
    assert stranger.poll() is None
    for victim in (stranger, other):
        victim.kill()
        victim.wait()


def test_what_is_over_needs_no_signal() -> None:
    assert Sweeper(FakeTable()).signal_all([process(2**22 + 1, mark=MARK)], signal.SIGKILL) is None


def test_what_may_not_be_signalled_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = process(os.getpid(), mark=MARK)

    def refuse(pidfd: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(signal, "pidfd_send_signal", refuse)

    refused = Sweeper(FakeTable(found)).signal_all([found], signal.SIGKILL)

    assert refused == f"pid {os.getpid()}: Operation not permitted"


def test_the_same_process_may_have_moved_to_another_parent_and_group() -> None:
    before = process(10, mark=MARK, session=3)

    assert is_same(before, process(10, mark=MARK, session=10, parent=9))
    assert not is_same(before, process(10, mark=None))
    assert not is_same(before, process(10, mark=MARK, ticks=6))
    assert not is_same(before, None)


def test_a_hold_needs_a_pid_that_can_be() -> None:
    assert take_hold(2**22 + 1) is None
