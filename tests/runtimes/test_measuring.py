"""What runs take: which processes are theirs, and what is added up of them."""

import os
import time

import pytest

from orchestrd.core.launch import ProcessIdentity
from orchestrd.runtimes import measuring
from orchestrd.runtimes.measuring import TICK_S, Taking, cpu_s, memory_bytes, tree

MIB = 1 << 20


def taking(parent: int = 1, session: int = 1, started: int = 5, ticks: int = 0, resident: int = MIB) -> Taking:
    return Taking(parent=parent, session=session, started_ticks=started, cpu_ticks=ticks, resident_bytes=resident)


def root(pid: int, started: int = 5) -> ProcessIdentity:
    return ProcessIdentity(pid=pid, started_ticks=started)


def test_a_tree_is_what_descends_from_its_roots_and_what_is_in_their_session() -> None:
    now = {
        10: taking(),
        11: taking(parent=10, session=11),
        12: taking(parent=11, session=11),
        13: taking(parent=1, session=11),  # its parent has ended
        14: taking(parent=13, session=14),
        99: taking(),
    }

    assert tree([root(10), root(11)], now) == [10, 11, 12, 13, 14]


def test_a_pid_that_is_somebody_elses_by_now_is_no_root() -> None:
    assert tree([root(10, started=4), root(77)], {10: taking(started=5)}) == []


def test_cpu_is_what_was_had_since_and_all_of_what_is_new() -> None:
    before = {10: taking(ticks=100), 11: taking(ticks=100, started=3)}
    now = {10: taking(ticks=130), 11: taking(ticks=7, started=9), 12: taking(ticks=5)}

    assert cpu_s([10, 11, 12], before, now) == pytest.approx((30 + 7 + 5) * TICK_S)


def test_memory_that_there_was_no_time_to_look_at_is_not_known() -> None:
    now = measuring.takings()

    assert memory_bytes([os.getpid()], now, until=time.monotonic() - 1) is None


def test_memory_is_the_share_of_a_process_or_all_of_it_where_that_may_not_be_read() -> None:
    here = os.getpid()
    now = measuring.takings() | {2**22 + 1: taking(resident=3 * MIB)}

    share = memory_bytes([here], now, until=time.monotonic() + 60)

    assert share is not None
    assert 0 < share <= now[here].resident_bytes * 1.5
    assert memory_bytes([2**22 + 1], now, until=time.monotonic() + 60) == 3 * MIB
