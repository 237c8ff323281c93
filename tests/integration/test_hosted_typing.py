"""How a message reaches a run that has a host: as a file, whose name is typed."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrd.model.limits import MESSAGE_BYTES_MAX, STDIN_PIPE_BYTES
from orchestrd.model.run import Run
from orchestrd.model.words import Receipt
from orchestrd.testing.contracts.runtime import SLEEPS, started
from tests.integration.process_stage import ProcessStage

TEXT = "ä" * (MESSAGE_BYTES_MAX // 2)


@pytest.fixture
def home(tmp_path: Path) -> ProcessStage:
    return ProcessStage(tmp_path)


@pytest.fixture
async def stage(home: ProcessStage) -> AsyncIterator[ProcessStage]:
    yield home
    await home.clear()


async def hosted(stage: ProcessStage) -> tuple[Run, Path]:
    """Start a run that has the place of a host, and reads nothing."""
    run = await started(stage, SLEEPS)
    place = Path(stage.directory(run), "messages")
    await asyncio.to_thread(place.mkdir)
    return run, place


def texts(place: Path) -> list[str]:
    return sorted(path.read_text() for path in place.iterdir())


def fill(fifo: str) -> None:
    """Leave no room in a FIFO."""
    opened = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    os.write(opened, b"x" * STDIN_PIPE_BYTES)
    os.close(opened)


async def test_a_message_of_any_size_counts_as_typed_for_the_host_tells_when_it_is_taken(stage: ProcessStage) -> None:
    run, place = await hosted(stage)

    receipts = [await stage.runtime.deliver(run, text) for text in (TEXT, "two\nlines")]
    await stage.runtime.press_enter(run)

    assert receipts == [(Receipt.TYPED, None)] * 2
    assert await asyncio.to_thread(texts, place) == sorted([TEXT, "two\nlines"])


async def test_a_message_whose_name_finds_no_room_is_refused_and_taken_back(stage: ProcessStage) -> None:
    run, place = await hosted(stage)
    await asyncio.to_thread(fill, f"{stage.directory(run)}/stdin")

    receipt, error = await stage.runtime.deliver(run, "hello")

    assert receipt is Receipt.REFUSED
    assert "takes no more" in (error or "")
    assert await asyncio.to_thread(texts, place) == []


async def test_a_message_that_cannot_be_written_down_is_refused(
    stage: ProcessStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = await hosted(stage)
    monkeypatch.setattr("orchestrd.runtimes.rundir.RunDirectory.leave_message", _full)

    receipt, error = await stage.runtime.deliver(run, "hello")

    assert (receipt, error) == (Receipt.REFUSED, "the message cannot be left for its host: No space left on device")


def _full(*_: object) -> str:
    raise OSError(28, "No space left on device")
