"""Nothing that was answered is ever lost, and each step that makes it so is needed."""

import contextlib
import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from orchestrd.ports import Stored
from orchestrd.store import files, journal, recovery
from orchestrd.store.files import FileStore
from orchestrd.store.journal import Journal, Torn
from orchestrd.store.mending import Run, missing
from orchestrd.store.quarantine import Quarantine
from orchestrd.store.records import Records
from tests.store.making import NOW, a_session, following
from tests.store.powercuts import LAYOUT, MakeStore, Violation, make_store, world_of
from tests.store.simdisk import Crash, SimDisk

SEEDS = 60 if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else 20  # in each block
MUTANT_SEEDS = 400
DAY = 40  # things that happen


@pytest.mark.parametrize("block", range(5))
def test_what_was_answered_survives_kills_full_disks_and_power_cuts(block: int) -> None:
    for seed in range(block * SEEDS, (block + 1) * SEEDS):
        world_of(seed).live(DAY)


@pytest.mark.parametrize("block", range(5))
def test_the_same_holds_when_segments_are_short_and_synced_often(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "JOURNAL_SEGMENT_BYTES", 1_500)
    monkeypatch.setattr(files, "JOURNAL_UNSYNCED_EVENTS_MAX", 6)

    for seed in range(block * SEEDS, (block + 1) * SEEDS):
        world_of(seed).live(DAY)


@pytest.mark.parametrize("crash_after", range(12))
def test_wherever_a_first_commit_is_killed_the_next_start_builds_on_firm_ground(crash_after: int) -> None:
    disk = SimDisk()
    store = make_store(disk)
    store.recover(NOW)
    disk.crash_after = crash_after
    with contextlib.suppress(Crash):
        store.commit([a_session()])

    disk = disk.killed()
    store = make_store(disk)
    store.recover(NOW)
    (answer,) = store.commit([a_session("bbbbbbbb")])
    assert isinstance(answer, Stored)
    store.sync()
    store.commit([following(answer.record, events=0)])
    store = make_store(disk.after_power_cut(Unlucky(), reorders=False))
    store.recover(NOW)

    assert answer.lines[0] in store.read(0, 10_000).lines


class Unlucky(random.Random):
    """Chance that keeps as little as it can."""

    def randint(self, a: int, b: int) -> int:
        return a

    def choice(self, seq: Any) -> Any:
        return seq[0]


class NoSyncInRecovery(SimDisk):
    """Acts on names that may vanish."""

    def sync_directory(self, path: str) -> None:
        if self.counts["create"] or path not in (LAYOUT.sessions, LAYOUT.home):
            super().sync_directory(path)


class NoSyncInCommit(SimDisk):
    """Answers before the names are durable."""

    def sync_directory(self, path: str) -> None:
        if path not in (LAYOUT.sessions, LAYOUT.home) or not self.counts["rename"]:
            super().sync_directory(path)


class RenamesBeforeSync(SimDisk):
    """Lets content be written after its name."""

    def write(self, path: str, data: bytes) -> tuple[int, int, int, int]:
        stamp = super().write(path, data)
        del self.synced[stamp[1]]
        return stamp


class ForgetsTooEarly(Journal):
    """Takes what was written for what is durable."""

    synced = property(lambda self: self.newest, lambda self, _: None)


def _forgetful_store(disk: SimDisk) -> FileStore:
    store = make_store(disk)
    store._journal = ForgetsTooEarly(LAYOUT.journal, disk)
    return store


def _without_voids(tail: int, held: dict[int, bytes]) -> tuple[Run, ...]:
    kept = [line for run in missing(tail, held) for line in run.lines if b'"void"' not in line]
    return (Run(tail + 1, tuple(kept)),) if kept else ()


def _without_cut(torn: Torn, journal: Journal, records: Records, quarantine: Quarantine) -> None:
    """Write on behind what was torn."""


def _caught(make: MakeStore, make_disk: Callable[[], SimDisk]) -> bool:
    for seed in range(MUTANT_SEEDS):
        try:
            world_of(seed, make, make_disk()).live(DAY)
        except Violation:
            return True
    return False


@pytest.mark.parametrize("disk", [NoSyncInRecovery, NoSyncInCommit, RenamesBeforeSync])
def test_a_store_that_leaves_out_a_sync_is_caught(disk: type[SimDisk]) -> None:
    assert _caught(make_store, disk)


def test_a_store_whose_records_forget_too_early_is_caught() -> None:
    assert _caught(_forgetful_store, SimDisk)


def test_a_recovery_without_voids_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "missing", _without_voids)

    assert _caught(make_store, SimDisk)


def test_a_recovery_that_leaves_a_torn_line_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "_cut", _without_cut)

    assert _caught(make_store, SimDisk)
