"""Segments, torn ends, and a journal that takes nothing for a while."""

import errno
import json
import threading

import pytest
from msgspec.structs import replace

from orchestrd.codec import encode_event, encode_record
from orchestrd.model.errors import FaultError, OrchestrdError
from orchestrd.model.event import void
from orchestrd.model.limits import SEQUENCE_MAX, VOIDS_MAX
from orchestrd.ports import Page, Stored
from orchestrd.store import files, journal
from orchestrd.store.disk import Tail
from orchestrd.store.journal import Journal
from orchestrd.store.memory import MemoryDisk, MemoryStore, MemoryTail
from orchestrd.store.mending import missing
from orchestrd.store.segments import read_page, segment_name
from tests.store.benches import MemoryBench
from tests.store.making import ID, NOW, a_session, an_event, following

DIRECTORY = "/journal"
NO_SPACE = OSError(errno.ENOSPC, "No space left on device")
BROKEN = OSError(errno.EIO, "Input/output error")


class Moody(MemoryTail):
    """An end of a file that takes half of what it is given, or breaks."""

    _disk: "MoodyDisk"

    def append(self, data: bytes) -> None:
        if self._disk.is_full:
            super().append(data[: len(data) // 2])
            raise NO_SPACE
        super().append(data)

    def sync(self) -> None:
        if self._disk.is_broken:
            raise BROKEN


class MoodyDisk(MemoryDisk):
    """A disk whose journal can be full or broken while the rest of it works."""

    def __init__(self) -> None:
        super().__init__()
        self.is_full = False
        self.is_broken = False
        self.broken_directory: str | None = None

    def tail(self, path: str) -> Tail:
        super().tail(path)
        return Moody(self, self._file(path))

    def sync_directory(self, path: str) -> None:
        if path == self.broken_directory:
            raise BROKEN


@pytest.fixture
def disk() -> MoodyDisk:
    return MoodyDisk()


@pytest.fixture
def store(disk: MoodyDisk) -> MemoryStore:
    store = MemoryStore(disk)
    store.recover(NOW)
    return store


def opened(disk: MemoryDisk) -> Journal:
    disk.make_directory(DIRECTORY)
    journal = Journal(DIRECTORY, disk)
    journal.open()
    return journal


def lines(first: int, last: int) -> list[bytes]:
    return [encode_event(void(number)) for number in range(first, last + 1)]


def numbers(page: Page) -> list[int]:
    return [json.loads(line)["sequence"] for line in page.lines]


def commit(store: MemoryStore, count: int) -> Stored:
    (answer,) = store.commit([a_session(events=())])
    for _ in range(count):
        assert isinstance(answer, Stored), answer
        (answer,) = store.commit([following(answer.record)])
    assert isinstance(answer, Stored), answer
    return answer


# ---- segments


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "JOURNAL_SEGMENT_BYTES", 1_000)
    monkeypatch.setattr(journal, "JOURNAL_SEGMENTS_KEPT", 3)


def test_the_oldest_segments_go_and_a_reader_is_told_of_the_gap(short: None) -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    for number in range(1, 101):
        journal.append(lines(number, number))

    page = journal.read(0, 100_000)
    first = numbers(page)[0]

    assert len(disk.scan(DIRECTORY)) == 3
    assert page.gap == (1, first - 1)
    assert journal.read(first + 3, 100_000).gap is None
    assert numbers(journal.read(98, 100_000)) == [99, 100]


def test_what_is_kept_reads_on_over_all_segments(short: None) -> None:
    journal = opened(MemoryDisk())
    for number in range(1, 101):
        journal.append(lines(number, number))
    cursor, read = 0, []

    while (page := journal.read(cursor, 300)).lines:
        read += numbers(page)
        cursor = page.last

    assert read == list(range(read[0], 101))


def test_a_start_goes_on_in_the_last_segment(short: None) -> None:
    disk = MemoryDisk()
    first = opened(disk)
    for number in range(1, 31):
        first.append(lines(number, number))

    second = opened(disk)
    second.append(lines(31, 31))

    assert second.newest == 31
    assert numbers(second.read(28, 10_000)) == [29, 30, 31]


def test_a_reader_in_another_thread_sees_whole_lines_in_order(short: None) -> None:
    disk = MemoryDisk()
    journal = opened(disk)
    read: list[int] = []

    def follow() -> None:
        cursor = 0
        while cursor < 300:
            page = journal.read(cursor, 500)
            read.extend(numbers(page))
            cursor = page.last

    follower = threading.Thread(target=follow)
    follower.start()
    for number in range(1, 301):
        journal.append(lines(number, number))
    follower.join()

    assert read == sorted(set(read))
    assert read[-1] == 300


class LateDisk(MemoryDisk):
    """A disk on which a line is written right after the first look into a file."""

    def __init__(self, late: bytes) -> None:
        super().__init__()
        self._late = late

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        found = super().read(path, limit, offset)
        late, self._late = self._late, b""
        self.tail(path).append(late)
        return found


@pytest.mark.parametrize(("after", "read"), [(0, [1, 2]), (1, [2]), (2, [])])
def test_a_line_that_is_written_while_one_reads_is_not_read_once_more(after: int, read: list[int]) -> None:
    disk = LateDisk(b"".join(line + b"\n" for line in lines(1, 2)))
    disk.make_directory(DIRECTORY)
    disk.tail(f"{DIRECTORY}/{segment_name(1)}")

    page = read_page(disk, DIRECTORY, after, 500)

    assert numbers(page) == read
    assert (page.last, page.gap) == (2, None)


def test_files_of_other_names_are_no_segments() -> None:
    disk = MemoryDisk()
    disk.make_directory(DIRECTORY)
    for name in ("notes.txt", "1.jsonl", "0000000000000000000x.jsonl"):
        disk.write(f"{DIRECTORY}/{name}", b"x")

    assert opened(disk).newest == 0


# ---- torn ends


TORN = {
    "half a line": b'{"sequence":4,"at"',
    "zeros": b"\0" * 64,
    "a whole line that was never ended": encode_event(void(4)),
    "a number that does not follow": encode_event(void(9)) + b"\n",
    "a line twice": encode_event(void(3)) + b"\n",
    "text": b"hello\nworld\n",
}


@pytest.mark.parametrize("torn", TORN)
def test_what_stands_behind_the_last_whole_line_is_cut_kept_and_told(torn: str) -> None:
    bench = MemoryBench()
    bench.commit(a_session(events=tuple(an_event(text=str(number)) for number in range(3))))
    path = f"{bench.layout.journal}/{1:020d}.jsonl"
    whole = bench.get(path) or b""
    bench.put(path, whole + TORN[torn])

    (drift,) = bench.restart().drifts

    assert bench.get(drift.path or "") == TORN[torn]
    assert (bench.get(path) or b"").startswith(whole)
    assert [line["sequence"] for line in bench.lines()][:3] == [1, 2, 3]


def test_a_rotten_line_costs_itself_and_none_behind_it() -> None:
    bench = MemoryBench()
    record = bench.commit(a_session())
    for _ in range(4):
        record = bench.commit(following(record))
    bench.store.sync()
    bench.commit(following(record))
    path = f"{bench.layout.journal}/{1:020d}.jsonl"
    bench.put(path, (bench.get(path) or b"").replace(b'"sequence":3,', b'"sequence":\xff,'))

    bench.restart()

    assert [line["sequence"] for line in bench.lines()] == [1, 2, 3, 4, 5, 6]
    assert [line["sequence"] for line in bench.lines() if line["type"] == "void"] == [3]


def test_lines_of_a_newer_orchestrd_are_not_cut() -> None:
    bench = MemoryBench()
    bench.commit(a_session())
    path = f"{bench.layout.journal}/{1:020d}.jsonl"
    bench.put(path, (bench.get(path) or b"") + b'{"sequence":2,"type":"dreamt"}\n')

    recovered = bench.restart()

    assert (recovered.tail, recovered.drifts) == (2, ())


def test_a_lost_journal_is_gone_on_with_and_the_gap_is_told() -> None:
    bench = MemoryBench()
    stored = bench.commit(a_session())
    later = replace(stored, events=(replace(stored.events[0], sequence=1_000_000),))
    bench.put(bench.layout.record(ID), encode_record(later))

    recovered = bench.restart()
    next_ = bench.stored(following(recovered.sessions[0]))
    page = bench.store.read(0, 10_000)

    assert "lost events 2 to 999999" in (recovered.drifts[0].error or "")
    assert [event.sequence for event in next_.events] == [1_000_001]
    assert numbers(page) == [1]
    assert bench.store.read(1, 10_000).gap == (2, 999_999)
    assert bench.restart().tail == 1_000_001


# ---- mending


def test_numbers_of_nobody_become_voids() -> None:
    (run,) = missing(2, {1: b"old", 4: b"four", 6: b"six"})

    assert run.first == 3
    assert run.lines == (encode_event(void(3)), b"four", encode_event(void(5)), b"six")


def test_nothing_missing_is_nothing_to_do() -> None:
    assert missing(5, {4: b"four", 5: b"five"}) == ()


def test_more_voids_than_a_crash_leaves_are_a_gap() -> None:
    far = VOIDS_MAX + 10

    first, second = missing(2, {3: b"three", far: b"far", far + 2: b"farther"})

    assert (first.first, first.lines) == (3, (b"three",))
    assert (second.first, len(second.lines)) == (far, 3)


def test_no_record_can_claim_a_number_beyond_all_bounds() -> None:
    bench = MemoryBench()
    bench.commit(a_session())
    bench.edit(bench.layout.record(ID), lambda record: record["events"][0].update(sequence=SEQUENCE_MAX + 1))

    recovered = bench.restart()

    assert recovered.sessions == ()
    assert recovered.tail == 1


# ---- a journal that takes nothing, and one that breaks


def test_commits_stand_while_the_journal_is_full_and_it_is_caught_up(store: MemoryStore, disk: MoodyDisk) -> None:
    commit(store, 3)
    disk.is_full = True
    (answer,) = store.commit([a_session("bbbbbbbb")])
    while_full = numbers(store.read(0, 10_000)), numbers(store.read(3, 10_000))
    disk.is_full = False
    store.commit([a_session("cccccccc")])

    assert isinstance(answer, Stored)
    assert while_full == ([1, 2, 3], [4])
    assert numbers(store.read(0, 10_000)) == [1, 2, 3, 4, 5]


def test_a_crash_while_the_journal_is_full_loses_nothing(store: MemoryStore, disk: MoodyDisk) -> None:
    commit(store, 3)
    disk.is_full = True
    store.commit([a_session("bbbbbbbb")])
    disk.is_full = False

    next_one = store.survivor()
    next_one.recover(NOW)

    assert numbers(next_one.read(0, 10_000)) == [1, 2, 3, 4]


def test_a_record_takes_no_more_events_than_it_may_while_the_journal_is_full(
    store: MemoryStore, disk: MoodyDisk
) -> None:
    disk.is_full = True
    last = commit(store, 500)
    answer: Stored | OrchestrdError = last
    while isinstance(answer, Stored):
        last = answer
        (answer,) = store.commit([following(answer.record)])
    disk.is_full = False
    (again,) = store.commit([following(last.record)])

    assert answer.code == "journal_stuck"
    assert isinstance(again, OrchestrdError)
    store.sync()
    assert isinstance(store.commit([following(last.record)])[0], Stored)


def test_a_journal_whose_sync_fails_ends_the_store_after_what_was_durable(
    store: MemoryStore, disk: MoodyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "JOURNAL_UNSYNCED_EVENTS_MAX", 2)
    disk.is_broken = True

    stored = commit(store, 2)
    disk.is_broken = False

    assert stored.events[0].sequence == 2
    for call in (store.sync, store.scan, lambda: store.commit([following(stored.record)])):
        with pytest.raises(FaultError):
            call()
    assert store.survivor().recover(NOW).tail == 2


def test_a_directory_whose_sync_fails_ends_the_store_at_once(store: MemoryStore, disk: MoodyDisk) -> None:
    commit(store, 1)
    disk.broken_directory = store.layout.sessions

    with pytest.raises(FaultError, match="could not be made durable"):
        store.commit([a_session("bbbbbbbb")])
    disk.broken_directory = None

    with pytest.raises(FaultError):
        store.commit([a_session("bbbbbbbb")])
    store.close()
    assert len(MemoryStore(disk).recover(NOW).sessions) == 2


def test_a_segment_whose_name_may_be_lost_ends_the_store(store: MemoryStore, disk: MoodyDisk) -> None:
    disk.broken_directory = store.layout.journal

    (answer,) = store.commit([a_session()])
    disk.broken_directory = None

    assert isinstance(answer, Stored)
    with pytest.raises(FaultError):
        store.sync()
