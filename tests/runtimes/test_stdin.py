"""Typing into a FIFO: whole or not at all."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.model.errors import RefusedError
from orchestrd.runtimes.stdin import PIPE_BUF, open_to_type, pipe_size, room_in, type_line, unread_bytes


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[tuple[str, int]]:
    path = str(tmp_path / "stdin")
    os.mkfifo(path)
    reader = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    yield path, reader
    os.close(reader)


@given(
    writes=st.lists(st.integers(1, 20_000), max_size=20),
    reads=st.lists(st.integers(0, 9_000), max_size=5),
    size=st.integers(1, 65_536),
)
def test_what_the_rule_says_there_is_room_for_goes_in_whole(writes: list[int], reads: list[int], size: int) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.set_blocking(reader, False)
    for index, count in enumerate(writes):
        try:
            os.write(writer, b"x" * count)
        except BlockingIOError:
            break
        if index < len(reads) and reads[index]:
            os.read(reader, reads[index])
    unread = unread_bytes(writer)

    if size <= room_in(pipe_size(writer), unread):
        assert os.write(writer, b"y" * size) == size
        assert unread_bytes(writer) == unread + size
    os.close(reader)
    os.close(writer)


def test_an_empty_pipe_takes_all_it_can_hold() -> None:
    assert room_in(65_536, 0) == 65_536
    assert room_in(65_536, 65_536) == 0


def test_a_line_is_typed_and_can_be_read(fifo: tuple[str, int]) -> None:
    path, reader = fifo

    typing = open_to_type(path)
    is_whole = type_line(typing, b"hello\n")

    assert is_whole
    assert os.read(reader, 100) == b"hello\n"
    os.close(typing)


@pytest.mark.parametrize("size", [10, PIPE_BUF + 1])
def test_a_full_pipe_refuses_and_keeps_what_it_had(fifo: tuple[str, int], size: int) -> None:
    path, reader = fifo
    typing = open_to_type(path)
    while True:
        try:
            os.write(typing, b"x" * 4096)
        except BlockingIOError:
            break
    held = unread_bytes(reader)

    with pytest.raises(RefusedError):
        type_line(typing, b"y" * size)

    assert unread_bytes(reader) == held
    os.close(typing)


def test_a_fifo_without_a_reader_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "stdin")
    os.mkfifo(path)

    with pytest.raises(RefusedError, match="nothing reads"):
        open_to_type(path)


def test_a_fifo_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="nothing reads the stdin of the run: No such file"):
        open_to_type(str(tmp_path / "stdin"))


def test_a_file_in_place_of_the_fifo_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "stdin").write_text("mine")

    with pytest.raises(RefusedError, match="no longer a FIFO"):
        open_to_type(str(tmp_path / "stdin"))

    assert (tmp_path / "stdin").read_text() == "mine"


def test_what_a_pipe_could_never_hold_is_not_taken_for_one_line(fifo: tuple[str, int]) -> None:
    path, _ = fifo
    typing = open_to_type(path)
    size = pipe_size(typing)
    text = b"a line\n" * size

    with pytest.raises(RefusedError) as refused:
        type_line(typing, text)

    assert refused.value.message == (
        f"{len(text)} bytes never fit at once into the stdin of a program, which holds {size}: "
        "put them into a file, and send its name"
    )
    os.close(typing)


def test_where_the_size_of_a_pipe_is_not_told_only_atomic_writes_are_made(
    fifo: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = fifo
    typing = open_to_type(path)
    monkeypatch.delattr(fcntl, "F_GETPIPE_SZ")

    with pytest.raises(RefusedError):
        type_line(typing, b"x" * (PIPE_BUF + 1))

    assert type_line(typing, b"x" * PIPE_BUF)
    os.close(typing)
