"""The pidfds that are held."""

import os
import select
import subprocess
import sys
from types import FrameType
from typing import Any

import pytest

from orchestrd.model.ids import SessionId
from orchestrd.runtimes.watchlist import RunKey, Watchlist

KEY: RunKey = (SessionId("watchaaa"), 1)


def spawn(*argv: str) -> tuple[int, int]:
    pid = os.posix_spawnp(argv[0], argv, {"PATH": os.environ["PATH"]})
    return pid, os.pidfd_open(pid)


def wait_readable(watchlist: Watchlist) -> None:
    watched = watchlist.fileno()
    assert watched is not None
    assert select.select([watched], [], [], 10.0)[0]


def test_an_end_is_told_once_and_the_child_is_reaped() -> None:
    watchlist = Watchlist()
    pid, pidfd = spawn("true")
    watchlist.add(KEY, pidfd)

    wait_readable(watchlist)
    ended = [watchlist.ended(), watchlist.ended()]

    assert ended == [[KEY], []]
    assert not watchlist.holds(KEY)
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    watchlist.close()


def test_a_run_is_held_until_its_process_ends() -> None:
    watchlist = Watchlist()
    pid, pidfd = spawn("sleep", "300")
    watchlist.add(KEY, pidfd)

    before = (watchlist.ended(), watchlist.holds(KEY))
    os.kill(pid, 9)
    wait_readable(watchlist)
    watchlist.ended()

    assert before == ([], True)
    assert not watchlist.holds(KEY)
    watchlist.close()


def test_a_forgotten_run_is_reaped_without_a_word() -> None:
    watchlist = Watchlist()
    pid, pidfd = spawn("true")
    watchlist.add(KEY, pidfd)

    watchlist.forget(KEY)
    wait_readable(watchlist)

    assert watchlist.ended() == []
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    watchlist.close()


def test_a_run_that_is_forgotten_between_any_two_steps_of_being_added_is_let_go() -> None:
    watchlist = Watchlist()
    _, pidfd = spawn("true")

    def forget(frame: FrameType, event: str, argument: object) -> Any:
        """Do on the way what the loop may do while the thread adds."""
        frame.f_trace_opcodes = True
        if frame.f_code is Watchlist.add.__code__:
            watchlist.forget(KEY)
        return forget

    before = sys.gettrace()
    sys.settrace(forget)
    watchlist.add(KEY, pidfd)
    sys.settrace(before)
    wait_readable(watchlist)
    watchlist.ended()

    assert watchlist.ended() == []
    assert not watchlist.holds(KEY)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(pidfd)
    watchlist.close()


def test_a_process_that_is_no_child_of_ours_can_be_watched_too() -> None:
    watchlist = Watchlist()
    shell = subprocess.Popen(["sh", "-c", "sleep 300 & echo $!"], stdout=subprocess.PIPE)
    assert shell.stdout is not None
    pid = int(shell.stdout.readline())
    shell.stdout.close()
    shell.wait()
    watchlist.add(KEY, os.pidfd_open(pid))

    os.kill(pid, 9)
    wait_readable(watchlist)

    assert watchlist.ended() == [KEY]
    watchlist.close()


def test_a_child_that_cannot_be_held_is_reaped_by_its_pid() -> None:
    watchlist = Watchlist()
    quick, slow = (os.posix_spawnp(argv[0], argv, os.environ) for argv in (["true"], ["sleep", "300"]))
    for pid in (quick, slow):
        watchlist.add_child(pid)
    os.waitid(os.P_PID, quick, os.WEXITED | os.WNOWAIT)

    told = watchlist.ended()

    assert told == []
    with pytest.raises(ChildProcessError):
        os.waitpid(quick, os.WNOHANG)
    os.kill(slow, 9)
    assert os.waitpid(slow, 0)[0] == slow
    assert watchlist.ended() == []
    watchlist.close()


def test_where_there_are_no_pidfds_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    watchlist = Watchlist()

    assert (watchlist.fileno(), watchlist.ended(), watchlist.holds(KEY)) == (None, [], False)
    watchlist.close()
