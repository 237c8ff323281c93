"""Whatever becomes of the tmux server, what is said of a run is true, and nothing is left behind."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrd.model.errors import RefusedError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import TMUX_ANSWER_S, TMUX_LAUNCH_S
from orchestrd.model.observation import Exited
from orchestrd.model.run import Run
from orchestrd.model.words import Liveness, Receipt
from orchestrd.testing.contracts.runtime import (
    EXITS_0,
    IGNORES_TERM,
    SLEEPS,
    end_of,
    launched,
    look,
    look_until,
    started,
    verdict_of,
)
from tests.integration.tmux_stage import TmuxStage, needs_tmux
from tests.processes import bearers, is_alive, read

pytestmark = needs_tmux


@pytest.fixture
def home(tmp_path: Path) -> TmuxStage:
    return TmuxStage(tmp_path)


@pytest.fixture
async def stage(home: TmuxStage) -> AsyncIterator[TmuxStage]:
    stage = home
    yield stage
    await stage.clear()


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# ---- killed ----


async def test_a_server_that_is_killed_takes_its_runs_along_and_each_says_why(stage: TmuxStage) -> None:
    runs = [await started(stage, SLEEPS) for _ in range(3)]

    os.kill(stage.server(), signal.SIGKILL)

    ends = [await end_of(stage, run) for run in runs]
    assert [(end.exit_signal, end.hung_up) for end in ends] == [("SIGHUP", True)] * 3
    assert [bearers(run.mark) for run in runs] == [[]] * 3


async def test_a_run_that_outlives_its_server_lives_is_killed_and_is_typed_into_no_more(stage: TmuxStage) -> None:
    order = stage.order_of("sh", "-c", "trap '' HUP; echo on; while :; do sleep 0.1; done")
    run = replace(order.run, handle=await stage.runtime.launch(order))
    await stage.until(lambda: "on" in stage.log(run))
    os.kill(stage.server(), signal.SIGKILL)
    await stage.until(lambda: stage.tmux_pids() == [])

    found = await look(stage, run)
    receipt, _ = await stage.runtime.deliver(run, "hello")
    sweep = await stage.runtime.kill(run)

    assert verdict_of(found) is Liveness.ALIVE
    assert receipt is Receipt.REFUSED
    assert sweep.survivors == ()
    assert bearers(run.mark) == []


async def test_after_a_server_was_killed_the_next_launch_makes_another(stage: TmuxStage) -> None:
    await started(stage, SLEEPS)
    first = stage.server()
    os.kill(first, signal.SIGKILL)
    await stage.until(lambda: not is_alive(first))

    run = await started(stage, SLEEPS)

    assert stage.server() != first
    assert (await stage.runtime.deliver(run, "hello"))[0] is Receipt.TYPED


# ---- frozen ----


async def test_a_frozen_server_hides_neither_life_nor_death(stage: TmuxStage) -> None:
    lives, dies = await started(stage, SLEEPS), await started(stage, SLEEPS)

    with frozen(stage.server()):
        alive = await look(stage, lives)
        sweep = await stage.runtime.kill(dies)
        end = await end_of(stage, dies)

    assert verdict_of(alive) is Liveness.ALIVE
    assert sweep.survivors == ()
    assert end.exit_signal == "SIGKILL"


async def test_looks_wait_for_a_frozen_server_once_and_not_each_time(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)

    with frozen(stage.server()):
        await look(stage, run)
        begun = time.monotonic()
        for _ in range(20):
            await look(stage, run)
        taken_s = time.monotonic() - begun

    assert taken_s < 20 * TMUX_ANSWER_S


async def test_launches_on_a_frozen_server_are_refused_in_time_and_never_happen(stage: TmuxStage) -> None:
    await started(stage, SLEEPS)
    orders = [stage.order(SLEEPS) for _ in range(5)]

    with frozen(stage.server()):
        begun = time.monotonic()
        answers = await asyncio.gather(*map(stage.runtime.launch, orders), return_exceptions=True)
        taken_s = time.monotonic() - begun

    assert [type(answer) for answer in answers] == [TransientError] * 5
    assert all("answer" in str(answer) for answer in answers)
    assert taken_s < TMUX_LAUNCH_S + 2
    await stage.pause_until_asked_again()
    await started(stage, SLEEPS)  # by now the server has done all that it was asked before
    assert [bearers(order.run.mark) for order in orders] == [[]] * 5
    assert not any(Path(stage.directory(order.run), "start.json").exists() for order in orders)


async def test_a_launch_waits_for_a_server_that_others_have_given_up_on_a_moment_ago(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)
    server = stage.server()

    with frozen(server):
        receipt, _ = await stage.runtime.deliver(run, "hello")
        launch = asyncio.create_task(started(stage, SLEEPS))
        await stage.pause()
    other = await launch

    assert receipt is Receipt.REFUSED
    assert verdict_of(await look(stage, other)) is Liveness.ALIVE


async def test_after_a_frozen_server_has_thawed_all_works_again(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)
    with frozen(stage.server()):
        assert await stage.runtime.screen(run) is None
    await stage.pause_until_asked_again()

    other = await started(stage, SLEEPS)

    assert (await stage.runtime.deliver(run, "hello"))[0] is Receipt.TYPED
    assert await stage.runtime.screen(other) is not None
    assert (await look_until_titled(stage, run)) is not None


# ---- others on the server ----


async def test_sessions_of_others_on_our_server_are_left_alone(stage: TmuxStage) -> None:
    runs = [stage.order(SLEEPS), stage.order(IGNORES_TERM)]
    first = await started(stage, SLEEPS)
    for order in runs:
        stage.tmux("new-session", "-d", "-s", f"{order.run.session}-1", "sleep", "300")
    stage.tmux("new-session", "-d", "-s", "mine", "sleep", "300")
    foreign = set(stage.sessions()) - {f"{first.session}-1"}

    launches = [replace(order.run, handle=await stage.runtime.launch(order)) for order in runs]
    for run in (first, *launches):
        await stage.runtime.kill(run)
    await stage.runtime.close()

    assert len(foreign) == 3
    await stage.until(lambda: set(stage.sessions()) == foreign)


async def test_a_session_killed_by_hand_is_an_end_that_says_so(stage: TmuxStage) -> None:
    nudged: list[SessionId] = []
    stage.runtime.on_change(nudged.append)
    run, other = await started(stage, SLEEPS), await started(stage, SLEEPS)

    stage.tmux("kill-session", "-t", f"={run.session}-1")

    end = await end_of(stage, run)
    assert (end.exit_signal, end.hung_up) == ("SIGHUP", True)
    assert run.session in nudged
    assert verdict_of(await look(stage, other)) is Liveness.ALIVE


async def test_a_pane_that_was_told_to_stay_is_closed_with_its_killed_run(stage: TmuxStage) -> None:
    run, other = await started(stage, SLEEPS), await started(stage, SLEEPS)
    stage.tmux("set-option", "-w", "-t", stage.pane(run), "remain-on-exit", "on")

    await stage.runtime.kill(run)

    assert stage.sessions() == [f"{other.session}-1"]


async def test_a_pane_that_somebody_opened_beside_an_agent_is_none_of_its_run(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)
    beside = int(
        stage.tmux("split-window", "-d", "-P", "-F", "#{pane_pid}", "-t", stage.pane(run), "sleep", "300").strip()
    )

    await stage.runtime.kill(run)

    assert is_alive(beside)
    assert run.mark.encode() not in read(f"/proc/{beside}/environ")


# ---- what it is given, and what it is left ----


async def test_a_configuration_of_the_user_changes_nothing(
    stage: TmuxStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = "set -g remain-on-exit on\nset -g prefix C-a\nset -g default-command 'exec sleep 300'\nset -g base-index 3\n"
    (tmp_path / ".tmux.conf").write_text(conf)
    (tmp_path / ".config/tmux").mkdir(parents=True)
    (tmp_path / ".config/tmux/tmux.conf").write_text(conf)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setenv("TMUX", f"{tmp_path}/elsewhere,1,0")
    monkeypatch.setenv("TMUX_TMPDIR", str(tmp_path))
    run, over = await started(stage, SLEEPS), await launched(stage, EXITS_0)
    await end_of(stage, over)
    options = stage.tmux("show-options", "-g") + stage.tmux("show-options", "-gw")

    assert {"prefix C-b", "base-index 0", "remain-on-exit off"} <= set(options.splitlines())
    assert stage.sessions() == [f"{run.session}-1"]


async def test_no_secret_is_in_any_command_line_or_in_what_the_server_tells(
    stage: TmuxStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAEMONS_TOKEN", "daemonssecret")
    order = stage.order_of("sh", "-c", "echo $AGENTS_TOKEN; exec sleep 300", secrets={"AGENTS_TOKEN": "agentssecret"})
    run = replace(order.run, handle=await stage.runtime.launch(order))
    await stage.until(lambda: "agentssecret" in stage.log(run))
    await stage.runtime.deliver(run, "messagesecret")

    told = stage.tmux("show-environment", "-g") + stage.tmux("show-environment", "-t", stage.pane(run))
    lines = [read(f"/proc/{pid}/cmdline") for pid in [*stage.tmux_pids(), *bearers(run.mark)]]
    environment = read(f"/proc/{stage.server()}/environ")

    for secret in ("daemonssecret", "agentssecret", "messagesecret"):
        assert secret not in told
        assert not any(secret.encode() in line for line in (*lines, environment))


async def test_a_terminal_has_a_known_size_and_a_name_that_programs_know(stage: TmuxStage) -> None:
    order = stage.order_of("sh", "-c", "stty size; tput -T $TERM colors; exec sleep 300")

    run = replace(order.run, handle=await stage.runtime.launch(order))

    await stage.until(lambda: stage.log(run).split() == ["50", "220", "256"])


async def test_the_server_ends_with_the_last_run_once_no_daemon_needs_it(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)
    await stage.runtime.close()
    assert stage.sessions() == [f"{run.session}-1"]

    os.kill(stage.record_of(run).launcher.pid, signal.SIGTERM)

    await stage.until(lambda: stage.tmux_pids() == [])


async def test_a_daemon_that_lets_go_leaves_runs_and_their_sessions(stage: TmuxStage) -> None:
    runs = [await started(stage, SLEEPS) for _ in range(2)]
    await stage.runtime.close()
    await stage.restart()

    answers = [await stage.runtime.deliver(run, "hello") for run in runs]

    assert answers == [(Receipt.TYPED, None)] * 2


async def test_fifty_runs_that_come_and_go_leave_no_file_open_and_no_process(stage: TmuxStage) -> None:
    await ended(stage, await launched(stage, EXITS_0))
    await look(stage, await started(stage, SLEEPS))
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(10):
        runs = [await launched(stage, EXITS_0) for _ in range(5)]
        for run in runs:
            await ended(stage, run)

    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert len(stage.sessions()) == 1
    assert len(stage.clients()) == 1


# ---- without it ----


async def test_without_tmux_a_launch_is_refused_and_says_what_to_do(
    stage: TmuxStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(RefusedError) as refusal:
        await stage.runtime.launch(stage.order(SLEEPS))

    assert refusal.value.code == "no_tmux"
    assert "install the package tmux" in refusal.value.hint


async def test_a_tmux_that_is_too_old_is_refused_and_says_so(
    stage: TmuxStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "tmux"
    old.write_text("#!/bin/sh\necho tmux 2.9a\n")
    old.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(RefusedError, match=r"tmux 2\.9a") as refusal:
        await stage.runtime.launch(stage.order(SLEEPS))

    assert refusal.value.code == "no_tmux"


async def test_a_home_too_deep_for_a_socket_is_refused_and_says_so(tmp_path: Path) -> None:
    home = await asyncio.to_thread(TmuxStage, tmp_path / ("deep" * 30))
    try:
        with pytest.raises(RefusedError, match="107"):
            await home.runtime.launch(home.order(SLEEPS))
    finally:
        await home.runtime.close()


async def test_nobody_starts_a_server_only_to_look(stage: TmuxStage) -> None:
    run = stage.order(SLEEPS).run
    stage.runtime.on_change(lambda _: None)

    found = await look(stage, run)

    assert verdict_of(found) is Liveness.UNKNOWN
    assert not Path(stage.layout.tmux_socket).exists()
    assert stage.tmux_pids() == []


async def ended(stage: TmuxStage, run: Run) -> None:
    await look_until(stage, run, Exited)
    stage.runtime.forget(run)


async def look_until_titled(stage: TmuxStage, run: Run) -> str:
    while (title := (await look(stage, run)).title) is None:
        await stage.pause()
    return title
