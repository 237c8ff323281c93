"""Writing an answer for whoever holds a FIFO: only there, whole, without waiting, and past whatever else lies there."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrd.model.errors import RefusedError, TransientError
from orchestrd.runtimes import held
from orchestrd.runtimes.held import give_line, is_read


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "answers").mkdir()
    return tmp_path


def hold(run: Path, name: str = "d1") -> int:
    """Make a FIFO and hold it open, as a hook does."""
    os.mkfifo(run / "answers" / name)
    return os.open(run / "answers" / name, os.O_RDWR | os.O_NONBLOCK)


def a_file(run: Path) -> None:
    (run / "answers" / "d1").write_text("kept")


def a_link_to_a_fifo(run: Path) -> None:
    os.mkfifo(run / "elsewhere")
    (run / "answers" / "d1").symlink_to(run / "elsewhere")


def a_directory(run: Path) -> None:
    (run / "answers" / "d1").mkdir()


def nobody_who_reads(run: Path) -> None:
    os.mkfifo(run / "answers" / "d1")


def a_link_in_place_of_the_folder(run: Path) -> None:
    (run / "answers").rmdir()
    (run / "others").mkdir()
    (run / "answers").symlink_to(run / "others")
    os.mkfifo(run / "others" / "d1")


@pytest.mark.parametrize(
    "there", [a_file, a_link_to_a_fifo, a_directory, nobody_who_reads, a_link_in_place_of_the_folder]
)
def test_what_nobody_holds_is_refused_and_left_as_it_is(run: Path, there: Callable[[Path], None]) -> None:
    there(run)

    with pytest.raises(RefusedError, match="not asked any more") as refusal:
        give_line(str(run), "d1", b"yes")

    assert refusal.value.code == "not_asked"
    if there is a_file:
        assert (run / "answers" / "d1").read_text() == "kept"


@pytest.mark.parametrize("name", ["", ".", "..", "../stdin", ".hidden", "a/b", "a\0b", "d1\n", "é", "x" * 200])
def test_a_name_leads_nowhere_else(run: Path, name: str) -> None:
    os.mkfifo(run / "stdin")

    with pytest.raises(RefusedError, match="not asked any more"):
        give_line(str(run), name, b"yes")


async def test_a_line_is_written_whole_and_known_to_be_read(run: Path) -> None:
    reader = hold(run)
    line = b"x" * 40_000

    fifo = give_line(str(run), "d1", line)
    unread = await is_read(fifo)
    read = os.read(reader, 100_000)
    taken = await is_read(fifo)

    for descriptor in (fifo, reader):
        os.close(descriptor)
    assert read == line + b"\n"
    assert (unread, taken) == (False, True)


def test_a_line_behind_others_that_nobody_has_read_is_refused(run: Path) -> None:
    reader = hold(run)
    os.write(reader, b"x" * 60_000)
    before = len(list(Path("/proc/self/fd").iterdir()))

    with pytest.raises(RefusedError, match="do not fit"):
        give_line(str(run), "d1", b"y" * 10_000)

    assert len(list(Path("/proc/self/fd").iterdir())) == before
    os.close(reader)


def test_a_line_of_which_only_a_part_went_in_is_in_doubt(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = hold(run)
    monkeypatch.setattr(held, "type_line", lambda *_: False)

    with pytest.raises(TransientError, match="only a part"):
        give_line(str(run), "d1", b"yes")

    os.close(reader)
