"""A disk that is full, read-only or out of reach: a clear error now, nothing lost, and no restart needed afterwards."""

import contextlib
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from orchestrd.client import calls
from orchestrd.client.blocking import Client
from orchestrd.client.calls import Call
from orchestrd.model.document import SendRequest
from orchestrd.model.errors import OrchestrdError, TransientError
from tests.acceptance import agents, truths
from tests.acceptance.daemon import Home
from tests.acceptance.processes import end, until
from tests.acceptance.tmux import needs_tmux

DISK = "size=4m,nr_inodes=300"
TICKS_S = 1.2  # more than two ticks
WORDS_MAX = 64 * 1024  # of a daemon in trouble: it says what is wrong, and not without end
WAITS_FOR_GO = agents.BEGIN + 'while [ ! -e "$MARKS/go" ]; do sleep 0.05; done; exit 3'


@pytest.fixture
def small(home: Home) -> Iterator[Home]:
    """Give a home on a small disk of its own."""
    Path(home.layout.home).mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"{DISK},mode=0700", "tmpfs", home.layout.home], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield home
    home.clear()
    subprocess.run(["umount", home.layout.home], check=True)


def _fill_space(home: Home) -> None:
    with (Path(home.layout.home) / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(bytes(4_096)) == 4_096:
            pass


def _fill_inodes(home: Home) -> None:
    place = Path(home.layout.home) / "ballast"
    place.mkdir()
    with contextlib.suppress(OSError):
        for number in range(10_000):
            (place / str(number)).touch()


def _empty(home: Home) -> None:
    subprocess.run(["rm", "-rf", f"{home.layout.home}/ballast"], check=True)


def _settled(home: Home) -> None:
    """Everything is as if nothing had been."""
    home.until_over()
    events = home.journal()
    truths.journal_is_gapless(events)
    truths.no_step_was_skipped(events)
    truths.each_generation_ended_once(events)
    truths.journal_folds_to_the_records(home, events)
    truths.no_process_is_left(home)
    assert home.quarantined() == []


@pytest.mark.parametrize("fill", [_fill_space, _fill_inodes], ids=["space", "inodes"])
def test_a_full_disk_refuses_what_is_new_loses_nothing_and_settles_when_there_is_room(
    small: Home, fill: Callable[[Home], None]
) -> None:
    home = small
    daemon = home.start()
    ends, asks, steady = home.spawn(WAITS_FOR_GO), home.spawn(agents.ASKS), home.spawn(agents.STEADY)
    home.reach(asks, "waiting")
    home.reach(ends, "running")
    home.reach(steady, "running")
    request = home.request(agents.ends_with(0), prompt="a prompt" * 1_000)
    message = calls.send(asks, SendRequest(message="one", text="go"))
    time.sleep(TICKS_S)  # what is under way has ended, and the journal is synced
    before = home.documents()

    fill(home)
    refusing: list[Call[Any]] = [calls.spawn(request), calls.stop(steady, request.authority, None), message]
    for call in refusing:
        with pytest.raises(TransientError) as refused:
            home.ask(call)
        assert "No space left" in refused.value.message
        assert refused.value.hint
    with pytest.raises(TransientError):
        Client(home.layout.home, use_daemon=False).spawn(request)
    (home.marks / "go").touch()
    until(lambda: not [p for p in home.processes(ends) if "sleep" in _command_line(p.pid)], "one agent has ended")
    time.sleep(TICKS_S)

    assert home.documents() == before
    assert not daemon.has_ended()
    assert len(daemon.words()) < WORDS_MAX

    _empty(home)
    told = home.reach(ends, "failed")
    assert (told.exit_code, told.reason) == (3, "exit_code")
    home.ask(calls.spawn(request))
    assert home.ask(message).receipt in ("submitted", "typed")
    home.until_over(request.id, asks)
    assert home.mark(f"{asks}.heard") == ["go"]
    assert home.mark(f"{steady}.touched") == []
    home.stop(steady, 0.2)
    _settled(home)
    assert not daemon.has_ended()


@needs_tmux
@pytest.mark.parametrize("fill", [_fill_space, _fill_inodes], ids=["space", "inodes"])
def test_agents_in_tmux_that_end_while_the_disk_is_full_are_recorded_truly_when_there_is_room(
    small: Home, fill: Callable[[Home], None]
) -> None:
    home = small
    daemon = home.start()
    dies = agents.BEGIN + 'while [ ! -e "$MARKS/go" ]; do sleep 0.05; done; ulimit -c 0; kill -SEGV $$'
    floods = agents.BEGIN + 'while [ ! -e "$MARKS/go" ]; do sleep 0.05; done; ' + agents.says(20_000) + "exit 4"
    scripts = (WAITS_FOR_GO, dies, floods, agents.STEADY, agents.SLEEPS)
    ends, falls, drowns, steady, sleeps = (home.spawn(script, runtime="tmux") for script in scripts)
    for session in (ends, falls, drowns, steady, sleeps):
        home.reach(session, "running")
        until(partial(home.mark, session), "the agent has begun")

    fill(home)
    (home.marks / "go").touch()
    until(lambda: not [p for p in home.processes(ends, falls, drowns) if _is_agent(p.pid)], "three have ended")
    for process in home.processes(sleeps):
        if _is_agent(process.pid):
            end(process, lambda environment: environment["ORCH_SESSION"] == sleeps)
    time.sleep(TICKS_S)
    assert {told.state for told in home.documents().values()} == {"running"}  # nothing else can be said yet

    _empty(home)
    told = home.until_over(ends, falls, drowns, sleeps)
    assert [(told[session].exit_code, told[session].exit_signal) for session in (ends, falls, drowns, sleeps)] == [
        (3, None),
        (None, "SIGSEGV"),
        (4, None),
        (None, "SIGKILL"),
    ]
    assert {told[session].reason for session in (ends, drowns)} == {"exit_code"}
    assert home.mark(f"{steady}.touched") == []
    assert len(home.tmux.sessions()) == 1
    home.kill(steady)
    _settled(home)
    assert not daemon.has_ended()


def _is_agent(pid: int) -> bool:
    """Tell an agent, and what it has started, from a launcher."""
    return "terminal" not in _command_line(pid)


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    return ""


def test_a_daemon_that_finds_its_disk_full_says_so_and_starts_when_there_is_room(small: Home) -> None:
    small.start()
    ends = small.spawn(WAITS_FOR_GO)
    small.reach(ends, "running")
    small.daemons[-1].kill()
    _fill_space(small)

    daemon = small.begin()
    code = daemon.process.wait(15)

    assert code == 1
    assert "No space left" in daemon.words()
    assert "Traceback" not in daemon.words()
    assert list(small.processes(ends))

    _empty(small)
    small.start()
    (small.marks / "go").touch()
    assert small.until_over(ends)[ends].exit_code == 3
    _settled(small)


def test_a_daemon_whose_home_is_read_only_says_so(small: Home) -> None:
    small.start().stop()
    subprocess.run(["mount", "-o", "remount,ro", small.layout.home], check=True)

    daemon = small.begin()
    code = daemon.process.wait(15)
    subprocess.run(["mount", "-o", "remount,rw", small.layout.home], check=True)

    assert code == 1
    assert "Read-only file system" in daemon.words()
    assert "Traceback" not in daemon.words()


@contextmanager
def _unwritable(path: Path) -> Iterator[None]:
    """Let nothing be made or renamed in a directory."""
    path.chmod(0o500)
    try:
        yield
    finally:
        path.chmod(0o700)


@pytest.mark.parametrize("name", ["sessions", "secrets", "journal", "runs"])
def test_a_directory_that_takes_nothing_costs_only_what_needs_it(bound_home: Home, name: str) -> None:
    home, daemon = bound_home, bound_home.daemons[0]
    ends, steady = home.spawn(WAITS_FOR_GO), home.spawn(agents.STEADY)
    home.reach(ends, "running")
    home.reach(steady, "running")
    request = home.request(agents.ends_with(0))

    with _unwritable(Path(home.layout.home) / name):
        with contextlib.suppress(TransientError):
            home.ask(calls.spawn(request))
        (home.marks / "go").touch()
        time.sleep(TICKS_S)
        assert home.documents()[steady].state == "running"
    with contextlib.suppress(OrchestrdError):
        home.ask(calls.spawn(request))  # again, as any client may
    home.until_over(ends)
    home.stop(steady, 0.2)
    _settled(home)

    assert home.show(ends).exit_code == 3
    told = home.show(request.id)
    assert (told.state, told.reason) in (("completed", "exited"), ("failed", "launch_failed"))
    assert not daemon.has_ended()
    assert len(daemon.words()) < WORDS_MAX


def test_a_listing_that_fails_is_logged_and_the_loop_goes_on(home: Home) -> None:
    daemon = home.start()
    ends, steady = home.spawn(WAITS_FOR_GO), home.spawn(agents.STEADY)
    home.reach(ends, "running")
    home.reach(steady, "running")
    sessions = Path(home.layout.sessions)

    sessions.rename(sessions.with_name("away"))
    time.sleep(TICKS_S)
    assert {told.state for told in home.documents().values()} == {"running"}
    with pytest.raises(TransientError):
        home.stop(steady)
    sessions.with_name("away").rename(sessions)
    (home.marks / "go").touch()

    assert home.until_over(ends)[ends].exit_code == 3
    home.stop(steady, 0.2)
    _settled(home)
    assert "cannot list" in daemon.words()


def test_a_daemon_without_free_descriptors_recovers_unaided(home: Home) -> None:
    daemon = home.start()
    ends, steady = home.spawn(WAITS_FOR_GO), home.spawn(agents.STEADY)
    home.reach(ends, "running")
    home.reach(steady, "running")
    soft, hard = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)

    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (3, hard))
    (home.marks / "go").touch()
    time.sleep(2 * TICKS_S)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (soft, hard))

    until(daemon.answers, "it answers again")
    assert home.until_over(ends)[ends].exit_code == 3
    assert home.show(steady).state == "running"
    home.stop(steady, 0.2)
    _settled(home)
    assert not daemon.has_ended()


def test_a_daemon_that_was_suspended_for_a_while_takes_up_where_it_stood(home: Home) -> None:
    daemon = home.start()
    ends, steady = home.spawn(WAITS_FOR_GO), home.spawn(agents.STEADY)
    home.reach(ends, "running")
    home.reach(steady, "running")

    daemon.process.send_signal(signal.SIGSTOP)
    (home.marks / "go").touch()
    until(lambda: not list(home.processes(ends)), "one has ended meanwhile")
    daemon.process.send_signal(signal.SIGCONT)

    assert home.until_over(ends)[ends].exit_code == 3
    assert home.show(steady).state == "running"
    home.kill(steady)
    _settled(home)
