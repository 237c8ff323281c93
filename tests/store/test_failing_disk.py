"""What a disk may refuse beside space: to read, to rename, to link, to open one more file."""

import errno
import os

import pytest

from orchestrd.model.errors import ConflictError, FaultError, OrchestrdError, RefusedError, TransientError
from orchestrd.model.session import SCHEMA, Home
from orchestrd.ports import Stored
from orchestrd.store.disk import Stamp, Tail
from orchestrd.store.memory import MemoryDisk, MemoryStore
from tests.store.benches import Bench
from tests.store.making import ID, NOW, a_session, an_event, following

OTHER = "bbbbbbbb"


class RefusingDisk(MemoryDisk):
    """A disk that refuses what it is told to: `refused[act, end of the path]` is the number of the error."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[tuple[str, str], int] = {}

    def write(self, path: str, data: bytes) -> Stamp:
        self._refuse("write", path)
        return super().write(path, data)

    def read(self, path: str, limit: int, offset: int = 0) -> bytes:
        self._refuse("read", path)
        return super().read(path, limit, offset)

    def tail(self, path: str) -> Tail:
        self._refuse("tail", path)
        return super().tail(path)

    def rename(self, source: str, target: str) -> None:
        self._refuse("rename", target)
        super().rename(source, target)

    def link(self, source: str, target: str) -> None:
        self._refuse("link", source)
        super().link(source, target)

    def unlink(self, path: str) -> None:
        self._refuse("unlink", path)
        super().unlink(path)

    def make_directory(self, path: str) -> None:
        self._refuse("make", path)
        super().make_directory(path)

    def sync_directory(self, path: str) -> None:
        self._refuse("sync", path)
        super().sync_directory(path)

    def _refuse(self, act: str, path: str) -> None:
        for (refused, end), number in self.refused.items():
            if act == refused and path.endswith(end):
                raise OSError(number, os.strerror(number), path)


class RefusingBench(Bench):
    """A store in memory on such a disk."""

    def __init__(self) -> None:
        self.disk = RefusingDisk()
        self.store = store = MemoryStore(self.disk)
        self.layout = store.layout
        self.recovered = self.store.recover(NOW)

    def put(self, path: str, data: bytes) -> None:
        MemoryDisk.write(self.disk, path, data)

    def get(self, path: str) -> bytes | None:
        return MemoryDisk.read(self.disk, path, 1 << 30) if self.disk.stamp(path) else None

    def names(self, directory: str) -> list[str]:
        return sorted(self.disk.scan(directory))

    def killed(self) -> MemoryStore:
        self.disk.locked.clear()
        return MemoryStore(self.disk)


@pytest.fixture
def bench() -> RefusingBench:
    return RefusingBench()


# ---- commits


def test_a_rename_that_fails_takes_all_behind_it_along(bench: RefusingBench) -> None:
    bench.disk.refused["rename", f"{OTHER}.json"] = errno.EIO

    first, second, third, home = bench.store.commit(
        [
            a_session(ID),
            a_session(OTHER),
            a_session("cccccccc"),
            Home(schema=SCHEMA, epoch=1, revision=2, events=(an_event(None),)),
        ]
    )
    bench.disk.refused.clear()
    later = bench.stored(a_session("dddddddd"))

    assert isinstance(first, Stored)
    assert all(isinstance(answer, TransientError) for answer in (second, third, home))
    assert bench.names(bench.layout.sessions) == ["aaaaaaaa.json", "dddddddd.json"]
    assert [event.sequence for event in later.events] == [2]
    assert len(bench.restart().sessions) == 2


def test_a_conflict_before_a_failed_rename_stays_a_conflict(bench: RefusingBench) -> None:
    bench.disk.refused["rename", f"{ID}.json"] = errno.EIO

    _, second = bench.store.commit([a_session(ID), a_session(OTHER, revision=7)])

    assert isinstance(second, ConflictError)


def test_a_write_that_fails_takes_no_other_along(bench: RefusingBench) -> None:
    bench.disk.refused["write", f"{OTHER}.json.tmp"] = errno.EDQUOT

    answers = bench.store.commit([a_session(ID), a_session(OTHER), a_session("cccccccc")])

    assert [isinstance(answer, Stored) for answer in answers] == [True, False, True]
    assert [line["sequence"] for line in bench.lines()] == [1, 2]


def test_a_journal_that_cannot_be_opened_is_caught_up(bench: RefusingBench) -> None:
    bench.disk.refused["tail", ".jsonl"] = errno.EMFILE
    bench.commit(a_session())
    before = bench.lines()
    bench.disk.refused.clear()
    bench.commit(a_session(OTHER))

    assert [line["sequence"] for line in before] == [1]
    assert [line["sequence"] for line in bench.lines()] == [1, 2]
    assert bench.restart().tail == 2


def test_a_journal_that_cannot_be_read_says_so(bench: RefusingBench) -> None:
    bench.commit(a_session())
    bench.disk.refused["read", ".jsonl"] = errno.EIO

    with pytest.raises(TransientError, match="cannot read the journal"):
        bench.lines()


def test_nothing_is_archived_while_the_journal_takes_nothing(bench: RefusingBench) -> None:
    bench.disk.refused["tail", ".jsonl"] = errno.EMFILE
    record = bench.commit(a_session())
    bench.commit(following(record, state="failed", ended_at=NOW.at))

    with pytest.raises(TransientError, match="nothing is archived"):
        bench.store.archive(ID)

    assert bench.names(bench.layout.sessions) == [f"{ID}.json"]


# ---- other hands


@pytest.mark.parametrize("act", ["write", "rename"])
def test_what_cannot_be_mended_now_is_mended_by_a_later_scan(bench: RefusingBench, act: str) -> None:
    bench.commit(a_session())
    before = bench.get(bench.layout.record(ID))
    bench.put(bench.layout.record(ID), b"garbage")
    bench.disk.refused[act, ".json" if act == "rename" else ".tmp"] = errno.ENOSPC

    now = bench.store.scan()
    bench.disk.refused.clear()
    (drift,) = bench.store.scan().drifts

    assert now.drifts == ()
    assert bench.get(drift.path or "") == b"garbage"
    assert bench.get(bench.layout.record(ID)) == before


def test_what_cannot_be_kept_is_not_written_over(bench: RefusingBench) -> None:
    stored = bench.commit(a_session())
    bench.put(bench.layout.record(ID), b"garbage")
    bench.put(bench.layout.home_record, b"garbage")
    bench.disk.refused["make", "/quarantine"] = errno.EROFS

    answers = bench.store.commit([following(stored), Home(schema=SCHEMA, epoch=1, revision=2)])

    assert all(isinstance(answer, TransientError) for answer in answers)
    assert bench.get(bench.layout.record(ID)) == bench.get(bench.layout.home_record) == b"garbage"


def test_what_cannot_be_linked_is_moved(bench: RefusingBench) -> None:
    bench.commit(a_session())
    bench.put(bench.layout.record(ID), b"garbage")
    bench.disk.refused["link", ".json"] = errno.EPERM

    (drift,) = bench.store.scan().drifts

    assert bench.get(drift.path or "") == b"garbage"


def test_what_cannot_be_moved_is_told_once_and_left(bench: RefusingBench) -> None:
    path = bench.layout.record(OTHER)
    bench.put(path, b"garbage")
    bench.disk.refused["make", "/quarantine"] = errno.EROFS

    (drift,) = bench.store.scan().drifts

    assert drift.path == path
    assert "cannot be moved" in (drift.error or "")
    assert bench.store.scan().drifts == ()


def test_a_record_that_the_disk_cannot_read_is_kept_and_written_again(bench: RefusingBench) -> None:
    bench.commit(a_session())
    before = bench.get(bench.layout.record(ID)) or b""
    bench.put(bench.layout.record(ID), before)
    bench.disk.refused["read", f"{ID}.json"] = errno.EIO

    (drift,) = bench.store.scan().drifts

    assert "cannot be read" in (drift.error or "")
    assert bench.get(bench.layout.record(ID)) == before


def test_too_many_open_files_say_nothing_about_a_record(bench: RefusingBench) -> None:
    bench.commit(a_session())
    before = bench.get(bench.layout.record(ID)) or b""
    bench.put(bench.layout.record(ID), before)
    bench.disk.refused["read", f"{ID}.json"] = errno.EMFILE

    now = bench.store.scan()
    bench.disk.refused.clear()

    assert now.drifts == bench.store.scan().drifts == ()
    assert bench.names(bench.layout.quarantine) == []


def test_a_record_written_again_whose_name_may_be_lost_ends_the_store(bench: RefusingBench) -> None:
    bench.commit(a_session())
    bench.put(bench.layout.record(ID), b"garbage")
    bench.disk.refused["sync", "/sessions"] = errno.EIO

    with pytest.raises(FaultError):
        bench.store.scan()
    bench.disk.refused.clear()
    with pytest.raises(FaultError):
        bench.store.scan()

    assert [session.id for session in bench.restart().sessions] == [ID]


# ---- start


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_no_daemon_starts_without_a_record_that_the_disk_does_not_give(bench: RefusingBench, number: int) -> None:
    record = bench.commit(a_session())
    bench.disk.refused["read", f"{ID}.json"] = number

    with pytest.raises(RefusedError, match=rf"{ID}\.json cannot be used: .*{os.strerror(number)}") as refusal:
        bench.restart()
    bench.disk.refused.clear()

    assert refusal.value.code == "home_unusable"
    assert bench.names(bench.layout.quarantine) == []
    assert bench.restart().sessions == (record,)


def test_a_record_that_goes_while_it_is_read_is_no_record(bench: RefusingBench) -> None:
    bench.commit(a_session())
    bench.disk.refused["read", f"{ID}.json"] = errno.ENOENT

    assert bench.restart().sessions == ()


@pytest.mark.parametrize(
    ("refused", "number"),
    [
        (("read", f"{ID}.json"), errno.EMFILE),
        (("sync", "/sessions"), errno.EIO),
        (("make", "/logs"), errno.EROFS),
        (("read", ".jsonl"), errno.EIO),
    ],
)
def test_a_home_that_cannot_be_read_is_refused_and_let_go(
    bench: RefusingBench, refused: tuple[str, str], number: int
) -> None:
    bench.commit(a_session())
    bench.disk.refused[refused] = number

    with pytest.raises(RefusedError, match="cannot use the home") as refusal:
        bench.restart()
    bench.disk.refused.clear()

    assert refusal.value.code == "home_unusable"
    assert len(MemoryStore(bench.disk).recover(NOW).sessions) == 1  # its lock was given back


def test_an_epoch_that_cannot_be_written_starts_no_daemon(bench: RefusingBench) -> None:
    bench.disk.refused["write", ".home.json.tmp"] = errno.ENOSPC

    with pytest.raises(TransientError, match="No space left"):
        bench.restart()
    bench.disk.refused.clear()

    assert MemoryStore(bench.disk).recover(NOW).home.epoch == 2


def test_a_torn_journal_is_mended_on_a_disk_too_full_for_a_copy(bench: RefusingBench) -> None:
    bench.commit(a_session())
    path = f"{bench.layout.journal}/{1:020d}.jsonl"
    bench.put(path, (bench.get(path) or b"") + b'{"seq')
    bench.disk.refused["write", ".1"] = errno.ENOSPC

    (drift,) = bench.restart().drifts

    assert drift.path is None
    assert [line["sequence"] for line in bench.lines()] == [1]


def test_an_error_names_the_file_the_cause_and_what_to_do(bench: RefusingBench) -> None:
    bench.disk.refused["write", f"{ID}.json.tmp"] = errno.ENOSPC

    (answer,) = bench.store.commit([a_session()])

    assert isinstance(answer, OrchestrdError)
    assert answer.message == f"cannot write {bench.layout.record(ID)}: No space left on device"
    assert answer.hint
