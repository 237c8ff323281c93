"""What is left of acknowledged states when the power is cut: on a real file system, in a file that stands for a disk.

The writer is stopped in the middle of whatever it does, and the file is copied: that is what the disk has by then. The
copy is mounted, which replays the journal of the file system as the next boot does, and every session is read there.
A state that had been acknowledged before the copy and is not there, or an older one is, was lost.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from benchmarks.families.fanout import ROOT
from benchmarks.measuring import Effort, figures
from benchmarks.processes import environment
from benchmarks.rows import NotHereError, Row, at_most
from benchmarks.writer import SESSIONS
from orchestrd.core.layout import Layout

FAMILY = "powercuts"
DISK_BYTES = 48 * 1024 * 1024
MAKING = ("mkfs.ext4", "-q", "-F", "-m", "0")
COMMAND_S = 30.0
BEFORE_CUT_S = (0.05, 0.25)
SEED = 1
PIPE_BYTES = 1024 * 1024


def measure(effort: Effort) -> Iterator[Row]:
    """Cut the power of our store, and of who writes without fsync."""
    if os.geteuid() or not all(map(shutil.which, (MAKING[0], "mount", "umount"))):
        raise NotHereError("to mount an ext4 needs root and mkfs.ext4")
    cuts = effort.of(20, 2)
    ours, plain = (_lost(kind, cuts) for kind in ("durable", "plain"))
    yield Row(
        family=FAMILY,
        what=f"of {cuts * SESSIONS:,} acknowledged states, lost in {cuts} power cuts",
        unit="",
        ours=figures([ours]),
        peer_name="write and rename, no fsync",
        peer=figures([plain]),
        target=(at_most(0.0),),
        reason="what is acknowledged has been synced, its directory as well",
    )


def _lost(kind: str, cuts: int) -> int:
    """Let one writer work and cut its power again and again; gives how many states were lost."""
    chance, lost = random.Random(SEED), 0
    with tempfile.TemporaryDirectory(prefix="orch-bench-") as place, _disk(Path(place)) as (disk, mounted):
        layout = Layout(str(mounted / "home"))
        for directory in (layout.home, *layout.directories()):
            Path(directory).mkdir(mode=0o700, exist_ok=True)
        os.sync()
        with _writing(layout, kind) as writer:
            acknowledged: dict[str, int] = {}
            for _ in range(cuts):
                time.sleep(chance.uniform(*BEFORE_CUT_S))
                lost += _cut(writer, acknowledged, disk, Path(place))
    return lost


@contextlib.contextmanager
def _disk(place: Path) -> Iterator[tuple[Path, Path]]:
    """Make a file that holds a file system, and mount it; gives both. Raises NotHereError where that may not be."""
    disk, mounted = place / "disk", place / "mounted"
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run([*MAKING, disk], check=True, timeout=COMMAND_S)
    try:
        with _mounted(disk, mounted):
            yield disk, mounted
    except subprocess.CalledProcessError as error:
        raise NotHereError(f"the file of a disk cannot be mounted: {error}") from error


@contextlib.contextmanager
def _mounted(disk: Path, where: Path) -> Iterator[Path]:
    where.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", disk, where], check=True, timeout=COMMAND_S, capture_output=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", where], check=True, timeout=COMMAND_S)


@contextlib.contextmanager
def _writing(layout: Layout, kind: str) -> Iterator["subprocess.Popen[bytes]"]:
    argv = [sys.executable, "-m", "benchmarks.writer", layout.home, kind]
    environ = environment(layout, PYTHONPATH=str(ROOT))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=environ, pipesize=PIPE_BYTES) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()  # it is at work
        os.set_blocking(writer.stdout.fileno(), False)
        try:
            yield writer
        finally:
            writer.kill()


def _cut(writer: "subprocess.Popen[bytes]", acknowledged: dict[str, int], disk: Path, place: Path) -> int:
    """Stop it where it is, take what the disk has, let it go on; gives how many states are not on the copy."""
    writer.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, writer.pid, os.WSTOPPED)
    _hear(writer, acknowledged)
    copy = Path(shutil.copyfile(disk, place / "copy"))
    before = dict(acknowledged)
    writer.send_signal(signal.SIGCONT)
    with _mounted(copy, place / "after") as found:
        return _missing(found / "home" / "sessions", before)


def _hear(writer: "subprocess.Popen[bytes]", acknowledged: dict[str, int]) -> None:
    """Take in what was acknowledged; so few lines as are written at once are in a pipe whole, or not at all."""
    assert writer.stdout is not None
    for line in (writer.stdout.read() or b"").decode().splitlines():
        session, _, revision = line.partition(" ")
        acknowledged[session] = int(revision)


def _missing(sessions: Path, acknowledged: Mapping[str, int]) -> int:
    return sum(_revision(sessions / f"{session}.json") < revision for session, revision in acknowledged.items())


def _revision(record: Path) -> int:
    """Read which revision a record holds; none where it is not there, or torn."""
    try:
        revision: int = msgspec.json.decode(record.read_bytes())["revision"]
    except (OSError, msgspec.DecodeError):
        return 0
    return revision
