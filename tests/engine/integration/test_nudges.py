"""The nudge FIFO is a real one, on the real loop: who writes into it must never wait, whatever the daemon does."""

import asyncio
import os
import stat
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrd.engine.nudges import NudgeFifo
from orchestrd.model.errors import OrchestrdError

WAIT_S = 5.0


class Heard:
    """Who was nudged, and a way to wait for it."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._grown = asyncio.Event()

    def __call__(self, session: str) -> None:
        self.names.append(session)
        self._grown.set()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while len(self.names) < count:
                self._grown.clear()
                await self._grown.wait()


@pytest.fixture
async def heard(tmp_path: Path) -> AsyncIterator[Heard]:
    heard = Heard()
    fifo = NudgeFifo(str(tmp_path / "nudge"), heard, _raise)
    await fifo.start()
    yield heard
    await fifo.stop()


async def test_a_line_of_plain_sh_nudges_its_session(heard: Heard, tmp_path: Path) -> None:
    fifo = tmp_path / "nudge"

    await asyncio.to_thread(
        subprocess.run,
        ["sh", "-c", f"echo aaaaaaaa:1:x | dd oflag=nonblock conv=notrunc,nocreat of={fifo} 2>&1"],
        check=True,
    )
    await heard.wait_for(1)

    assert heard.names == ["aaaaaaaa"]


async def test_lines_that_name_no_session_are_passed_over(heard: Heard, tmp_path: Path) -> None:
    write(tmp_path / "nudge", b"\xff\xfe\n../x\n\nAAAAAAAA\naaaaaaaa\n")

    await heard.wait_for(1)

    assert heard.names == ["aaaaaaaa"]


async def test_many_nudges_in_one_read_are_one_each(heard: Heard, tmp_path: Path) -> None:
    write(tmp_path / "nudge", b"aaaaaaaa\n" * 50 + b"bbbbbbbb\n" * 50)

    await heard.wait_for(2)

    assert sorted(heard.names) == ["aaaaaaaa", "bbbbbbbb"]


async def test_the_fifo_is_private(heard: Heard, tmp_path: Path) -> None:
    mode = os.lstat(tmp_path / "nudge").st_mode

    assert stat.S_ISFIFO(mode)
    assert stat.S_IMODE(mode) == 0o600


async def test_a_fifo_that_is_there_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "nudge"
    os.mkfifo(path, 0o600)
    inode = os.lstat(path).st_ino
    fifo = NudgeFifo(str(path), Heard(), _raise)

    await fifo.start()
    await fifo.stop()

    assert os.lstat(path).st_ino == inode


async def test_what_lies_in_its_place_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "nudge"
    path.write_text("not a FIFO")
    heard = Heard()
    fifo = NudgeFifo(str(path), heard, _raise)

    await fifo.start()
    write(path, b"aaaaaaaa\n")
    await heard.wait_for(1)
    await fifo.stop()

    assert heard.names == ["aaaaaaaa"]


async def test_what_cannot_be_replaced_fails_the_start(tmp_path: Path) -> None:
    path = tmp_path / "nudge"
    path.mkdir()
    fifo = NudgeFifo(str(path), Heard(), _raise)

    with pytest.raises((OSError, OrchestrdError)):
        await fifo.start()
    await fifo.stop()


async def test_a_read_that_finds_nothing_is_nothing(heard: Heard, tmp_path: Path) -> None:
    fifo = NudgeFifo(str(tmp_path / "other"), heard, _raise)
    await fifo.start()

    fifo._read()
    await fifo.stop()

    assert heard.names == []


def write(path: Path, data: bytes) -> None:
    """Write as a hook does: without waiting for anyone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def _raise(what: str, error: BaseException | None) -> None:
    raise AssertionError(what) from error
