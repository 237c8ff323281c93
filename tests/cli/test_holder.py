"""A daemon is found by the lock it holds, and nobody else is ever signalled."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError
from orchestrd_cli import holder
from tests.cli.fake_daemon import holding


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(str(tmp_path))
    Path(layout.run).mkdir()
    return layout


@pytest.fixture
def daemon(layout: Layout) -> Iterator["subprocess.Popen[bytes]"]:
    with holding(layout.lock) as process:
        yield process


def test_the_holder_is_found_and_can_be_ended(layout: Layout, daemon: "subprocess.Popen[bytes]") -> None:
    found = holder.find(layout)

    assert found is not None
    with found:
        assert found.pid == daemon.pid
        assert not found.ends_within(0.0)
        found.signal(signal.SIGTERM)
        assert found.ends_within(20.0)


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "99999999999999999999", "1 2"])
def test_a_lock_that_names_nobody_has_no_holder(layout: Layout, text: str) -> None:
    Path(layout.lock).write_text(text)

    assert holder.find(layout) is None


def test_a_home_without_a_lock_has_no_holder(layout: Layout) -> None:
    assert holder.find(layout) is None


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_lock_that_is_no_file_has_no_holder_and_is_not_waited_for(
    layout: Layout, make: Callable[[str], None]
) -> None:
    make(layout.lock)

    assert holder.find(layout) is None


def test_a_stranger_that_has_the_pid_by_now_is_none(layout: Layout) -> None:
    Path(layout.lock).write_text(f"{os.getpid()}\n")

    assert holder.find(layout) is None


def test_a_daemon_of_another_user_is_named_and_not_passed_over(
    layout: Layout, daemon: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holder, "find", lambda _: None)  # its open files are hidden from us
    ours = holder.stranger(layout)
    monkeypatch.setattr(os, "geteuid", lambda: 4321)

    with pytest.raises(RefusedError, match=rf"pid {daemon.pid}\) runs as another user") as refusal:
        holder.end(layout)

    assert ours is None
    assert (refusal.value.hint, holder.stranger(layout)) == (f"sudo kill {daemon.pid}", daemon.pid)


def test_a_process_of_another_user_that_holds_no_lock_is_no_daemon(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    found = []

    for text in (f"{os.getpid()}\n", "", "999999999\n"):
        Path(layout.lock).write_text(text)
        found.append(holder.stranger(layout))

    assert found == [None, None, None]


def test_one_that_has_ended_is_none(layout: Layout, daemon: "subprocess.Popen[bytes]") -> None:
    daemon.kill()
    daemon.wait()

    with Path(layout.lock).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert holder.find(layout) is None
