"""`kill -9` right before chosen system calls of the daemon, while a session lives its whole life: no step is unsafe."""

import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from orchestrd.client import calls
from orchestrd.client.calls import Call
from orchestrd.model.document import Document
from orchestrd.model.errors import UnreachableError
from tests.acceptance import agents, truths
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until
from tests.acceptance.tmux import needs_tmux

# Counted per thread, as strace does; the ledger's thread is the one with the long life.
MOMENTS = (
    *(("rename", number) for number in range(1, 11)),
    *(("fsync", number) for number in (1, 8, *range(14, 38, 2))),
    *(("fdatasync", number) for number in (1, 2)),
    *(("link", number) for number in (1,)),
    *(("mkdir", number) for number in (2, 14)),
    *(("vfork", number) for number in (1,)),
)
# On the thread that starts one tmux after the other (is it fit, make the server ready, which panes, new-session; and at
# the end: nobody needs the server): before each, and when each has done its work and the daemon does not know of it.
TMUX_MOMENTS = (
    *(("vfork", number) for number in range(1, 6)),
    *(("wait4", number) for number in range(1, 6)),
    *(("rename", number) for number in (4, 5, 6, 7)),
    *(("fsync", number) for number in range(16, 26, 2)),
)
DONE_S = 20.0


def _strace(call: str, number: int) -> list[str]:
    """Kill the daemon instead of this call; the launchers that it starts are left alone."""
    inject = f"inject={call}:signal=KILL:when={number}"
    return [
        "strace",
        "-D",
        "-f",
        "-b",
        "execve",
        "--seccomp-bpf",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        f"trace={call}",
        "-e",
        inject,
    ]


def _may_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run([*_strace("rename", 1), "true"], check=False, capture_output=True).returncode == 0


@pytest.mark.timeout(240)
def test_a_life_of_a_session_is_the_same_wherever_its_daemon_is_killed(make_home: Callable[[str], Home]) -> None:
    if not _may_trace():
        pytest.skip("strace is not here, or may not trace")
    homes = [(make_home(f"{call}-{number}"), call, number) for call, number in MOMENTS]

    with ThreadPoolExecutor(2) as side_by_side:
        killed = list(side_by_side.map(lambda moment: _live_through(*moment), homes))

    assert sum(killed) >= len(MOMENTS) * 2 // 3  # some calls come less often than we count


@needs_tmux
@pytest.mark.timeout(240)
def test_a_session_in_tmux_is_begun_once_and_leaves_nothing_wherever_its_daemon_is_killed(
    make_home: Callable[[str], Home],
) -> None:
    if not _may_trace():
        pytest.skip("strace is not here, or may not trace")
    homes = [(make_home(f"{call}-{number}"), call, number, "tmux") for call, number in TMUX_MOMENTS]

    with ThreadPoolExecutor(2) as side_by_side:
        killed = list(side_by_side.map(lambda moment: _live_through(*moment), homes))

    assert sum(killed) >= len(TMUX_MOMENTS) * 2 // 3
    for home, *_ in homes:
        if home.daemons[-1].process.returncode:  # killed in its very last act
            home.start().stop()
        until(partial(_has_no_server, home), "a server that nobody needs has gone")


def _has_no_server(home: Home) -> bool:
    return not list(home.tmux.processes())


def _live_through(home: Home, call: str, number: int, runtime: str = "process") -> bool:
    """Let a session live under a daemon that dies at the moment, and tell whether it did."""
    daemon = home.begin(before=_strace(call, number), is_measured=False)
    request = home.request(agents.ends_with(4), prompt="do it", runtime=runtime)
    _insist(home, calls.spawn(request))
    deadline = time.monotonic() + DONE_S
    while (told := _insist(home, calls.show(request.id))).ended_at is None:
        assert time.monotonic() < deadline, f"{call} {number}: {told}"
        time.sleep(0.01)

    was_killed = daemon.has_ended()
    assert home.quarantined() == []
    home.daemons[-1].stop()
    events = home.journal()
    truths.journal_is_gapless(events)
    truths.no_step_was_skipped(events)
    truths.each_generation_ended_once(events)
    truths.journal_folds_to_the_records(home, events)
    truths.no_process_is_left(home)
    assert (told.state, told.exit_code, told.generation) == ("failed", 4, 1), (call, number)
    assert len(home.mark(request.id)) == 1, (call, number)
    return was_killed


def _insist(home: Home, call: Call[Document]) -> Document:
    """Ask until it is answered, with a new daemon where the old one has died."""
    deadline = time.monotonic() + DONE_S
    while True:
        try:
            return home.ask(call)
        except UnreachableError:
            assert time.monotonic() < deadline, call.target
            if home.daemons[-1].has_ended():
                home.begin(is_measured=False)
            time.sleep(0.01)
