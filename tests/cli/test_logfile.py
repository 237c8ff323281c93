"""Reading a log that grows, is cut, and loses its head."""

import os
from pathlib import Path

import pytest

from orchestrd_cli.logfile import CHUNK_BYTES, LogFile

FALLOC_PUNCH_HOLE = 0x02 | 0x01  # with FALLOC_FL_KEEP_SIZE


def _read_all(log: LogFile) -> bytes:
    return b"".join(log.rest())


def _punch(path: Path, length: int) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDWR)
    try:
        done = libc.fallocate(descriptor, FALLOC_PUNCH_HOLE, ctypes.c_long(0), ctypes.c_long(length))
    finally:
        os.close(descriptor)
    if done != 0:
        pytest.skip("this file system punches no holes")


def test_a_log_that_is_not_there_yet_reads_as_empty(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "none"))

    log.skip_to_last(3)

    assert _read_all(log) == b""


def test_what_is_appended_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    log = LogFile(str(path))
    first = _read_all(log)
    with path.open("ab") as file:
        file.write(b"two\n")

    assert (first, _read_all(log), _read_all(log)) == (b"one\n", b"two\n", b"")


def test_a_log_that_was_emptied_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a long first line\n")
    log = LogFile(str(path))
    _read_all(log)

    path.write_bytes(b"new\n")

    assert _read_all(log) == b"new\n"


def test_a_punched_head_is_skipped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 8192 + b"kept\n")
    _punch(path, 8192)
    log = LogFile(str(path))

    assert _read_all(log) == b"kept\n"
    assert log.skipped_bytes == 8192


def test_a_reader_that_is_behind_when_the_head_goes_never_prints_zeros(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * (3 * CHUNK_BYTES) + b"kept\n")
    log = LogFile(str(path))
    first = log.read()
    _punch(path, 3 * CHUNK_BYTES)

    rest = _read_all(log)

    assert first == b"x" * CHUNK_BYTES
    assert rest == b"kept\n"
    assert log.skipped_bytes == 2 * CHUNK_BYTES


@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        (b"1\n2\n3\n", 2, b"2\n3\n"),
        (b"1\n2\n3", 2, b"2\n3"),
        (b"1\n2\n3\n", 9, b"1\n2\n3\n"),
        (b"1\n2\n3\n", 0, b""),
        (b"1\n2\n3", 0, b""),
        (b"\n\n\n", 1, b"\n"),
        (b"", 5, b""),
        (b"a" * (2 * CHUNK_BYTES) + b"\nlast\n", 1, b"last\n"),
        (b"first\n" + b"a" * (2 * CHUNK_BYTES) + b"\n", 1, b"a" * (2 * CHUNK_BYTES) + b"\n"),
    ],
)
def test_the_last_lines_are_found_from_the_end(tmp_path: Path, text: bytes, lines: int, expected: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(text)
    log = LogFile(str(path))

    log.skip_to_last(lines)

    assert _read_all(log) == expected


def test_the_last_lines_of_a_punched_log_begin_after_the_hole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x\n" * 4096 + b"1\n2\n")
    _punch(path, 8192)
    log = LogFile(str(path))

    log.skip_to_last(50)

    assert _read_all(log) == b"1\n2\n"
