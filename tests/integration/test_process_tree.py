"""What only real processes can show: detached children, killed launchers, reused pids, and nothing that leaks."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrd.model.ids import SessionId
from orchestrd.model.limits import MESSAGE_BYTES_MAX, STDIN_PIPE_BYTES
from orchestrd.model.observation import Cause, Observation, Sighted, Started, Vanished
from orchestrd.model.run import Order, Run
from orchestrd.model.words import Liveness, Receipt
from orchestrd.runtimes.process import ProcessRuntime
from orchestrd.testing.contracts.runtime import READS, SLEEPS, end_of, look, look_until, started, verdict_of
from tests.integration.process_stage import ProcessStage
from tests.processes import all_pids, bearers, children, is_alive, read

# A grandchild in a session of its own, its environment cleared, its parent gone: only descent still tells whose it is.
ESCAPES = """
import os, sys, time
path = sys.argv[1]
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve("/bin/sh", ["sh", "-c", "trap '' TERM; echo $$ >" + path + "; while :; do sleep 0.1; done"], {})
    os._exit(0)
os.wait()
signal = __import__("signal")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    time.sleep(300)
"""

LINE_BYTES_MAX = STDIN_PIPE_BYTES // 4


@pytest.fixture
def home(tmp_path: Path) -> ProcessStage:
    return ProcessStage(tmp_path)


@pytest.fixture
async def stage(home: ProcessStage) -> AsyncIterator[ProcessStage]:
    stage = home
    yield stage
    await stage.clear()


async def run_of(stage: ProcessStage, order: Order) -> Run:
    """Launch this order, and wait until its agent has started."""
    run = replace(order.run, handle=await stage.runtime.launch(order))
    await look_until(stage, run, Started)
    return replace(run, is_started=True)


def pids_of(stage: ProcessStage, run: Run) -> tuple[int, int]:
    """Give the pids of launcher and agent."""
    record = stage.record_of(run)
    return record.launcher.pid, record.agent.pid


async def escaped(stage: ProcessStage, directory: Path) -> tuple[Run, int]:
    """Run an agent with a child that has detached itself in every way."""
    path = directory / "escaped"
    run = await run_of(stage, stage.order_of(sys.executable, "-ISc", ESCAPES, str(path)))
    await stage.until(lambda: path.exists() and path.read_text().endswith("\n"))
    return run, int(path.read_text())


async def test_kill_ends_what_has_detached_itself_in_every_way(stage: ProcessStage, tmp_path: Path) -> None:
    run, pid = await escaped(stage, tmp_path)

    sweep = await stage.runtime.kill(run)

    assert sweep.survivors == ()
    assert sweep.exit is not None
    assert sweep.exit.exit_signal == "SIGKILL"
    assert not is_alive(pid)


async def test_a_run_whose_launcher_was_killed_is_alive_and_is_said_to_have_lost_it(stage: ProcessStage) -> None:
    run = await started(stage, SLEEPS)
    launcher_pid, agent_pid = pids_of(stage, run)

    os.kill(launcher_pid, signal.SIGKILL)
    await stage.until(lambda: not is_alive(launcher_pid))
    found = await look(stage, run)

    assert is_alive(agent_pid)
    assert verdict_of(found) is Liveness.ALIVE
    assert excerpt_of(found.observations) == "its launcher is gone, the agent lives"


async def test_a_run_without_a_launcher_can_be_asked_to_end_and_then_nobody_knows_how_it_did(
    stage: ProcessStage,
) -> None:
    nudged: list[SessionId] = []
    stage.runtime.on_change(nudged.append)
    run = await started(stage, SLEEPS)
    launcher_pid, agent_pid = pids_of(stage, run)
    os.kill(launcher_pid, signal.SIGKILL)
    await stage.until(lambda: not is_alive(launcher_pid))
    await look(stage, run)
    nudged.clear()

    never_ran = await stage.runtime.terminate(run)
    await stage.until(lambda: run.session in nudged)
    found = await look(stage, run)

    assert not never_ran
    assert not is_alive(agent_pid)
    assert found.observations == (Vanished(generation=1, observer="process", cause=Cause.PROCESS_GONE),)


async def test_kill_ends_a_run_whose_launcher_was_killed_with_everything_that_bears_its_mark(
    stage: ProcessStage,
) -> None:
    run = await run_of(stage, stage.order_of("sh", "-c", "setsid sleep 300 & setsid sleep 300 & exec sleep 300"))
    launcher_pid, agent_pid = pids_of(stage, run)
    os.kill(launcher_pid, signal.SIGKILL)

    sweep = await stage.runtime.kill(run)

    assert (sweep.survivors, sweep.exit, sweep.error) == ((), None, None)
    assert bearers(run.mark) == []
    assert not is_alive(agent_pid)


async def test_a_run_whose_launcher_died_before_the_agent_was_there_has_nobody_to_ask(stage: ProcessStage) -> None:
    order = stage.order(SLEEPS)
    Path(stage.directory(order.run)).mkdir()
    Path(stage.directory(order.run), "claim").write_text(
        f'{{"boot":"{stage.clock.now().boot}","pid":4194305,"by":"launcher"}}'
    )

    never_ran = await stage.runtime.terminate(order.run)

    assert not never_ran


async def test_a_launcher_that_has_not_written_its_claim_yet_is_asked_by_its_mark(stage: ProcessStage) -> None:
    order = stage.order(SLEEPS)
    Path(stage.directory(order.run)).mkdir()
    Path(stage.directory(order.run), "claim").touch()
    beginning = subprocess.Popen(["sleep", "300"], env={"ORCH_RUN": order.run.mark, "PATH": os.defpath})

    never_ran = await stage.runtime.terminate(order.run)

    assert (never_ran, beginning.wait()) == (False, -signal.SIGTERM)


async def test_kill_ends_what_was_left_behind_when_launcher_and_agent_are_both_gone(stage: ProcessStage) -> None:
    run = await run_of(stage, stage.order_of("sh", "-c", "setsid sleep 300 & echo ready; exec sleep 300"))
    await stage.until(lambda: "ready" in stage.log(run))
    for pid in pids_of(stage, run):
        os.kill(pid, signal.SIGKILL)
    left = bearers(run.mark)

    sweep = await stage.runtime.kill(run)

    assert len([pid for pid in left if pid not in pids_of(stage, run)]) >= 1
    assert sweep.survivors == ()
    assert bearers(run.mark) == []


async def test_a_launcher_that_does_not_move_is_killed_when_its_time_is_over(stage: ProcessStage) -> None:
    run = await started(stage, SLEEPS)
    launcher_pid, _ = pids_of(stage, run)
    os.kill(launcher_pid, signal.SIGSTOP)

    sweep = await stage.runtime.kill(run)

    assert (sweep.survivors, sweep.exit) == ((), None)
    assert not is_alive(launcher_pid)


async def test_nobody_else_is_hit_not_this_process_nor_another_run_started_from_inside(
    stage: ProcessStage, tmp_path: Path
) -> None:
    path = tmp_path / "inner"
    settled = "until grep -qz ORCH_RUN=daemon /proc/$!/environ; do :; done"
    inner = f"ORCH_RUN=daemon setsid sleep 300 & {settled}; echo $! >{path}; exec sleep 300"
    run = await run_of(stage, stage.order_of("sh", "-c", inner))
    bystander = await started(stage, SLEEPS)
    await stage.until(lambda: path.exists() and path.read_text().endswith("\n"))
    pid = int(path.read_text())

    await stage.runtime.kill(run)

    assert is_alive(pid)
    assert verdict_of(await look(stage, bystander)) is Liveness.ALIVE
    os.kill(pid, signal.SIGKILL)


async def test_a_run_stopped_in_the_middle_of_its_launch_gets_the_signal_once_it_is_there(stage: ProcessStage) -> None:
    order = stage.order(SLEEPS)
    run = replace(order.run, handle=await stage.runtime.launch(order))
    await stage.until(Path(stage.directory(run), "claim").exists)

    never_ran = await stage.runtime.terminate(run)

    assert not never_ran
    assert (await end_of(stage, run)).exit_signal == "SIGTERM"


async def test_a_run_killed_in_the_middle_of_its_launch_never_lives_after(stage: ProcessStage) -> None:
    orders = [stage.order(SLEEPS) for _ in range(10)]
    runs = [replace(order.run, handle=await stage.runtime.launch(order)) for order in orders]

    sweeps = [await stage.runtime.kill(run) for run in runs]

    assert [sweep.survivors for sweep in sweeps] == [()] * 10
    assert [pid for run in runs for pid in bearers(run.mark)] == []


async def test_twenty_launches_at_once_start_one_agent_and_leave_no_zombie(stage: ProcessStage, tmp_path: Path) -> None:
    order = stage.order_of("sh", "-c", f"echo started >>{tmp_path}/count; exec sleep 300")
    before = children(os.getpid())

    def born() -> str:
        return "".join(state for pid, state in children(os.getpid()).items() if pid not in before)

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(stage.runtime.launch(order), name="launch")
    await stage.until(lambda: len(bearers(order.run.mark)) == 2 and born().replace("Z", "") == "S")
    await look(stage, order.run)

    await stage.until((tmp_path / "count").exists)
    assert (tmp_path / "count").read_text() == "started\n"
    assert born() == "S"


async def test_an_environment_and_its_secrets_stand_in_no_command_line_and_no_launcher(stage: ProcessStage) -> None:
    secret = "hunter2-in-no-argv"
    run = await run_of(stage, stage.order_of("sh", "-c", "env; exec sleep 300", secrets={"TOKEN": secret}))
    launcher_pid, _ = pids_of(stage, run)
    await stage.until(lambda: "TOKEN" in stage.log(run))

    lines = [read(f"/proc/{pid}/cmdline") for pid in all_pids()]

    assert [line for line in lines if secret.encode() in line] == []
    assert Path(f"/proc/{launcher_pid}/environ").read_bytes() == f"ORCH_RUN={run.mark}\0".encode()
    assert f"TOKEN={secret}" in stage.log(run)


async def test_a_launcher_holds_nothing_of_the_daemon(stage: ProcessStage, tmp_path: Path) -> None:
    with (tmp_path / "daemons").open("w") as daemons:
        os.set_inheritable(daemons.fileno(), True)
        run = await started(stage, SLEEPS)

    launcher_pid, agent_pid = pids_of(stage, run)
    held = [str(path.readlink()) for pid in (launcher_pid, agent_pid) for path in Path(f"/proc/{pid}/fd").iterdir()]
    places = {"/dev/null", stage.layout.log(run.session), stage.directory(run), f"{stage.directory(run)}/stdin"}
    assert set(held) <= places
    assert os.getsid(launcher_pid) == launcher_pid
    assert str(Path(f"/proc/{launcher_pid}/cwd").readlink()) == "/"


async def test_a_prompt_of_a_megabyte_is_read_through_its_file(stage: ProcessStage, tmp_path: Path) -> None:
    prompt = tmp_path / "prompt"
    prompt.write_text("x" * 1_000_000)
    order = stage.order_of("sh", "-c", 'wc -c <"$ORCH_PROMPT_FILE"', environment={"ORCH_PROMPT_FILE": str(prompt)})

    run = await run_of(stage, order)
    await end_of(stage, run)

    assert stage.log(run) == "1000000\n"


async def test_an_order_with_a_nul_is_refused_before_anything_happens(stage: ProcessStage) -> None:
    order = stage.order_of("echo", "a\0b")

    with pytest.raises(Exception, match="NUL"):
        await stage.runtime.launch(order)

    assert not Path(stage.directory(order.run)).exists()


async def test_a_launcher_that_cannot_be_started_is_a_launch_that_failed_for_good(
    stage: ProcessStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = stage.order(SLEEPS)
    monkeypatch.setattr(os, "posix_spawn", _no_more_processes)

    with pytest.raises(Exception, match="could not be started"):
        await stage.runtime.launch(order)
    with pytest.raises(Exception, match="could not be started"):
        await stage.runtime.launch(order)

    assert Path(stage.directory(order.run), "claim").exists()


async def test_a_launch_repeated_in_vain_is_still_the_launch_that_went_well_before(
    stage: ProcessStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = stage.order(SLEEPS)
    await stage.runtime.launch(order)
    await stage.until(Path(stage.directory(order.run), "start.json").exists)
    monkeypatch.setattr(os, "posix_spawn", _no_more_processes)

    handle = await stage.runtime.launch(order)

    found = await look(stage, replace(order.run, handle=handle))
    assert verdict_of(found) is Liveness.ALIVE


def _no_more_processes(*_: object, **__: object) -> int:
    raise BlockingIOError(11, "Resource temporarily unavailable")


async def test_a_full_stdin_refuses_without_waiting_and_keeps_what_it_had(stage: ProcessStage) -> None:
    run = await started(stage, SLEEPS)
    text = "x" * (LINE_BYTES_MAX - 1)
    answers = [await stage.runtime.deliver(run, text)]

    while answers[-1][0] is not Receipt.REFUSED:
        answers.append(await stage.runtime.deliver(run, text))

    assert [receipt for receipt, _ in answers[:-1]] == [Receipt.TYPED] * (len(answers) - 1)
    assert len(answers) >= 3
    assert "not read" in (answers[-1][1] or "")


async def test_a_large_line_goes_in_whole(stage: ProcessStage) -> None:
    run = await run_of(stage, stage.order_of("sh", "-c", "head -n 1 | wc -c; exec sleep 300"))

    receipt, _ = await stage.runtime.deliver(run, "x" * LINE_BYTES_MAX)

    assert receipt is Receipt.SUBMITTED
    await stage.until(lambda: stage.log(run) == f"{LINE_BYTES_MAX + 1}\n")


async def test_a_line_that_never_fits_is_refused_with_what_to_do_instead(stage: ProcessStage) -> None:
    run = await started(stage, SLEEPS)

    receipt, error = await stage.runtime.deliver(run, "x" * MESSAGE_BYTES_MAX)

    assert receipt is Receipt.REFUSED
    assert "put them into a file" in (error or "")


async def test_a_look_that_is_given_up_does_not_pile_up_others(
    stage: ProcessStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await started(stage, SLEEPS)
    hang = asyncio.Event()
    looks = 0
    look_at_all = stage.runtime._runs.look_at_all
    loop = asyncio.get_running_loop()

    def hanging(runs: object) -> object:
        nonlocal looks
        looks += 1
        asyncio.run_coroutine_threadsafe(hang.wait(), loop).result()
        return look_at_all([run])

    monkeypatch.setattr(stage.runtime._runs, "look_at_all", hanging)
    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await stage.runtime.probe([run])
    given_up = looks
    hang.set()

    assert given_up == 1
    assert verdict_of(await look(stage, run)) is Liveness.ALIVE


async def test_typing_that_is_given_up_leaves_no_fifo_open(
    stage: ProcessStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await started(stage, READS)
    goes_on = threading.Event()
    assert isinstance(stage.runtime, ProcessRuntime)
    type_ = stage.runtime._type

    def slow(run: Run, text: str) -> tuple[int, bool, bool]:
        goes_on.wait()
        return type_(run, text)

    monkeypatch.setattr(stage.runtime, "_type", slow)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await stage.runtime.deliver(run, "hello")
    goes_on.set()
    await look(stage, run)  # on the same thread, after it

    held = [os.path.realpath(descriptor) for descriptor in Path("/proc/self/fd").iterdir()]
    assert f"{stage.directory(run)}/stdin" not in held


REUSE = """
import os, subprocess, sys, time
from orchestrd.core.launch import ProcessIdentity
from orchestrd.runtimes.processes import LinuxProcessTable, holding, take_hold

