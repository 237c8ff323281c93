"""What may stand in sessions/ on a real disk, and what a real disk may do."""

import contextlib
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrd.core.layout import Layout
from orchestrd.model.command import Spawn
from orchestrd.model.errors import RefusedError, TransientError
from orchestrd.model.ids import ID_ALPHABET, SessionId
from orchestrd.ports import Stored
from orchestrd.store.files import FileStore
from orchestrd.store.inbox import FileInbox, spool
from tests.store.benches import FileBench
from tests.store.making import ID, NOW, SPEC, a_session, following

OTHER = "bbbbbbbb"
HUGE_BYTES = 100 * 1024 * 1024


@pytest.fixture
def bench(tmp_path: Path) -> FileBench:
    return FileBench(tmp_path / "home")


def fifo(path: Path) -> None:
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_text("kept")


def symlink(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def dangling_symlink(path: Path) -> None:
    path.symlink_to("nowhere")


def bound_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(path.parent)  # an address of a socket is short
        listener.bind(path.name)
        os.chdir(here)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(HUGE_BYTES)


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


HOSTILE = [fifo, directory, symlink, dangling_symlink, bound_socket, huge, device]


@pytest.mark.parametrize("make", HOSTILE)
def test_what_takes_the_place_of_a_record_is_kept_and_the_record_stands(
    bench: FileBench, make: Callable[[Path], None]
) -> None:
    stored = bench.commit(a_session())
    path = Path(bench.layout.record(ID))
    before = path.read_bytes()
    path.unlink()
    make(path)

    (drift,) = bench.store.scan().drifts

    assert drift.session == ID
    assert os.path.lexists(drift.path or "")
    assert path.read_bytes() == before
    assert bench.store.scan().drifts == ()
    assert bench.commit(following(stored)).revision == 2


@pytest.mark.parametrize("make", HOSTILE)
def test_what_is_there_at_start_hides_no_session(bench: FileBench, make: Callable[[Path], None]) -> None:
    stored = bench.commit(a_session())
    path = Path(bench.layout.record(OTHER))
    make(path)

    recovered = bench.restart()
    (drift,) = recovered.drifts

    assert recovered.sessions == (stored,)
    assert os.path.lexists(drift.path or "")
    assert not os.path.lexists(path)


@pytest.mark.parametrize("make", HOSTILE)
def test_what_comes_later_is_told_once(bench: FileBench, make: Callable[[Path], None]) -> None:
    bench.commit(a_session())
    make(Path(bench.layout.record(OTHER)))
    make(Path(bench.layout.sessions) / "foreign")

    drifts = bench.store.scan().drifts

    assert len(drifts) == 2
    assert os.path.lexists(f"{bench.layout.sessions}/foreign")
    assert bench.store.scan().drifts == ()


def test_a_name_that_is_no_text_is_told_as_one(bench: FileBench) -> None:
    (Path(bench.layout.sessions) / os.fsdecode(b"n\xff\n")).write_bytes(b"")

    (drift,) = bench.store.scan().drifts

    assert (drift.error or "").isprintable()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_record_is_kept_and_written_again(bench: FileBench) -> None:
    bench.commit(a_session())
    Path(bench.layout.record(ID)).chmod(0)

    (drift,) = bench.store.scan().drifts

    assert "cannot be read" in (drift.error or "")
    assert stat.S_IMODE(Path(bench.layout.record(ID)).stat().st_mode) == 0o600


def test_a_flood_of_files_is_dealt_with_a_bounded_part_at_a_time(bench: FileBench) -> None:
    bench.commit(a_session())
    for number in range(150):
        (Path(bench.layout.sessions) / f"foreign {number}").touch()

    told = [len(bench.store.scan().drifts) for _ in range(4)]

    assert told == [64, 64, 22, 0]


def test_a_flood_at_start_is_dealt_with_too(bench: FileBench) -> None:
    bench.commit(a_session())
    for number in range(100):
        Path(bench.layout.record(f"bbbbbb{ID_ALPHABET[number // 10]}{ID_ALPHABET[number % 10]}")).touch()

    recovered = bench.restart()
    later = [len(bench.store.scan().drifts) for _ in range(2)]

    assert [session.id for session in recovered.sessions] == [ID]
    assert [len(recovered.drifts), *later] == [64, 36, 0]


def test_a_directory_that_cannot_be_listed_changes_nothing(bench: FileBench) -> None:
    bench.commit(a_session())
    sessions = Path(bench.layout.sessions)
    sessions.rename(sessions.with_name("elsewhere"))

    with pytest.raises(TransientError, match="cannot list"):
        bench.store.scan()
    sessions.with_name("elsewhere").rename(sessions)

    assert bench.store.scan().drifts == ()


# ---- modes and places


def test_everything_in_a_home_is_for_its_owner_alone(bench: FileBench) -> None:
    bench.commit(a_session())

    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in Path(bench.layout.home).rglob("*")}

    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_a_home_that_others_could_read_is_tightened(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "sessions").mkdir(parents=True)
    for path in (home, home / "sessions"):
        path.chmod(0o777)

    FileBench(home)

    assert {stat.S_IMODE(path.stat().st_mode) for path in (home, home / "sessions")} == {0o700}


