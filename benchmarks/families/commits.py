"""A durable commit through ledger and store, alone and in batches, beside the bare system calls that it has to make.

The fsyncs are counted at the system call, for on another disk they are what costs.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from unittest import mock

from msgspec.structs import replace

from benchmarks.bare import write_durably
from benchmarks.homes import pending, temporary_home
from benchmarks.measuring import MILLISECONDS, Act, Effort, alternate, figures, timed
from benchmarks.rows import Row, at_most
from benchmarks.scripted import fail, fail_with
from orchestrd.clock import SystemClock
from orchestrd.codec import encode_record
from orchestrd.core.layout import Layout
from orchestrd.engine.bus import Bus
from orchestrd.engine.ledger import Commit, Ledger
from orchestrd.engine.roster import NO_EVIDENCE, Roster
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Session
from orchestrd.model.words import Authority, Reason, State
from orchestrd.store.files import FileStore

FAMILY = "commits"
BARE = "write, fsync, rename, fsync directory"
BATCHES = (1, 10, 50)
RATIO = 1.25
SYNCS = {1: 2.02, 50: 1.03}  # the journal's own is shared by 64 events
SYNC_CALLS = ("fsync", "fdatasync")


def measure(effort: Effort) -> Iterator[Row]:
    """Measure each size of batch: what one commit of it takes, and how many fsyncs."""
    for size in BATCHES:
        with temporary_home() as layout, asyncio.Runner() as runner:
            bench = Bench(layout, size)
            runner.run(bench.start())
            yield from _rows(bench, runner, effort)
            runner.run(bench.stop())


class Bench:
    """A ledger over a store of files, and a batch of sessions that are committed again and again."""

    def __init__(self, layout: Layout, size: int) -> None:
        self.layout = layout
        self._ledger = Ledger(
            store=FileStore(layout),
            roster=Roster(fail),
            bus=Bus(),
            clock=SystemClock(),
            on_error=fail,
            on_fault=fail_with,
        )
        self.sessions = [pending() for _ in range(size)]
        self.sessions = [replace(session, revision=0) for session in self.sessions]

    async def start(self) -> None:
        """Take the home over."""
        await self._ledger.start()

    async def stop(self) -> None:
        """Let go of it."""
        await self._ledger.stop()

    async def commit(self) -> float:
        """Commit every session once, with one event each, all in one batch; milliseconds for each of them."""
        drafts = [replace(session, events=(*session.events, _event(session.id))) for session in self.sessions]
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._commit(draft), name=f"commit {draft.id}") for draft in drafts]
        took = (time.perf_counter() - begun) * MILLISECONDS
        self.sessions = [task.result() for task in asked]
        return took / len(drafts)

    async def _commit(self, draft: Session) -> Session:
        return await self._ledger.ask(Commit(draft, NO_EVIDENCE))


def _rows(bench: Bench, runner: asyncio.Runner, effort: Effort) -> Iterator[Row]:
    size, rounds = len(bench.sessions), effort.of(200, 40)
    name = "a commit alone" if size == 1 else f"a commit in a batch of {size}"
    counts: list[int] = []

    def ours() -> float:
        with counted_syncs() as count:
            took = runner.run(bench.commit())
        counts.append(count())
        return took

    ours_ms, bare_ms = alternate([ours, _bare(bench)], rounds)
    yield Row(
        family=FAMILY,
        what=f"{name}, accepted and durable",
        unit="ms",
        ours=ours_ms,
        peer_name=BARE,
        peer=bare_ms,
        target=(at_most(RATIO, "ratio"),),
        reason="encoding, the ledger's thread and the journal come on top of the system calls",
    )
    yield Row(
        family=FAMILY,
        what=f"fsyncs of {name}, on average",
        unit="",
        ours=figures([sum(counts) / len(counts) / size]),
        target=(at_most(SYNCS[size]),) if size in SYNCS else (),
    )


def _bare(bench: Bench) -> Act:
    """Do the system calls of one batch on files of the same size, next to those of the store."""

    def act() -> float:
        contents = [encode_record(session) for session in bench.sessions]
        return timed(lambda: write_durably(bench.layout.prompts, contents), per=len(contents))()

    return act


@contextlib.contextmanager
def counted_syncs() -> Iterator[Callable[[], int]]:
    """Count the fsyncs of this process, whoever makes them."""
    with contextlib.ExitStack() as stack:
        spies = [stack.enter_context(mock.patch.object(os, name, wraps=getattr(os, name))) for name in SYNC_CALLS]
        yield lambda: sum(spy.call_count for spy in spies)


def _event(session: SessionId) -> Event:
    return Event(
        sequence=0,
        at=SystemClock().now().at,
        session=session,
        generation=1,
        type=EventType.STATE_CHANGED,
        from_=State.SCHEDULED,
        to=State.STARTING,
        reason=Reason.ADMITTED,
        authority=Authority.DAEMON,
        revision=None,
    )