MARK = "reuseaaa:1:n"
table = LinuxProcessTable()

def spawn(pid, environment):
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(pid - 1))
    spawned = subprocess.Popen(["sleep", "300"], env=environment, start_new_session=True)
    while table.look(spawned.pid).mark is None:
        pass  # in the middle of its exec a process has no environment yet
    return spawned

same = 0
for _ in range(20):
    ours = spawn(500, {"ORCH_RUN": MARK})
    identity = ProcessIdentity(pid=ours.pid, started_ticks=table.look(ours.pid).started_ticks)
    hold = take_hold(ours.pid)
    ours.kill()
    ours.wait()
    stranger = spawn(500, {"ORCH_RUN": "stranger:1:n"})
    assert stranger.pid == ours.pid == 500
    same += table.look(500).started_ticks == identity.started_ticks
    with holding(table, identity, MARK) as taken:
        assert taken is None
    hold.send(9)
    assert hold.has_ended()
    time.sleep(0.002)
    assert stranger.poll() is None
    hold.close()
    stranger.kill()
    stranger.wait()
print("same start time", same)
"""


def test_a_reused_pid_is_never_taken_for_ours_though_it_started_in_the_same_tick() -> None:
    found = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", REUSE],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in found.stderr or "ns_last_pid" in found.stderr:
        pytest.skip(f"no private PID namespace here: {found.stderr.strip().splitlines()[-1]}")

    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("same start time")


def excerpt_of(observations: tuple[Observation, ...]) -> str:
    return next(fact.excerpt for fact in observations if isinstance(fact, Sighted))
