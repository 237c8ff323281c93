"""One daemon per home, among real processes."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrd.core.layout import Layout
from orchestrd.model.errors import FaultError, RefusedError
from orchestrd.store.files import FileStore
from orchestrd.store.lock import HomeLock
from tests.store.benches import FileBench
from tests.store.making import NOW, a_session, following

HOLDER = """
import sys, time
from orchestrd.core.layout import Layout
from orchestrd.store.files import FileStore
from orchestrd.model.errors import RefusedError
from tests.store.making import NOW
try:
    store = FileStore(Layout(sys.argv[1]))
    epoch = store.recover(NOW).home.epoch
except RefusedError as error:
    print(error.code, error.message, flush=True)
else:
    print("holds", epoch, flush=True)
    child = __import__("subprocess").Popen(["sleep", "60"], stdout=-3) if "child" in sys.argv else None
    if child:
        print(child.pid, flush=True)
    sys.stdin.read()
"""


def start(home: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_of_many_that_start_at_once_one_lives_and_the_others_name_it(tmp_path: Path) -> None:
    starters = [start(tmp_path / "home") for _ in range(8)]
    answers = {process.pid: said(process) for process in starters}
    holders = [pid for pid, answer in answers.items() if answer.startswith("holds")]

    for process in starters:
        process.communicate()

    assert len(holders) == 1
    refused = [answer for pid, answer in answers.items() if pid not in holders]
    assert refused == [f"already_running a daemon is already running in this home (pid {holders[0]})"] * 7


def test_the_kernel_gives_the_lock_back_whatever_the_holder_left_running(tmp_path: Path) -> None:
    holder = start(tmp_path / "home", "child")
    assert said(holder) == "holds 1"
    child = int(said(holder))

    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    try:
        recovered = FileStore(Layout(str(tmp_path / "home"))).recover(NOW)
        os.kill(child, 0)  # it lives on, and holds nothing
    finally:
        os.kill(child, signal.SIGKILL)

    assert recovered.home.epoch == 2


def test_a_lock_file_that_is_replaced_protects_the_home_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("999999999\n")

    lock = HomeLock(str(path))
    with pytest.raises(RefusedError, match=rf"pid {os.getpid()}"):
        HomeLock(str(path))
    lock.release()
    lock.release()
    path.unlink()

    HomeLock(str(path)).release()


def test_a_lock_that_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic"):
        HomeLock(str(tmp_path / "lock"))


def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)

    with pytest.raises(RefusedError, match=r"cannot lock .*No locks available"):
        HomeLock(str(tmp_path / "lock"))


def test_where_the_kernel_does_not_say_who_holds_it_the_file_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = HomeLock(str(tmp_path / "lock"))

    def hidden(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", hidden)
    with pytest.raises(RefusedError, match=rf"pid {os.getpid()}"):
        HomeLock(str(tmp_path / "lock"))
    held.release()


def test_a_lock_file_that_is_replaced_again_and_again_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    real = fcntl.flock

    def replaced(descriptor: int, operation: int) -> None:
        real(descriptor, operation)
        path.unlink()

    monkeypatch.setattr(fcntl, "flock", replaced)

    with pytest.raises(RefusedError, match="again and again"):
        HomeLock(str(path))


def test_a_lock_knows_whether_the_next_comer_will_find_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "lock"
    lock = HomeLock(str(path))
    found = [lock.is_still_named()]

    path.unlink()
    found.append(lock.is_still_named())
    other = HomeLock(str(path))
    found.append(lock.is_still_named())
    shutil.rmtree(tmp_path / "run")
    (tmp_path / "run").touch()
    found.append(lock.is_still_named())

    assert found == [True, False, False, False]
    lock.release()
    other.release()


def test_where_nobody_can_say_who_holds_the_home_it_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = HomeLock(str(tmp_path / "lock"))

    def unreachable(*_: object, **__: object) -> os.stat_result:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    monkeypatch.setattr(os, "stat", unreachable)

    assert lock.is_still_named()


@pytest.mark.parametrize("is_taken", [False, True])
def test_nothing_is_committed_in_a_home_that_was_removed_under_its_daemon(tmp_path: Path, *, is_taken: bool) -> None:
    bench = FileBench(tmp_path / "home")
    record = bench.commit(a_session())
    shutil.rmtree(bench.layout.home)
    other = FileStore(bench.layout)
    if is_taken:
        other.recover(NOW)
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(FaultError, match="removed or replaced"):
        bench.store.scan()
    with pytest.raises(FaultError, match="removed or replaced"):
        bench.store.commit([following(record)])
    bench.store.close()

    assert sorted(tmp_path.rglob("*")) == before
