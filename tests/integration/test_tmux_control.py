"""The daemon's control client: one, ours, gone with the daemon, and back when it is lost."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from orchestrd.core.tmux import control_argv
from orchestrd.model.ids import SessionId
from orchestrd.model.run import Run
from orchestrd.runtimes import tether
from orchestrd.runtimes.tmux import TmuxRuntime
from orchestrd.testing.contracts.runtime import SLEEPS, look, started
from tests.integration.tmux_stage import TmuxStage, needs_tmux
from tests.processes import is_alive

pytestmark = needs_tmux


@pytest.fixture
def home(tmp_path: Path) -> TmuxStage:
    return TmuxStage(tmp_path)


@pytest.fixture
async def stage(home: TmuxStage) -> AsyncIterator[TmuxStage]:
    stage = home
    yield stage
    await stage.clear()


async def titled(stage: TmuxStage, run: Run, title: str | None = None) -> str:
    """Look until the run has a title, or that one."""
    while (found := (await look(stage, run)).title) is None or title not in (None, found):
        await stage.pause()
    return found


async def test_looks_bring_the_title_of_each_terminal(stage: TmuxStage) -> None:
    one = await started(stage, SLEEPS)
    order = stage.order_of("sh", "-c", "printf '\\033]2;⠂ %%end 1 2 1 of it\\007'; exec sleep 300")
    await stage.runtime.launch(order)

    title = await titled(stage, order.run, "⠂ %end 1 2 1 of it")

    assert title == "⠂ %end 1 2 1 of it"
    assert await titled(stage, one) != title


async def test_there_is_one_control_client_however_many_looks_and_runs(stage: TmuxStage) -> None:
    runs = [await started(stage, SLEEPS) for _ in range(3)]

    for _ in range(5):
        await stage.runtime.probe(runs)

    assert len(stage.clients()) == 1


async def test_a_control_client_that_is_killed_is_missed_by_nobody_and_replaced_once_there_is_no_run(
    stage: TmuxStage,
) -> None:
    run = await started(stage, SLEEPS)
    await titled(stage, run)
    (first,) = stage.clients()

    os.kill(first, signal.SIGKILL)
    await stage.until(lambda: not Path(f"/proc/{first}").exists())  # reaped, too

    await titled(stage, run)
    assert stage.clients() == []
    await stage.runtime.kill(run)
    await titled(stage, await started(stage, SLEEPS))
    assert len(stage.clients()) == 1


async def test_once_there_is_no_run_a_control_client_is_attached_by_looks_alone(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)
    await titled(stage, run)
    os.kill(stage.clients()[0], signal.SIGKILL)
    await stage.runtime.kill(run)

    while not stage.clients():
        await look(stage, run)
        await stage.pause()

    assert len(stage.clients()) == 1


async def test_beside_a_run_no_control_client_is_attached_for_a_server_may_crash_of_that(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)
    await stage.restart()
    stage.runtime.on_change(lambda _: None)

    for _ in range(3):
        await titled(stage, run)
        await started(stage, SLEEPS)

    assert stage.clients() == []


async def test_the_session_it_is_attached_to_is_made_again_when_it_is_killed(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)
    await titled(stage, run)
    (first,) = stage.clients()

    stage.tmux("kill-session", "-t", "=orchestrd")
    await stage.until(lambda: not Path(f"/proc/{first}").exists())

    await titled(stage, await started(stage, SLEEPS))
    assert "orchestrd" in stage.tmux("list-sessions", "-F", "#{session_name}").split()


async def test_that_session_has_no_process(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)

    panes = stage.tmux("list-panes", "-a", "-F", "#{session_name} #{pane_pid}").splitlines()

    assert sorted(panes) == sorted(["orchestrd 0", f"{run.session}-1 {stage.record_of(run).launcher.pid}"])


async def test_a_daemon_that_lets_go_takes_its_client_along(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)
    await titled(stage, run)
    (client,) = stage.clients()

    await stage.runtime.close()

    assert not Path(f"/proc/{client}").exists()
    assert stage.sessions() == [f"{run.session}-1"]


async def test_the_client_of_an_earlier_daemon_is_ended_at_the_start_and_nobody_elses(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)
    await titled(stage, run)
    (own,) = stage.clients()
    socket = stage.layout.tmux_socket
    similar = ["tmux", "-S", socket, "-C", "attach-session", "-f", "no-output,ignore-size", "-t", "=orchestrd"]
    later = TmuxRuntime(stage.layout, stage.clock)  # as if the first had been killed: it let go of nothing
    with attached(control_argv("tmux", socket)) as stray, attached(similar) as other:
        await stage.until(lambda: len(stage.clients()) == 3)

        later.on_change(lambda _: None)

        await stage.until(lambda: stray.poll() is not None and not is_alive(own))
        await stage.until(lambda: len(stage.clients()) == 1)
        assert stray.wait() == -signal.SIGKILL
        assert other.poll() is None
    await later.close()


async def test_the_client_dies_with_a_daemon_that_is_killed(stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)
    await stage.runtime.kill(run)
    program = DAEMON.format(home=stage.layout.home)
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert daemon.stdout is not None
    await daemon.stdout.readline()
    theirs = set(stage.clients())

    daemon.kill()
    await daemon.wait()

    assert len(theirs) == 1
    await stage.until(lambda: stage.clients() == [])
    assert is_alive(stage.server())


async def test_an_end_is_told_of_by_the_server_as_well(stage: TmuxStage, monkeypatch: pytest.MonkeyPatch) -> None:
    run, nudged = await started(stage, SLEEPS), list[SessionId]()
    await titled(stage, run)
    stage.runtime._nudge = nudged.append  # and nobody listens to pidfds

    stage.tmux("kill-session", "-t", f"={run.session}-1")

    await stage.until(lambda: nudged == [run.session])


def test_who_is_tethered_to_somebody_gone_does_not_start(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-IS", tether.__file__, "1", "echo", "hello"], capture_output=True, check=False, timeout=10
    )

    assert (told.returncode, told.stdout) == (0, b"")


DAEMON = """
import asyncio
from orchestrd.clock import SystemClock
from orchestrd.core.layout import Layout
from orchestrd.runtimes.tmux import TmuxRuntime

async def main() -> None:
    runtime = TmuxRuntime(Layout({home!r}), SystemClock())
    runtime.on_change(lambda _: None)
    while not runtime._control.is_connected:
        await runtime._panes()
        await asyncio.sleep(0.01)
    print("attached", flush=True)
    while True:
        await runtime._panes()

asyncio.run(main())
"""


@contextlib.contextmanager
def attached(argv: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Attach a control client by hand."""
    client = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield client
    finally:
        client.kill()
        client.wait()
        assert client.stdin is not None
        client.stdin.close()
