"""Reading the records of a home again: all of them, and those of which one in a hundred has changed.

What the store does is done in one call of one thread, as the daemon does it; the bare operations are done in the same
way, by the same thread.
"""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from msgspec.structs import replace

from benchmarks.bare import read_file, stat_all
from benchmarks.homes import ended, fill, temporary_home
from benchmarks.measuring import Act, Effort, alternate, timed
from benchmarks.peers.reading import NAME, by_aiofiles
from benchmarks.rows import Row, at_most
from orchestrd.core.layout import Layout
from orchestrd.model.session import Session
from orchestrd.store.disk import LOCAL
from orchestrd.store.quarantine import Quarantine
from orchestrd.store.records import Records

FAMILY = "rereads"
SESSIONS = 1_000
CHANGED = 10  # of them, between two looks


def measure(effort: Effort) -> Iterator[Row]:
    """Measure a full reading and an incremental one."""
    with temporary_home() as layout, ThreadPoolExecutor(1) as thread:

        def in_thread(call: Callable[[], object]) -> Act:
            return timed(lambda: thread.submit(call).result())

        sessions = [ended() for _ in range(SESSIONS)]
        fill(layout, sessions)
        yield from _full(layout, in_thread, effort)
        yield _incremental(layout, sessions[:CHANGED], in_thread, effort)


def _full(layout: Layout, in_thread: Callable[[Callable[[], object]], Act], effort: Effort) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(Session)

    def bare() -> None:
        for entry in os.scandir(layout.sessions):
            decoder.decode(read_file(entry.path))

    def plain() -> None:
        for path in Path(layout.sessions).iterdir():
            json.loads(path.read_text(encoding="utf-8"))

    acts = [in_thread(call) for call in (lambda: _records(layout).load(), bare, plain)]
    ours, least, usual = alternate(acts, effort.of(30, 8))
    told = Row(
        family=FAMILY,
        what=f"read {SESSIONS:,} records",
        unit="ms",
        ours=ours,
        peer_name="scandir, open, read, msgspec",
        peer=least,
        target=(at_most(8.0),),
        reason="each record is also checked, and encoded twice: as it would stand on disk, to see whether its file "
        "holds more than that, and in sorted order, for the digest by which an edit is told",
    )
    yield told
    yield replace(told, peer_name="pathlib and json", peer=usual, target=())
    yield replace(told, peer_name=NAME, peer=by_aiofiles(layout.sessions, effort.of(5, 1)), target=())


def _incremental(
    layout: Layout, changing: list[Session], in_thread: Callable[[Callable[[], object]], Act], effort: Effort
) -> Row:
    records = _records(layout)
    records.load()

    def scan_after_changes() -> float:
        for session in changing:
            Path(layout.record(session.id)).touch()
        return in_thread(records.scan)()

    bare = in_thread(lambda: stat_all(layout.sessions))
    ours, peer = alternate([scan_after_changes, bare], effort.of(60, 10))
    return Row(
        family=FAMILY,
        what=f"look at {SESSIONS:,} records of which {CHANGED} have changed",
        unit="ms",
        ours=ours,
        peer_name="scandir + stat",
        peer=peer,
        target=(at_most(3.0),),
        reason="a stamp of four numbers is made and compared for each file; what has changed is read and checked",
    )


def _records(layout: Layout) -> Records:
    return Records(layout, LOCAL, Quarantine(layout.quarantine, LOCAL))
