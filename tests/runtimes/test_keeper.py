"""The keeper as a process: it ends as its command did, and not before all that the command has left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrd.runtimes import keeper
from tests.processes import bearers, is_alive

WAIT_S = 60


def start(command: str, mark: str, parent: int | None = None, place: Path | None = None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, keeper.__file__, str(os.getpid() if parent is None else parent), command],
        env={**os.environ, "ORCH_RUN": mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        cwd=place,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", -15), ("kill -KILL $$", -9), ("kill -ABRT $$", -6)],
)
def test_it_ends_as_its_command_did(command: str, code: int, tmp_path: Path) -> None:
    with start(command, f"k{os.getpid()}.1", place=tmp_path) as kept:
        assert kept.wait(WAIT_S) == code

    assert list(tmp_path.iterdir()) == []  # no core


def test_it_begins_nothing_for_a_parent_that_is_gone(tmp_path: Path) -> None:
    with start("touch begun", f"k{os.getpid()}.2", parent=1, place=tmp_path) as kept:
        assert kept.wait(WAIT_S) == 0

    assert not (tmp_path / "begun").exists()


def test_it_does_not_end_before_what_its_command_has_left_behind() -> None:
    mark = f"k{os.getpid()}.3"

    with start("(setsid sleep 300 & echo $!); exit 3", mark) as kept:
        assert kept.wait(WAIT_S) == 3
        assert kept.stdout is not None
        left = int(kept.stdout.read())

    assert not is_alive(left)
    assert bearers(mark) == []


def test_it_is_told_to_end_and_ends_a_command_that_will_not() -> None:
    mark = f"k{os.getpid()}.4"

    with start("trap '' TERM; echo $$; while :; do sleep 0.1; done", mark) as kept:
        assert kept.stdout is not None
        shell = int(kept.stdout.readline())
        kept.send_signal(signal.SIGTERM)
        assert kept.wait(WAIT_S) == -signal.SIGTERM

    assert not is_alive(shell)
    assert bearers(mark) == []


def test_a_command_may_send_signals_to_its_group_and_hits_nobody_else() -> None:
    with start("trap '' TERM; kill -TERM 0; echo alive", f"k{os.getpid()}.5") as kept:
        assert kept.stdout is not None
        assert kept.stdout.read() == "alive\n"
        assert kept.wait(WAIT_S) == 0
