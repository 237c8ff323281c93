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
from benchmarks.measuring import MILLISECONDS, Effort, Figures, alternate, figures, timed
from benchmarks.rows import Row, at_most
from benchmarks.scripted import fail, fail_with
from orchestrd.clock import SystemClock
from orchestrd.codec import encode_record
from orchestrd.core.layout import Layout
from orchestrd.engine.bus import Bus
from orchestrd.engine.ledger import Commit, Ledger
from orchestrd.engine.roster import NO_EVIDENCE, Roster
from orchestrd.engine.troubles import Troubles
from orchestrd.model.event import Event, EventType
from orchestrd.model.session import Session
from orchestrd.model.words import Authority, Reason, State
from orchestrd.ports import Stored
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
        with temporary_home() as layout, asyncio.Runner() as runner, counted_syncs() as count:
            bench = Bench(layout, size)
            runner.run(bench.start())
            yield from _rows(bench, runner, count, effort.of(200, 40))
            runner.run(bench.stop())


class Bench:
    """A ledger over a store of files, and two batches of sessions that are committed again and again.

    One batch goes through the ledger, the other to the store alone, to tell what each of the two adds.
    """

    def __init__(self, layout: Layout, size: int) -> None:
        self.layout = layout
        self.size = size
        self._store = FileStore(layout)
        self._ledger = Ledger(
            store=self._store,
            roster=Roster(fail),
            bus=Bus(),
            clock=SystemClock(),
            troubles=Troubles(fail),
            on_error=fail,
            on_fault=fail_with,
        )
        self._through_ledger = [replace(pending(), revision=0) for _ in range(size)]
        self._to_store = [replace(pending(), revision=0) for _ in range(size)]

    async def start(self) -> None:
        """Take the home over."""
        await self._ledger.start()

    async def stop(self) -> None:
        """Let go of it."""
        await self._ledger.stop()

    async def commit(self) -> float:
        """Commit one batch through the ledger, each session with one event; milliseconds for each of them."""
        drafts = [_drafted(session) for session in self._through_ledger]
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._ask(draft), name=f"commit {draft.id}") for draft in drafts]
        took = (time.perf_counter() - begun) * MILLISECONDS
        self._through_ledger = [task.result() for task in asked]
        return took / self.size

    def commit_to_store(self) -> float:
        """Commit the other batch to the store alone, while the ledger is idle."""
        drafts = [replace(_drafted(session), revision=session.revision + 1) for session in self._to_store]
        begun = time.perf_counter()
        answers = self._store.commit(drafts)
        took = (time.perf_counter() - begun) * MILLISECONDS
        stored = [answer.record for answer in answers if isinstance(answer, Stored)]
        self._to_store = [record for record in stored if isinstance(record, Session)]
        return took / self.size

    def commit_bare(self) -> float:
        """Do the system calls of one batch, on files of the same size in another directory."""
        contents = [encode_record(session) for session in self._to_store]
        return timed(lambda: write_durably(self.layout.prompts, contents), per=self.size)()

    async def _ask(self, draft: Session) -> Session:
        return await self._ledger.ask(Commit(draft, NO_EVIDENCE))


def _rows(bench: Bench, runner: asyncio.Runner, count: Callable[[], int], rounds: int) -> Iterator[Row]:
    name = "a commit alone" if bench.size == 1 else f"a commit in a batch of {bench.size}"
    syncs: list[int] = []

    def through_ledger() -> float:
        before = count()
        took = runner.run(bench.commit())
        syncs.append(count() - before)
        return took

    ledger, store, peer = alternate([through_ledger, bench.commit_to_store, bench.commit_bare], rounds)
    yield _row(
        f"{name}, accepted and durable", ledger, peer, "two changes of thread come on top of what the store adds"
    )
    yield _row(
        f"{name}, the store's part of it", store, peer, "checks, numbering, encoding, and the line in the journal"
    )
    yield Row(
        family=FAMILY,
        what=f"fsyncs of {name}, on average",
        unit="",
        ours=figures([sum(syncs) / len(syncs) / bench.size]),
        target=(at_most(SYNCS[bench.size]),) if bench.size in SYNCS else (),
    )


def _row(what: str, ours: Figures, peer: Figures, reason: str) -> Row:
    return Row(
        family=FAMILY,
        what=what,
        unit="ms",
        ours=ours,
        peer_name=BARE,
        peer=peer,
        target=(at_most(RATIO, "ratio"),),
        reason=reason,
    )


@contextlib.contextmanager
def counted_syncs() -> Iterator[Callable[[], int]]:
    """Count the fsyncs of this process, whoever makes them."""
    calls: list[int] = []

    def counting(call: Callable[[int], None]) -> Callable[[int], None]:
        def counted(descriptor: int) -> None:
            calls.append(descriptor)
            call(descriptor)

        return counted

    with contextlib.ExitStack() as stack:
        for name in SYNC_CALLS:
            stack.enter_context(mock.patch.object(os, name, counting(getattr(os, name))))
        yield lambda: len(calls)


def _drafted(session: Session) -> Session:
    """Draft the next commit of a session: the same, with one more event."""
    event = Event(
        sequence=0,
        at=session.state_since,
        session=session.id,
        generation=session.generation,
        type=EventType.STATE_CHANGED,
        from_=State.SCHEDULED,
        to=State.STARTING,
        reason=Reason.ADMITTED,
        authority=Authority.DAEMON,
        revision=session.revision + 1,
    )
    return replace(session, events=(*session.events, event))
