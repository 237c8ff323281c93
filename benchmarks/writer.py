"""A process that commits sessions for ever and says of each when it is acknowledged, until its power is cut.

`durable` is our store, `plain` what one would write in its place: a file beside, renamed, and no fsync.
"""

import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from benchmarks.homes import pending
from orchestrd.clock import SystemClock
from orchestrd.codec import encode_record
from orchestrd.core.layout import Layout
from orchestrd.model.session import Session
from orchestrd.ports import Stored
from orchestrd.store.files import FileStore

SESSIONS, BATCH = 50, 5
Commit = Callable[[Sequence[Session]], Sequence[Session]]


def durable(layout: Layout) -> Commit:
    """Commit through the store."""
    store = FileStore(layout)
    store.recover(SystemClock().now())

    def commit(batch: Sequence[Session]) -> Sequence[Session]:
        stored = [answer.record for answer in store.commit(batch) if isinstance(answer, Stored)]
        return [record for record in stored if isinstance(record, Session)]

    return commit


def plain(layout: Layout) -> Commit:
    """Write each beside its place and rename it."""

    def commit(batch: Sequence[Session]) -> Sequence[Session]:
        for session in batch:
            draft = Path(layout.sessions, f".{session.id}")
            draft.write_bytes(encode_record(session))
            draft.rename(layout.record(session.id))
        return batch

    return commit


def main(home: str, kind: str) -> None:
    """Commit one batch after the other."""
    layout = Layout(home)
    commit = {"durable": durable, "plain": plain}[kind](layout)
    sessions = [replace(pending(), revision=0) for _ in range(SESSIONS)]
    for start in itertools.cycle(range(0, SESSIONS, BATCH)):
        drafts = [replace(one, revision=one.revision + 1) for one in sessions[start : start + BATCH]]
        sessions[start : start + BATCH] = commit(drafts)
        told = [f"{session.id} {session.revision}\n" for session in sessions[start : start + BATCH]]
        sys.stdout.write("".join(told))
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