def test_a_home_is_made_with_its_parents(tmp_path: Path) -> None:
    bench = FileBench(tmp_path / "not" / "yet" / "there")

    assert bench.recovered.home.epoch == 1


def test_a_home_that_cannot_be_one_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")

    with pytest.raises(RefusedError, match=r"cannot use the home .*/home: Not a directory") as refusal:
        FileStore(Layout(str(tmp_path / "home"))).recover(NOW)

    assert refusal.value.code == "home_unusable"


def test_what_a_crash_left_unfinished_is_swept(bench: FileBench) -> None:
    left = [
        Path(bench.layout.sessions) / ".aaaaaaaa.json.tmp",
        Path(bench.layout.home) / ".home.json.tmp",
        Path(bench.layout.secrets) / ".aaaaaaaa.env.tmp",
        Path(bench.layout.inbox_tmp) / "old",
    ]
    for path in left:
        path.write_bytes(b"{")
    young = Path(bench.layout.inbox_tmp) / "young"
    young.touch()
    os.utime(left[-1], (0, 0))
    os.utime(young, (NOW.at.timestamp(),) * 2)

    recovered = bench.restart()

    assert [path for path in left if path.exists()] == []
    assert young.exists()
    assert recovered.drifts == ()


def test_what_was_written_for_a_spawn_that_came_to_nothing_goes_with_the_next_start(bench: FileBench) -> None:
    stored, read_only, spooled, spoiled, orphan, young = (letter * 8 for letter in "abcdef")
    for session in (stored, read_only, spoiled):
        bench.commit(a_session(session))
    bench.edit(bench.layout.record(read_only), lambda record: record.update(schema=99))
    bench.put(bench.layout.record(spoiled), b"{")
    spool(bench.layout, Spawn(session=SessionId(spooled), spec=SPEC), 1)
    bench.put(f"{bench.layout.inbox_new}/{2:020d}-{orphan}.json", b"is set aside by the daemon")
    FileInbox(bench.layout).take(f"{2:020d}-{orphan}.json")
    for session in (stored, read_only, spooled, spoiled, orphan, young):
        for path in (bench.layout.secret(session), bench.layout.prompt(session)):
            bench.put(path, b"secret")
            os.utime(path, (NOW.at.timestamp(),) * 2 if session == young else (0, 0))
    Path(bench.layout.prompts, "notes").touch()
    os.utime(Path(bench.layout.prompts, "notes"), (0, 0))

    for _ in range(2):
        bench.restart()

        kept = [stored, read_only, spooled, spoiled, young]
        assert bench.names(bench.layout.prompts) == sorted([*kept, "notes"])
        assert bench.names(bench.layout.secrets) == sorted(f"{session}.env" for session in kept)


# ---- a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB, for root."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_rejects_commits_and_loses_none_that_was_answered(small_disk: Path) -> None:
    bench = FileBench(small_disk / "home")
    stored = bench.commit(a_session())
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass

    (answer,) = bench.store.commit([following(stored, error="y" * 4096)])
    filler.unlink()
    (again,) = bench.store.commit([following(stored)])

    assert isinstance(answer, TransientError)
    assert "No space left" in answer.message
    assert isinstance(again, Stored)
    assert [event.sequence for event in again.events] == [2]
    assert bench.restart().sessions == (again.record,)
    assert [line["sequence"] for line in bench.lines()] == [1, 2]
