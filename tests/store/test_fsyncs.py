"""Durability is paid for in fsyncs, so they are counted: two for a commit alone, one and a share in a batch."""

from collections import Counter
from pathlib import Path

import pytest

from orchestrd.core.layout import Layout
from orchestrd.model.ids import ID_ALPHABET
from orchestrd.model.session import SCHEMA, Home
from orchestrd.ports import Stored
from orchestrd.store.disk import LocalDisk, LocalTail, Stamp, Tail
from orchestrd.store.files import FileStore
from tests.store.making import NOW, a_session, following


class CountingTail(LocalTail):
    """A real file that counts its syncs."""

    def __init__(self, path: str, counts: Counter[str]) -> None:
        super().__init__(path)
        self._counts = counts

    def sync(self) -> None:
        self._counts["journal"] += 1
        super().sync()


class CountingDisk(LocalDisk):
    """The real disk, counting syncs and listings."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def write(self, path: str, data: bytes) -> Stamp:
        self.counts["file"] += 1
        return super().write(path, data)

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        self.counts["read"] += 1
        return super().read(path, limit, offset)

    def tail(self, path: str) -> Tail:
        return CountingTail(path, self.counts)

    def sync_directory(self, path: str) -> None:
        self.counts["directory"] += 1
        super().sync_directory(path)


@pytest.fixture
def disk() -> CountingDisk:
    return CountingDisk()


@pytest.fixture
def store(tmp_path: Path, disk: CountingDisk) -> FileStore:
    store = FileStore(Layout(str(tmp_path / "home")), disk)
    store.recover(NOW)
    store.commit([a_session()])  # the journal has its first segment now
    disk.counts.clear()
    return store


def ids(count: int) -> list[str]:
    return [f"bbbbbb{ID_ALPHABET[number // 32]}{ID_ALPHABET[number % 32]}" for number in range(count)]


def test_a_commit_alone_costs_two_fsyncs(store: FileStore, disk: CountingDisk) -> None:
    store.commit([a_session("bbbbbbbb")])

    assert disk.counts == {"file": 1, "directory": 1}


@pytest.mark.parametrize("size", [10, 50])
def test_a_batch_shares_the_fsync_of_its_directory(store: FileStore, disk: CountingDisk, size: int) -> None:
    store.commit([a_session(session) for session in ids(size)])

    assert disk.counts == {"file": size, "directory": 1}


def test_the_home_is_in_a_directory_of_its_own(store: FileStore, disk: CountingDisk) -> None:
    store.commit([a_session("bbbbbbbb"), Home(schema=SCHEMA, epoch=1, revision=2)])

    assert disk.counts == {"file": 2, "directory": 2}


def test_the_journal_is_synced_once_in_sixty_four_events(store: FileStore, disk: CountingDisk) -> None:
    (answer,) = store.commit([a_session("bbbbbbbb")])
    for _ in range(127):
        assert isinstance(answer, Stored)
        (answer,) = store.commit([following(answer.record)])

    assert disk.counts["journal"] == 2


def test_a_sync_of_what_is_synced_costs_nothing(store: FileStore, disk: CountingDisk) -> None:
    store.sync()
    disk.counts.clear()

    store.sync()

    assert disk.counts == {}


def test_a_scan_reads_only_what_has_changed(tmp_path: Path, store: FileStore, disk: CountingDisk) -> None:
    sessions = Path(tmp_path / "home" / "sessions")
    (sessions / "foreign.txt").write_text("x")
    (sessions / "cccccccc.json").write_text('{"schema": 2, "id": "cccccccc"}')
    store.scan()
    disk.counts.clear()

    for _ in range(3):
        store.scan()

    assert disk.counts == {}
