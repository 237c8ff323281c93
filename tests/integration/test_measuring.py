"""What real processes take, by what a real launcher has written down."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from orchestrd.core.launch import START, ProcessIdentity, StartRecord
from orchestrd.core.layout import Layout
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import MEASURE_SPAN_S
from orchestrd.model.run import Run
from orchestrd.runtimes import launcher
from orchestrd.runtimes.measuring import ProcessMeter

SHARED_MIB = 100
HOLDS = f"""
import os, sys
held = bytearray({SHARED_MIB} << 20)
held[::4096] = b"x" * len(held[::4096])
reader, writer = os.pipe()
if os.fork() == 0:
    os.read(reader, 1)
print(flush=True)
while True:
    pass
"""
RUN = Run(session=SessionId("abcdefgh"), generation=1, mark="abcdefgh:1:n")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(str(tmp_path))


@pytest.fixture
def busy(layout: Layout) -> Iterator[int]:
    """A process that burns a core, and shares its memory with a child that sleeps."""
    with subprocess.Popen([sys.executable, "-c", HOLDS], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        stat = launcher.read_stat(process.pid)
        assert stat is not None
        identity = ProcessIdentity(pid=process.pid, started_ticks=int(stat[19]))
        directory = Path(layout.run_directory(RUN.session, RUN.generation))
        directory.mkdir(parents=True)
        record = StartRecord(boot=launcher.boot_id(), launcher=identity, agent=identity, at=0.0)
        (directory / START).write_bytes(msgspec.json.encode(record))
        yield process.pid
        os.killpg(process.pid, 9)


async def test_memory_that_is_shared_counts_once_and_a_busy_core_is_seen(layout: Layout, busy: int) -> None:
    usage = (await ProcessMeter(layout).measure([RUN]))[RUN.session]

    assert usage.processes == 2
    assert usage.memory_bytes is not None
    assert SHARED_MIB <= usage.memory_bytes >> 20 < 1.5 * SHARED_MIB
    assert 1 < usage.cpu_percent <= 110


async def test_who_asks_again_later_does_not_wait_for_a_span(
    layout: Layout, busy: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = ProcessMeter(layout)
    await meter.measure([RUN])
    await asyncio.sleep(MEASURE_SPAN_S)
    rests, sleep = [], asyncio.sleep

    async def rest(span_s: float) -> None:
        rests.append(span_s)
        await sleep(span_s)

    monkeypatch.setattr(asyncio, "sleep", rest)

    usage = await meter.measure([RUN])

    assert max(rests) <= 0
    assert usage[RUN.session].cpu_percent > 1


async def test_a_run_that_left_nothing_takes_nothing(layout: Layout) -> None:
    usage = (await ProcessMeter(layout).measure([RUN]))[RUN.session]

    assert (usage.processes, usage.memory_bytes, usage.cpu_percent) == (0, 0, 0.0)
