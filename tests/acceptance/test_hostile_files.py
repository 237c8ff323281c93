"""Hostile files where records belong: quarantine and a word about it, while everybody else goes on."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from orchestrd.model.errors import TransientError
from orchestrd.model.event import Event
from tests.acceptance import agents
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until

PRECIOUS = "nobody may read this, or change it"
Put = Callable[[Path, bytes], None]


def _precious(path: Path) -> Path:
    return next(found for parent in path.parents if (found := parent / "precious").exists())


def _truncated(path: Path, record: bytes) -> None:
    path.write_bytes(record[: len(record) // 2])


def _empty(path: Path, record: bytes) -> None:
    path.write_bytes(b"")


def _binary(path: Path, record: bytes) -> None:
    path.write_bytes(os.urandom(4_096))


def _100_mb(path: Path, record: bytes) -> None:
    path.write_bytes(record)
    os.truncate(path, 100 * 1024 * 1024)


def _deep(path: Path, record: bytes) -> None:
    path.write_bytes(b"[" * 200_000)


def _no_utf8(path: Path, record: bytes) -> None:
    path.write_bytes(record.replace(b'"name": "', b'"name": "\xff\xfe'))


def _duplicate(path: Path, record: bytes) -> None:
    """Hold what belongs under another name."""
    path.write_bytes(record.replace(b'"id": "', b'"id": "z', 1))


def _fifo(path: Path, record: bytes) -> None:
    os.mkfifo(path)


def _directory(path: Path, record: bytes) -> None:
    path.mkdir()
    (path / "inside").write_text("something")


def _socket(path: Path, record: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's address is short
        try:
            bound.bind(path.name)
        finally:
            os.chdir(here)


def _symlink(path: Path, record: bytes) -> None:
    path.symlink_to(_precious(path))


def _dangling(path: Path, record: bytes) -> None:
    path.symlink_to("/nowhere")


def _link(path: Path, record: bytes) -> None:
    os.link(_precious(path), path)


HOSTILE: tuple[Put, ...] = (
    _truncated,
    _empty,
    _binary,
    _100_mb,
    _deep,
    _no_utf8,
    _duplicate,
    _fifo,
    _directory,
    _socket,
    _symlink,
    _dangling,
    _link,
)


def _id(number: int) -> str:
    return "hostile" + "abcdefghijklmnopqrstuvwxyz"[number]


@pytest.fixture
def two(home: Home) -> tuple[Home, str, str]:
    """Give a home with one session that runs and one that has ended."""
    (home.place / "precious").write_text(PRECIOUS)
    home.start()
    running, ended = home.spawn(agents.STEADY), home.spawn(agents.ends_with(0))
    home.until_over(ended)
    home.reach(running, "running")
    return home, running, ended


def _rejections(home: Home) -> list[Event]:
    return [event for event in home.journal() if event.type == "record_rejected"]


def _go_on(home: Home, running: str, ended: str) -> None:
    """See that the others have noticed nothing."""
    told = home.documents()
    assert (told[running].state, told[ended].state) == ("running", "completed")
    assert home.mark(f"{running}.touched") == []
    assert (home.place / "precious").read_text() == PRECIOUS
    new = home.spawn(agents.ends_with(3))
    assert home.until_over(new)[new].exit_code == 3
    home.kill(running)
    home.reach(running, "cancelled")


@pytest.mark.parametrize("is_running", [True, False], ids=["while the daemon runs", "before it starts"])
def test_what_is_no_record_goes_to_quarantine_whole_and_the_others_go_on(
    two: tuple[Home, str, str], *, is_running: bool
) -> None:
    home, running, ended = two
    record = Path(home.layout.record(ended)).read_bytes()
    if not is_running:
        home.daemons[-1].kill()

    for number, put in enumerate(HOSTILE):
        put(Path(home.layout.record(_id(number))), record)
    if not is_running:
        home.start()
    until(lambda: len(_rejections(home)) >= len(HOSTILE), "each is told of")

    kept = {path.name.partition(".")[0]: path for path in Path(home.layout.quarantine).iterdir()}
    assert sorted(kept) == [_id(number) for number in range(len(HOSTILE))]
    assert kept[_id(HOSTILE.index(_100_mb))].stat().st_size == 100 * 1024 * 1024
    assert kept[_id(HOSTILE.index(_symlink))].is_symlink()  # not a copy of what it leads to
    assert kept[_id(HOSTILE.index(_fifo))].is_fifo()
    assert (kept[_id(HOSTILE.index(_directory))] / "inside").read_text() == "something"
    assert {event.path for event in _rejections(home)} == set(map(str, kept.values()))
    assert home.facts().rejected == len(HOSTILE)
    assert PRECIOUS not in "".join(path.read_text() for path in home.segments())
    _go_on(home, running, ended)


def test_a_record_that_another_hand_has_spoiled_is_written_again(two: tuple[Home, str, str]) -> None:
    home, running, ended = two
    path = Path(home.layout.record(running))
    before, record = home.record(running), path.read_bytes()

    for number, put in enumerate(HOSTILE, start=1):
        hidden = path.with_name(".hostile")
        put(hidden, record)
        path.unlink()
        hidden.rename(path)
        until(lambda number=number: len(_rejections(home)) >= number, f"{put.__name__} is told of")  # type: ignore[misc]

        assert home.record(running).revision == before.revision
        assert _rejections(home)[-1].session == running

    assert len(home.quarantined()) >= len(HOSTILE) - 1  # a scan may fall between the two steps, and find it deleted
    _go_on(home, running, ended)


def test_a_record_that_was_deleted_is_written_again(two: tuple[Home, str, str]) -> None:
    home, running, ended = two
    path = Path(home.layout.record(running))

    path.unlink()
    until(path.exists, "it is there again")

    _go_on(home, running, ended)


def test_a_valid_record_of_a_higher_revision_is_adopted(two: tuple[Home, str, str]) -> None:
    home, running, ended = two
    path = Path(home.layout.record(running))
    document = msgspec.json.decode(path.read_bytes())
    document["spec"]["name"] = "renamed by hand"
    document["revision"] += 100
    draft = path.with_suffix(".mine")
    draft.write_bytes(msgspec.json.encode(document))
    draft.rename(path)

    until(lambda: home.show(running).name == "renamed by hand", "it is adopted")

    assert home.show(running).revision > document["revision"]
    assert [event.session for event in home.journal() if event.type == "record_replaced"] == [running]
    _go_on(home, running, ended)


@pytest.mark.parametrize(
    "change", [{"schema": 99, "mood": "cheerful"}, {"state": "meditating"}], ids=["schema", "word"]
)
@pytest.mark.parametrize("is_running", [True, False], ids=["while the daemon runs", "before it starts"])
def test_a_record_of_the_future_is_shown_and_never_touched(
    two: tuple[Home, str, str], change: dict[str, object], *, is_running: bool
) -> None:
    home, running, ended = two
    future = "futureaa"
    document = msgspec.json.decode(Path(home.layout.record(ended)).read_bytes())
    data = msgspec.json.encode({**document, **change, "id": future, "events": []})
    path = Path(home.layout.record(future))
    if not is_running:
        home.daemons[-1].kill()

    path.with_suffix(".mine").write_bytes(data)
    path.with_suffix(".mine").rename(path)
    if not is_running:
        home.start()
    until(lambda: future in home.documents(), "it is shown")

    with pytest.raises(Exception, match="newer orchestrd"):
        home.revive(future)
    assert home.documents()[future].name == home.documents()[ended].name
    assert home.quarantined() == []
    _go_on(home, running, ended)
    assert path.read_bytes() == data


def test_foreign_files_are_left_alone_and_told_of_once(two: tuple[Home, str, str]) -> None:
    home, running, ended = two
    names = ["notes.txt", "README", "..json", "-rf", "new\nline.json", "UPPERCAS.json", "toolongid.json", "\udcff.json"]
    for name in names:
        Path(home.layout.sessions, name).write_text("mine")

    shown = [name for name in names if not name.startswith(".")]
    until(lambda: len(_rejections(home)) >= len(shown), "each is told of")
    _go_on(home, running, ended)

    assert all(Path(home.layout.sessions, name).read_text() == "mine" for name in names)
    assert len(_rejections(home)) == len(shown)
    assert all((event.error or "").isprintable() for event in _rejections(home))


def test_a_record_without_read_permission_goes_to_quarantine(bound_home: Home) -> None:
    home = bound_home
    (home.place / "precious").write_text(PRECIOUS)
    running, ended = home.spawn(agents.STEADY), home.spawn(agents.ends_with(0))
    home.until_over(ended)
    home.reach(running, "running")
    path = Path(home.layout.record("hostilez"))
    hidden = path.with_name(".hostile")
    hidden.write_bytes(Path(home.layout.record(ended)).read_bytes())
    hidden.chmod(0)

    hidden.rename(path)
    until(lambda: _rejections(home), "it is told of")

    assert len(home.quarantined()) == 1
    assert "Permission denied" in (_rejections(home)[0].error or "")
    _go_on(home, running, ended)


def test_a_sessions_directory_that_may_not_be_listed_ends_nothing(bound_home: Home) -> None:
    home = bound_home
    running = home.spawn(agents.STEADY)
    home.reach(running, "running")
    sessions = Path(home.layout.sessions)

    sessions.chmod(0)
    until(lambda: "cannot list" in home.daemons[-1].words(), "it is said")
    with pytest.raises(TransientError):
        home.stop(running)
    assert home.show(running).state == "running"
    sessions.chmod(0o700)

    home.kill(running)
    home.reach(running, "cancelled")
    assert home.mark(f"{running}.touched") == []


@pytest.mark.parametrize("tail", [b"\0" * 512, b'{"sequence": 99', b"no json\n", b'{"sequence":1}\n'], ids=repr)
def test_a_spoiled_end_of_the_journal_is_cut_kept_and_told_of(two: tuple[Home, str, str], tail: bytes) -> None:
    home, running, ended = two
    home.daemons[-1].kill()
    before = home.journal()
    with home.segments()[-1].open("ab") as segment:
        segment.write(tail)

    home.start()

    events = home.journal()
    assert events[: len(before)] == before
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [Path(home.layout.quarantine, name).read_bytes() for name in home.quarantined()] == [tail]
    until(lambda: _rejections(home), "it is told of")
    _go_on(home, running, ended)


@pytest.mark.parametrize("put", [_empty, _binary, _fifo, _symlink, _deep], ids=lambda put: put.__name__)
def test_a_spoiled_home_record_costs_neither_a_session_nor_the_order_of_epochs(
    two: tuple[Home, str, str], put: Put
) -> None:
    home, running, ended = two
    home.daemons[-1].kill()
    epoch = home.record(running).epoch
    Path(home.layout.home_record).unlink()
    put(Path(home.layout.sessions).parent / "home.json", b"")

    home.start()

    assert home.record_of_home().epoch > epoch
    _go_on(home, running, ended)
