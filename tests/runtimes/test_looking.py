"""From the records of a run directory and a table of processes to observations."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from orchestrd.core.launch import ClaimRecord, ExitRecord, ProcessIdentity, StartRecord
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Cause, Exited, Observation, Sighted, Started, Vanished
from orchestrd.model.run import Run
from orchestrd.model.words import Liveness
from orchestrd.runtimes.handle import Handle, decode_handle, encode_handle
from orchestrd.runtimes.looking import Looker, trail_of
from orchestrd.runtimes.processes import Process
from orchestrd.runtimes.rundir import RunDirectory
from orchestrd.runtimes.watchlist import Watchlist

MARK = "lookingg:1:n"
BOOT = "this-boot"
HERE = os.getpid()  # a pid that exists; what it is taken for is for the table to say
GONE = 2**22 + 1
HANDLE = Handle(boot=BOOT, launcher=ProcessIdentity(pid=HERE, started_ticks=5))
RUN = Run(session=SessionId("lookingg"), generation=1, mark=MARK, handle=encode_handle(HANDLE))
START = StartRecord(
    boot=BOOT,
    launcher=ProcessIdentity(pid=GONE, started_ticks=4),
    agent=ProcessIdentity(pid=HERE, started_ticks=5),
    at=1_800_000_000.0,
)
END = ExitRecord(exit_code=3, exit_signal=None, at=1_800_000_001.0)


class FakeTable:
    """Says of every pid what it was told to say."""

    def __init__(self) -> None:
        self.mark: str | None = MARK
        self.ticks = 5
        self.agent_ticks: int | None = 5

    def pids(self) -> list[int]:
        return [HERE]

    def started_ticks(self, pid: int) -> int | None:
        return self.agent_ticks

    def look(self, pid: int) -> Process | None:
        return Process(pid=pid, parent=1, group=1, session=1, started_ticks=self.ticks, mark=self.mark)


class Scene:
    """A run directory, a table and a looker."""

    def __init__(self, place: Path) -> None:
        self.directory = RunDirectory(str(place))
        self.table = FakeTable()
        self.watchlist = Watchlist()
        self.looker = Looker(self.table, self.watchlist)

    def put(self, name: str, record: msgspec.Struct) -> None:
        (Path(self.directory.path) / name).write_bytes(msgspec.json.encode(record))

    def look(self, run: Run = RUN) -> tuple[Observation, ...]:
        self.looker.begin_pass()
        return self.looker.look(run, self.directory, BOOT).observations


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.looker.close()
    scene.watchlist.close()


def alive(excerpt: str = "") -> Sighted:
    return Sighted(generation=1, observer="process", verdict=Liveness.ALIVE, excerpt=excerpt)


def unknown(excerpt: str) -> Sighted:
    return Sighted(generation=1, observer="process", verdict=Liveness.UNKNOWN, excerpt=excerpt)


def vanished(cause: Cause) -> Vanished:
    return Vanished(generation=1, observer="process", cause=cause)


def test_before_any_launch_nothing_is_known(scene: Scene) -> None:
    (found,) = scene.look(replace(RUN, handle=None))

    assert isinstance(found, Sighted)
    assert found.verdict is Liveness.UNKNOWN


def test_a_launcher_that_has_claimed_nothing_yet_lives(scene: Scene) -> None:
    assert scene.look() == (alive(),)


def test_a_launcher_that_died_before_it_claimed_the_run_is_gone(scene: Scene) -> None:
    scene.table.mark = "somebody:1:else"

    assert scene.look() == (vanished(Cause.PROCESS_GONE),)


def test_a_launcher_of_another_boot_is_not_looked_for(scene: Scene) -> None:
    handle = encode_handle(replace(HANDLE, boot="another"))

    assert scene.look(replace(RUN, handle=handle)) == (vanished(Cause.OTHER_BOOT),)


def test_a_claimed_run_lives_while_its_launcher_does(scene: Scene) -> None:
    scene.put("claim", ClaimRecord(boot=BOOT, pid=HERE, by="launcher"))

    assert scene.look(replace(RUN, handle=None)) == (alive(),)


def test_a_claimed_run_without_a_launcher_is_gone(scene: Scene) -> None:
    scene.put("claim", ClaimRecord(boot=BOOT, pid=GONE, by="launcher"))

    assert scene.look() == (vanished(Cause.PROCESS_GONE),)


def test_a_run_whose_claim_a_kill_has_taken_is_gone_whatever_its_own_launcher_does(scene: Scene) -> None:
    scene.put("claim", ClaimRecord(boot=BOOT, pid=HERE, by="kill"))

    assert scene.look() == (vanished(Cause.PROCESS_GONE),)


def test_a_claim_of_another_boot_is_over(scene: Scene) -> None:
    scene.put("claim", ClaimRecord(boot="another", pid=HERE, by="launcher"))

    assert scene.look() == (vanished(Cause.OTHER_BOOT),)


def test_a_claim_that_is_not_written_yet_says_nothing(scene: Scene) -> None:
    (Path(scene.directory.path) / "claim").write_bytes(b"")

    (found,) = scene.look()

    assert isinstance(found, Sighted)
    assert found.verdict is Liveness.UNKNOWN


def test_an_agent_without_its_launcher_is_alive_and_that_is_said(scene: Scene) -> None:
    scene.put("start.json", START)

    first, second = scene.look()

    assert isinstance(first, Started)
    assert first.pid == HERE
    assert second == alive("its launcher is gone, the agent lives")


def test_a_pid_that_belongs_to_somebody_else_by_now_is_not_taken_for_the_agent(scene: Scene) -> None:
    scene.put("start.json", START)
    scene.table.ticks = 6

    assert scene.look(replace(RUN, is_started=True)) == (vanished(Cause.PROCESS_GONE),)


def test_a_run_of_another_boot_is_over_though_its_pids_are_in_use(scene: Scene) -> None:
    scene.put("start.json", replace(START, boot="another"))

    assert scene.look(replace(RUN, is_started=True)) == (vanished(Cause.OTHER_BOOT),)


def test_an_exit_record_counts_whatever_its_boot(scene: Scene) -> None:
    scene.put("start.json", replace(START, boot="another"))
    scene.put("exit.json", END)

    first, second = scene.look()

    assert isinstance(first, Started)
    assert isinstance(second, Exited)
    assert (second.exit_code, second.exit_signal, second.at.timestamp()) == (3, None, END.at)


def test_a_terminal_that_was_closed_is_told_with_the_end(scene: Scene) -> None:
    scene.put("exit.json", replace(END, hung_up=True))

    (found,) = scene.look()

    assert isinstance(found, Exited)
    assert (found.hung_up, found.setup_failed) == (True, False)


def test_what_outlived_the_sweep_of_the_launcher_is_told_with_the_end(scene: Scene) -> None:
    scene.put("exit.json", replace(END, left=(START.launcher, START.agent)))

    (found,) = scene.look()

    assert isinstance(found, Exited)
    assert found.error == f"outlived the end of the agent: pid {GONE}, {HERE}"


def test_what_the_launcher_has_ended_is_counted_with_the_end(scene: Scene) -> None:
    scene.put("exit.json", replace(END, ended=2))

    (found,) = scene.look()

    assert isinstance(found, Exited)
    assert (found.ended, found.error) == (2, None)


def test_what_is_held_is_not_looked_for_again(scene: Scene) -> None:
    scene.put("start.json", START)
    scene.look()
    scene.watchlist.ended()
    scene.table.mark = "somebody:1:else"

    assert scene.look(replace(RUN, is_started=True)) == (alive(),)


@pytest.fixture
def agent() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


def test_an_agent_that_is_held_is_not_looked_for_again_until_it_ends(
    scene: Scene, agent: subprocess.Popen[bytes]
) -> None:
    launcher, held = (ProcessIdentity(pid=pid, started_ticks=5) for pid in (HERE, agent.pid))
    scene.put("start.json", replace(START, launcher=launcher, agent=held))
    run = replace(RUN, is_started=True)
    scene.look()
    scene.watchlist.ended()

    scene.table.agent_ticks = None  # nobody asks
    while_it_lives = scene.look(run)
    agent.kill()
    os.waitid(os.P_PID, agent.pid, os.WEXITED | os.WNOWAIT)
    afterwards = scene.look(run)

    assert while_it_lives == (alive(),)
    assert afterwards == (unknown("the agent has ended; its launcher has not recorded it yet"),)


def test_an_agent_is_looked_for_at_each_look_where_descriptors_are_few(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene.looker, "_agents_max", 0)
    scene.put("start.json", replace(START, launcher=ProcessIdentity(pid=HERE, started_ticks=5)))
    before = scene.look()[-1]
    scene.watchlist.ended()

    scene.table.agent_ticks = 6
    after = scene.look(replace(RUN, is_started=True))

    assert before == alive()
    assert after == (unknown("the agent has ended; its launcher has not recorded it yet"),)


@pytest.mark.parametrize("ticks", [None, 6])
def test_a_launcher_that_outlives_its_agent_without_a_record_is_not_called_alive(
    scene: Scene, ticks: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    scene.put("start.json", replace(START, launcher=ProcessIdentity(pid=HERE, started_ticks=5)))
    before = scene.look()[-1]

    scene.table.agent_ticks = ticks  # its pid is nobody's, or somebody else's by now
    unrecorded = scene.look(replace(RUN, is_started=True))
    scene.put("exit.json", END)
    recorded = scene.look(replace(RUN, is_started=True))

    assert before == alive()
    assert unrecorded == (unknown("the agent has ended; its launcher has not recorded it yet"),)
    assert isinstance(recorded[0], Exited)


def test_an_agent_that_was_recorded_while_its_launcher_died_is_found(scene: Scene) -> None:
    scene.put("claim", ClaimRecord(boot=BOOT, pid=GONE, by="launcher"))
    reads = iter([None, START])
    scene.directory.start = lambda: next(reads, START)  # type: ignore[method-assign]

    first, second = scene.look()

    assert isinstance(first, Started)
    assert second == alive("its launcher is gone, the agent lives")


def test_what_cannot_be_looked_at_is_unknown_with_the_reason(scene: Scene) -> None:
    (Path(scene.directory.path) / "exit.json").symlink_to("/dev/null")

    (found,) = scene.look()

    assert isinstance(found, Sighted)
    assert found.verdict is Liveness.UNKNOWN
    assert "exit.json" in found.excerpt


def test_hooks_that_cannot_be_read_hide_nothing_else(scene: Scene) -> None:
    def fail(offset: int) -> tuple[tuple[bytes, ...], int]:
        raise PermissionError(13, "Permission denied")

    scene.directory.hook_lines = fail  # type: ignore[method-assign]

    look = scene.looker.look(replace(RUN, hooks_offset=7), scene.directory, BOOT)

    assert look.observations == (alive(),)
    assert (look.hook_lines, look.hooks_offset) == ((), 7)


def test_where_pidfds_are_refused_each_look_looks_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    scene.put("start.json", START)
    run = replace(RUN, is_started=True)

    before = scene.look(run)
    scene.table.ticks = 6
    after = scene.look(run)

    assert before == (alive("its launcher is gone, the agent lives"),)
    assert after == (vanished(Cause.PROCESS_GONE),)


def test_forgetting_a_run_reads_its_records_anew(scene: Scene) -> None:
    scene.put("start.json", START)
    scene.look()

    scene.looker.forget(RUN)
    (Path(scene.directory.path) / "start.json").unlink()

    assert scene.looker.start_of(RUN, scene.directory) is None


def test_the_latest_record_leads() -> None:
    claim = ClaimRecord(boot=BOOT, pid=3, by="launcher")

    trails = [
        trail_of(HANDLE, START, claim, is_claimed=True),
        trail_of(HANDLE, None, claim, is_claimed=True),
        trail_of(HANDLE, None, None, is_claimed=False),
        trail_of(None, None, None, is_claimed=False),
    ]

    assert [[word for word, _ in trail.processes] for trail in trails] == [
        ["launcher", "agent"],
        ["launcher"],
        ["launcher"],
        [],
    ]
    assert [trail.is_known for trail in trails] == [True, True, True, False]


def test_a_handle_comes_back_as_it_was_and_a_foreign_one_is_none() -> None:
    assert decode_handle(encode_handle(HANDLE)) == HANDLE
    assert decode_handle(None) is None
    assert decode_handle("%3") is None
