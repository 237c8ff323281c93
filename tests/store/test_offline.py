"""A home without a daemon: read as it stands, and left as it stands."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrd.core.layout import Layout
from orchestrd.store.memory import MemoryStore
from orchestrd.store.offline import Offline, read_events, read_home
from tests.store.benches import FileBench, MemoryBench
from tests.store.making import ID, NOW, a_session, an_event, following


@pytest.fixture
def bench(tmp_path: Path) -> FileBench:
    return FileBench(tmp_path / "home")


def numbers(layout: Layout, after: int = 0) -> list[int]:
    return [json.loads(line)["sequence"] for page in read_events(layout, after) for line in page.lines]


def everything_in(home: str) -> dict[str, tuple[int, bytes | None]]:
    return {
        str(path): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in sorted(Path(home).rglob("*"))
    }


def test_a_home_that_was_never_used_is_empty(tmp_path: Path) -> None:
    layout = Layout(str(tmp_path / "nowhere"))

    assert read_home(layout) == Offline()
    assert list(read_events(layout, 0)) == []
    assert not (tmp_path / "nowhere").exists()


def test_all_records_are_read_and_nothing_is_written(bench: FileBench) -> None:
    first = bench.commit(a_session())
    second = bench.commit(a_session("bbbbbbbb"))
    bench.put(bench.layout.record("cccccccc"), b"garbage")
    bench.put(bench.layout.record("dddddddd"), b'{"schema": 2, "id": "dddddddd", "state": "dreaming"}')
    Path(bench.layout.record("eeeeeeee")).mkdir()
    bench.put(bench.layout.sessions + "/notes.txt", b"")
    before = everything_in(bench.layout.home)

    offline = read_home(bench.layout)

    assert offline.sessions == (first, second)
    assert [(shown.id, shown.document.state) for shown in offline.read_only] == [("dddddddd", "dreaming")]
    assert offline.damaged == (bench.layout.record("cccccccc"), bench.layout.record("eeeeeeee"))
    assert everything_in(bench.layout.home) == before


def test_the_newest_record_tells_how_old_it_all_is(bench: FileBench) -> None:
    bench.commit(a_session())
    bench.commit(a_session("bbbbbbbb"))
    newest_ns = Path(bench.layout.record("bbbbbbbb")).stat().st_mtime_ns

    assert read_home(bench.layout).newest_at == datetime.fromtimestamp(newest_ns / 1e9, tz=UTC)


def test_all_events_are_read_from_any_cursor(bench: FileBench) -> None:
    record = bench.commit(a_session())
    for _ in range(20):
        record = bench.commit(following(record, events=100))
    bench.store.close()

    assert numbers(bench.layout) == list(range(1, 2_002))
    assert numbers(bench.layout, after=1_995) == list(range(1_996, 2_002))
    assert numbers(bench.layout, after=5_000) == []


def test_events_that_never_reached_the_journal_are_read_from_the_records(bench: FileBench) -> None:
    bench.commit(a_session(events=(an_event(), an_event())))
    record = bench.commit(a_session("bbbbbbbb", events=()))
    path = Path(bench.layout.journal, f"{1:020d}.jsonl")
    whole = path.read_bytes()
    bench.commit(following(record, events=2))
    path.write_bytes(whole + b'{"sequence":3,"at":"2026')

    assert numbers(bench.layout) == [1, 2, 3, 4]
    assert numbers(bench.layout, after=3) == [4]


def test_what_is_no_longer_kept_is_a_gap(bench: FileBench) -> None:
    bench.commit(a_session())
    path = Path(bench.layout.journal, f"{1:020d}.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"sequence":1,', b'"sequence":9,'))
    path.rename(path.with_name(f"{9:020d}.jsonl"))

    (page,) = read_events(bench.layout, 3)

    assert (page.gap, page.last) == ((4, 8), 9)


def test_a_store_in_memory_is_read_alike() -> None:
    bench = MemoryBench()
    stored = bench.commit(a_session())

    assert read_home(bench.layout, bench.disk).sessions == (stored,)
    assert len(list(read_events(bench.layout, 0, bench.disk))) == 1


def test_a_memory_store_is_survived_by_its_disk() -> None:
    store = MemoryStore()
    store.recover(NOW)
    store.commit([a_session()])

    recovered = store.survivor().recover(NOW)

    assert [session.id for session in recovered.sessions] == [ID]
