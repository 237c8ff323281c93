"""Who is ours, and what belongs together: decided from what a table of processes says."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from orchestrd.core.launch import ProcessIdentity
from orchestrd.runtimes.launched import table_of_this_system
from orchestrd.runtimes.portable import PortableProcessTable
from orchestrd.runtimes.processes import (
    Hold,
    LinuxProcessTable,
    Process,
    ProcessTable,
    belonging,
    holding,
    is_ours,
    take_hold,
)

MARK = "mine:1:n"
OTHER = "other:1:n"


def process(pid: int, parent: int = 1, *, mark: str | None = None, session: int = 1, ticks: int = 5) -> Process:
    return Process(pid=pid, parent=parent, group=session, session=session, started_ticks=ticks, mark=mark)


def found(
    *processes: Process, roots: frozenset[int] = frozenset(), sessions: frozenset[int] = frozenset()
) -> list[int]:
    table = {one.pid: one for one in processes}
    return [one.pid for one in belonging(table, MARK, roots, sessions, own_pid=99)]


def test_marked_processes_belong_wherever_they_hang() -> None:
    assert found(process(10, mark=MARK), process(11), process(12, mark=MARK, session=12)) == [10, 12]


def test_descendants_belong_though_they_have_cleared_their_environment() -> None:
    assert found(process(10, mark=MARK), process(9, 10, session=9), process(8, 9, session=8), process(7)) == [8, 9, 10]


def test_the_session_and_the_group_of_the_agent_belong() -> None:
    members = (process(20, session=20), process(21, session=20), process(22, session=3))

    assert found(*members, sessions=frozenset({20})) == [20, 21]


def test_a_recorded_process_belongs_though_it_bears_no_mark() -> None:
    assert found(process(30), process(31, 30), roots=frozenset({30})) == [30, 31]


def test_this_process_and_what_descends_from_it_never_belong() -> None:
    ours = process(99, 10, mark=MARK, session=20)

    assert found(process(10, mark=MARK), ours, process(100, 99), sessions=frozenset({20})) == [10]


def test_another_run_started_from_inside_never_belongs_nor_what_descends_from_it() -> None:
    nested = (process(40, 10, mark=OTHER, session=20), process(41, 40), process(42, 41, session=42))

    assert found(process(10, mark=MARK), *nested, sessions=frozenset({20})) == [10]


IDENTITY = ProcessIdentity(pid=10, started_ticks=5)
UNTIMED = ProcessIdentity(pid=10, started_ticks=0)


@pytest.mark.parametrize(
    ("look", "identity"),
    [
        (process(10, mark=MARK), IDENTITY),
        (process(10, session=10), IDENTITY),  # it has overwritten its environment and still leads its session
        (process(10, mark=MARK), UNTIMED),
    ],
)
def test_a_recorded_process_is_known_again(look: Process, identity: ProcessIdentity) -> None:
    assert is_ours(look, identity, MARK)


@pytest.mark.parametrize(
    ("look", "identity"),
    [
        (None, IDENTITY),
        (process(10, mark=MARK, ticks=6), IDENTITY),  # a later process of the same run has its pid
        (process(10, mark=OTHER, session=10), IDENTITY),
        (process(10, session=10, ticks=6), IDENTITY),
        (process(10, session=3), IDENTITY),  # a stranger started in the same hundredth of a second
        (process(10, session=10, ticks=0), UNTIMED),
    ],
)
def test_no_other_process_is_taken_for_a_recorded_one(look: Process | None, identity: ProcessIdentity) -> None:
    assert not is_ours(look, identity, MARK)


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    child = subprocess.Popen(
        ["sleep", "300"], env={"ORCH_RUN": MARK, "PATH": os.environ["PATH"]}, start_new_session=True
    )
    yield child
    child.kill()
    child.wait()


@pytest.mark.parametrize("table", [LinuxProcessTable(), PortableProcessTable()], ids=["linux", "portable"])
def test_both_tables_see_a_process_and_not_a_zombie(table: ProcessTable, child: "subprocess.Popen[bytes]") -> None:
    alive, ticks = table.look(child.pid), table.started_ticks(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert alive is not None
    assert (alive.parent, alive.group, alive.session) == (os.getpid(), child.pid, child.pid)
    assert alive.mark == MARK
    assert alive.started_ticks == ticks
    assert child.pid in table.pids()
    assert table.look(child.pid) is None
    assert table.started_ticks(child.pid) is None


@pytest.mark.parametrize("table", [LinuxProcessTable(), PortableProcessTable()], ids=["linux", "portable"])
def test_what_is_not_there_is_not_seen(table: ProcessTable) -> None:
    assert table.look(2**22 + 1) is None


def test_a_kernel_thread_has_no_mark() -> None:
    seen = [PortableProcessTable().look(pid) for pid in (1, os.getppid())]

    assert all(one is None or one.mark != MARK for one in seen)


def test_without_proc_psutil_lists_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    here = table_of_this_system()
    elsewhere = os.uname_result(("Darwin", "host", "25", "v", "arm64"))
    monkeypatch.setattr(os, "uname", lambda: elsewhere)

    assert isinstance(here, LinuxProcessTable)
    assert isinstance(table_of_this_system(), PortableProcessTable)


def test_a_hold_ends_with_its_process_and_signals_nobody_after(child: "subprocess.Popen[bytes]") -> None:
    hold = take_hold(child.pid)
    assert hold is not None

    hold.send(signal.SIGTERM)
    child.wait()
    hold.send(signal.SIGTERM)

    assert hold.has_ended()
    assert take_hold(child.pid) is None
    hold.close()


def test_where_pidfds_are_refused_a_hold_is_a_pid(
    monkeypatch: pytest.MonkeyPatch, child: "subprocess.Popen[bytes]"
) -> None:
    def refuse(pid: int) -> int:
        raise PermissionError(1, "seccomp")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    hold = take_hold(child.pid)
    assert hold is not None

    hold.send(signal.SIGTERM)

    assert child.wait() == -signal.SIGTERM
    assert (hold.pidfd, hold.has_ended()) == (None, False)


def test_where_there_are_no_pidfds_a_hold_is_a_pid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")

    hold = take_hold(os.getpid())

    assert hold is not None
    assert hold.pidfd is None


def test_holding_a_recorded_process_gives_nothing_when_its_pid_is_somebody_elses(
    child: "subprocess.Popen[bytes]",
) -> None:
    table = LinuxProcessTable()
    seen = table.look(child.pid)
    assert seen is not None
    true = ProcessIdentity(pid=child.pid, started_ticks=seen.started_ticks)

    with holding(table, true, MARK) as ours, holding(table, true, "another:1:n") as theirs:
        answers = (ours is not None, theirs is None)

    assert answers == (True, True)


def test_a_process_that_ends_while_it_is_looked_at_is_not_held() -> None:
    child = subprocess.Popen([sys.executable, "-ISc", ""], env={"ORCH_RUN": MARK})
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    class Stale(LinuxProcessTable):
        def look(self, pid: int) -> Process | None:
            return process(pid, mark=MARK)  # as it was a moment ago

    with holding(Stale(), ProcessIdentity(pid=child.pid, started_ticks=5), MARK) as hold:
        assert hold is None
    child.wait()


def test_releasing_a_hold_hands_its_pidfd_over() -> None:
    hold = take_hold(os.getpid())
    assert isinstance(hold, Hold)

    pidfd = hold.release()
    hold.close()

    assert pidfd is not None
    os.close(pidfd)  # still open: nobody else has closed it
