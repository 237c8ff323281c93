"""What every disk promises: the real one, the one in memory, and the one that simulates power cuts."""

import os
import resource
import signal
import stat
from pathlib import Path

import pytest

from orchestrd.model.errors import RefusedError
from orchestrd.store.disk import Disk, LocalDisk, kind_of, place
from orchestrd.store.memory import MemoryDisk
from tests.store.simdisk import SimDisk


@pytest.fixture(params=[LocalDisk, MemoryDisk, SimDisk])
def disk(request: pytest.FixtureRequest) -> Disk:
    made: Disk = request.param()
    return made


@pytest.fixture
def here(disk: Disk, tmp_path: Path) -> str:
    disk.make_directory(f"{tmp_path}/here")
    return f"{tmp_path}/here"


def test_what_is_written_is_read_in_any_part(disk: Disk, here: str) -> None:
    disk.write(f"{here}/file", b"0123456789")

    assert disk.read(f"{here}/file", 100) == b"0123456789"
    assert disk.read(f"{here}/file", 3, 4) == b"456"
    assert disk.read(f"{here}/file", 3, 40) == b""


def test_a_write_takes_the_place_of_what_was_left_there(disk: Disk, here: str) -> None:
    first = disk.write(f"{here}/file", b"left by a crash")

    second = disk.write(f"{here}/file", b"new")

    assert disk.read(f"{here}/file", 100) == b"new"
    assert first != second == disk.stamp(f"{here}/file")


def test_a_stamp_tells_mode_and_size_and_stays_under_a_new_name(disk: Disk, here: str) -> None:
    stamp = disk.write(f"{here}/draft", b"12345")

    disk.rename(f"{here}/draft", f"{here}/file")

    assert (stat.S_ISREG(stamp[0]), stat.S_IMODE(stamp[0]), stamp[3], kind_of(stamp)) == (True, 0o600, 5, None)
    assert disk.scan(here) == {"file": stamp}
    assert disk.stamp(f"{here}/draft") is None


def test_a_listing_names_directories_too(disk: Disk, here: str) -> None:
    disk.make_directory(f"{here}/inner")
    disk.write(f"{here}/inner/file", b"12345")

    (name,), (stamp,) = disk.scan(here).keys(), disk.scan(here).values()

    assert (name, kind_of(stamp), stat.S_IMODE(stamp[0])) == ("inner", "a directory", 0o700)


def test_a_rename_replaces(disk: Disk, here: str) -> None:
    disk.write(f"{here}/file", b"old")

    place(disk, f"{here}/file", b"new")

    assert disk.read(f"{here}/file", 100) == b"new"
    assert list(disk.scan(here)) == ["file"]


def test_a_link_is_a_second_name_and_replaces_nothing(disk: Disk, here: str) -> None:
    disk.write(f"{here}/file", b"data")
    disk.write(f"{here}/other", b"other")

    disk.link(f"{here}/file", f"{here}/second")
    with pytest.raises(FileExistsError):
        disk.link(f"{here}/file", f"{here}/other")
    disk.unlink(f"{here}/file")
    disk.unlink(f"{here}/file")

    assert disk.read(f"{here}/second", 100) == b"data"
    assert disk.read(f"{here}/other", 100) == b"other"


def test_a_tail_grows_and_is_cut(disk: Disk, here: str) -> None:
    tail = disk.tail(f"{here}/file")
    tail.append(b"one ")
    tail.append(b"two ")
    tail.sync()
    tail.cut(4)
    tail.append(b"three")
    tail.close()
    again = disk.tail(f"{here}/file")
    again.append(b" four")
    again.close()

    assert disk.read(f"{here}/file", 100) == b"one three four"


def test_what_is_not_there_is_an_error_that_says_so(disk: Disk, here: str) -> None:
    with pytest.raises(FileNotFoundError):
        disk.read(f"{here}/nothing", 1)
    with pytest.raises(FileNotFoundError):
        disk.rename(f"{here}/nothing", f"{here}/file")
    with pytest.raises(FileNotFoundError):
        disk.scan(f"{here}/nothing")
    with pytest.raises(FileNotFoundError):
        disk.write(f"{here}/nothing/file", b"")
    with pytest.raises(FileNotFoundError):
        disk.sync_directory(f"{here}/nothing")


def test_a_lock_is_held_until_it_is_released(disk: Disk, here: str) -> None:
    lock = disk.lock(f"{here}/lock")

    with pytest.raises(RefusedError, match="already running"):
        disk.lock(f"{here}/lock")
    lock.release()
    disk.lock(f"{here}/lock").release()


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(OSError, match="a FIFO"):
        LocalDisk().read(str(tmp_path / "fifo"), 10)
    with pytest.raises(OSError, match="a directory"):
        LocalDisk().read(str(tmp_path), 10)


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
        with pytest.raises(OSError, match="too large"):
            LocalDisk().write(str(tmp_path / "file"), b"x" * 2_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)

    assert LocalDisk().scan(str(tmp_path)) == {}
