"""A tmux server that is killed, frozen or not there yet, and a daemon that goes: what becomes of the sessions in it."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from orchestrd.core.launch import StartRecord
from orchestrd.model.document import SendReply
from orchestrd.model.words import Receipt
from tests.acceptance import agents, truths
from tests.acceptance.command_line import Shell
from tests.acceptance.daemon import Home
from tests.acceptance.processes import Identity, is_alive, until
from tests.acceptance.tmux import needs_tmux

pytestmark = needs_tmux

CROWD = ("--max-running", "60")
AT_ONCE = 30
HANGS_UP = agents.BEGIN + "trap 'exit 3' HUP; sleep 1000 & wait"
HOLDS_ON = agents.BEGIN + agents.LEAVES_TWO + "exec sleep 1000"
TALKS = agents.BEGIN + agents.says(10_000, pause_s=0.2)
HEARS = agents.BEGIN + agents.hears(1) + "exec sleep 1000"


def _running(home: Home, *scripts: str) -> list[str]:
    """Begin sessions, and wait until each agent has begun."""
    sessions = [home.spawn(script, runtime="tmux", grace_s=0.5) for script in scripts]
    for session in sessions:
        until(partial(home.mark, session), "the agent has begun")
        home.reach(session, "running")
    return [str(session) for session in sessions]


def _is_true_of(home: Home) -> None:
    """Everything has ended, and every word about it is true."""
    events = home.journal()
    truths.journal_is_gapless(events)
    truths.no_step_was_skipped(events)
    truths.each_generation_ended_once(events)
    truths.journal_folds_to_the_records(home, events)
    truths.no_process_is_left(home)
    assert home.tmux.sessions() == []


# ---- killed ----


@pytest.mark.parametrize("daemons", [1, 2], ids=["followed", "after a restart"])
def test_a_killed_server_ends_its_20_sessions_as_lost_and_the_next_one_begins_at_once_on_another(
    home: Home, daemons: int
) -> None:
    home.start(*CROWD)
    lost = _running(home, *(agents.SLEEPS, HANGS_UP, HOLDS_ON, TALKS, HEARS) * 4)
    for _ in range(daemons - 1):
        home.daemons[-1].kill()
        home.start(*CROWD)
    first = home.tmux.server()

    os.kill(first.pid, signal.SIGKILL)
    following = home.spawn(agents.ends_with(5), runtime="tmux")

    told = home.until_over(*lost, following)
    assert Counter((told[session].state, told[session].reason) for session in lost) == {("failed", "terminal_lost"): 20}
    assert (told[following].exit_code, len(home.mark(following))) == (5, 1)
    assert home.tmux.server() != first
    _is_true_of(home)


def test_an_agent_that_does_not_listen_to_its_terminal_lives_on_without_it_and_can_be_killed(home: Home) -> None:
    home.start()
    (deaf,) = _running(home, agents.BEGIN + agents.DEAF + agents.says(10_000, pause_s=0.1))
    os.kill(home.tmux.server().pid, signal.SIGKILL)
    said = len(home.mark(f"{deaf}.said"))

    until(lambda: len(home.mark(f"{deaf}.said")) > said + 3, "it goes on")
    assert home.show(deaf).state == "running"
    assert home.send(deaf, "hello").receipt == Receipt.REFUSED

    home.kill(deaf)
    told = home.until_over(deaf)[deaf]
    assert (told.state, told.exit_signal) == ("cancelled", "SIGKILL")
    truths.no_process_is_left(home)


def test_a_launcher_that_is_killed_takes_its_agent_along_and_leaves_no_session(home: Home) -> None:
    home.start()
    lost, other = _running(home, HOLDS_ON, agents.SLEEPS)
    place = home.layout.run_directory(lost, 1)
    launcher = msgspec.json.decode(Path(place, "start.json").read_bytes(), type=StartRecord).launcher

    os.kill(launcher.pid, signal.SIGKILL)

    told = home.until_over(lost)[lost]
    assert (told.state, told.reason) == ("failed", "exit_unknown")
    assert list(home.processes(lost)) == []
    assert home.tmux.sessions() == [f"{other}-1"]
    assert home.show(other).state == "running"


# ---- frozen ----


@contextmanager
def _frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("frozen_s", [3.0, 8.0], ids=["for a moment", "for longer than a launch may take"])
def test_a_frozen_server_costs_no_session_no_message_and_no_stop(home: Home, frozen_s: float) -> None:
    home.start(*CROWD)
    steady, stopped, killed, *hearing = _running(home, agents.STEADY, agents.SLEEPS, HOLDS_ON, HEARS, HEARS, HEARS)
    with ThreadPoolExecutor(len(hearing)) as users:
        with _frozen(home.tmux.server().pid):
            thawed = time.monotonic() + frozen_s
            replies = [users.submit(home.send, session, f"to {session}") for session in hearing]
            spawned = [str(home.spawn(agents.SLEEPS, runtime="tmux")) for _ in range(5)]
            home.stop(stopped)
            home.kill(killed)
            home.until_over(stopped, killed)
            until(lambda: time.monotonic() > thawed, "the time is over", within_s=frozen_s + 1)
            told = home.documents()
        assert {told[session].state for session in (steady, *hearing)} == {"running"}
        _heard_what_was_told(home, hearing, replies)

    until(lambda: _are_settled(home, spawned), "what was spawned runs, or is said not to")
    for session in spawned:
        begun = home.show(session).state == "running"
        assert begun or (frozen_s > 5 and home.show(session).reason == "launch_failed")
        until(lambda: len(home.mark(session)) == begun, "what runs has begun, once")  # noqa: B023 - at once
    assert home.mark(f"{steady}.touched") == []
    for session in (steady, *hearing, *(one for one in spawned if home.show(one).state == "running")):
        home.kill(session)
    home.until_over()
    _is_true_of(home)


def test_a_daemon_that_starts_beside_a_frozen_server_knows_who_lives_and_can_kill(home: Home) -> None:
    home.start()
    sessions = _running(home, agents.SLEEPS, HOLDS_ON, TALKS)
    home.daemons[-1].kill()

    with _frozen(home.tmux.server().pid):
        daemon = home.start()
        assert {told.state for told in home.documents().values()} == {"running"}
        home.kill(sessions[0])
        home.until_over(sessions[0])
        assert daemon.stop() == 0

    home.start()
    assert [home.show(session).state for session in sessions] == ["cancelled", "running", "running"]
    for session in sessions[1:]:
        home.stop(session)
    home.until_over()
    _is_true_of(home)


def _heard_what_was_told(home: Home, hearing: list[str], replies: list[Future[SendReply]]) -> None:
    for session, reply in zip(hearing, replies, strict=True):
        receipt = reply.result().receipt
        if receipt in (Receipt.TYPED, Receipt.SUBMITTED):
            until(lambda: home.mark(f"{session}.lines"), "what was typed is heard")  # noqa: B023 - at once
        heard = home.mark(f"{session}.lines")
        assert heard in ([], [f"to {session}"]), receipt
        assert not (heard and receipt == Receipt.REFUSED)


def _are_settled(home: Home, sessions: list[str]) -> bool:
    return all(home.show(session).state in ("running", "failed") for session in sessions)


# ---- not there yet ----


def test_30_spawns_at_once_in_a_home_without_a_server_share_one(home: Home) -> None:
    home.start(*CROWD)
    servers: set[Identity] = set()

    def have_all_begun() -> bool:
        servers.update(home.tmux.servers())
        return all(home.mark(session) for session in spawned)

    with ThreadPoolExecutor(AT_ONCE) as users:
        spawned = list(users.map(lambda _: home.spawn(TALKS, runtime="tmux"), range(AT_ONCE)))
        until(have_all_begun, "every agent has begun")

    assert len(home.tmux.sessions()) == AT_ONCE
    assert servers == {home.tmux.server()}
    for session in spawned:
        home.kill(session)
    home.until_over()
    assert [len(home.mark(session)) for session in spawned] == [1] * AT_ONCE
    _is_true_of(home)


# ---- a daemon that goes ----


@pytest.fixture
def shell(home: Home) -> Iterator[Shell]:
    """Give a shell in that home."""
    shell = Shell(home.place)
    yield shell
    shell.clear()


def test_stop_and_restart_of_the_daemon_leave_every_session_in_tmux_alone(home: Home, shell: Shell) -> None:
    shell.must("daemon", "start", "--interval", "0.2")
    steady = _running(home, agents.STEADY, agents.STEADY, agents.STEADY)
    processes, server = list(home.processes()), home.tmux.server()
    sessions = home.tmux.sessions()

    shell.must("daemon", "restart")
    assert home.tmux.sessions() == sessions
    shell.must("daemon", "stop")
    assert home.tmux.sessions() == sessions
    assert home.tmux.clients() == []
    shell.must("daemon", "start", "--interval", "0.2")

    assert len(sessions) == len(steady)
    assert home.tmux.server() == server
    assert all(map(is_alive, processes))
    assert {told.state for told in home.documents().values()} == {"running"}
    assert [home.mark(f"{session}.touched") for session in steady] == [[], [], []]

    for session in steady:
        shell.must("kill", session)
    home.until_over()
    shell.must("daemon", "stop")
    until(lambda: not list(home.tmux.processes()), "a server that nobody needs has gone")
