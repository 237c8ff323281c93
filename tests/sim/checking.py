"""What must be so after every commit and after every start, however the day went.

The checker stands inside the store, so that it sees each commit at the moment it becomes durable, before anyone hears
of it. It knows the world, and so what really lives.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from orchestrd.core.layout import Layout
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.session import Home, Session
from orchestrd.model.words import OCCUPYING, TERMINAL
from orchestrd.ports import Recovered, Stored
from orchestrd.store.files import FileStore
from orchestrd.testing.history import Standing, decode_event, fold, standing_of
from tests.sim.judge import Judge
from tests.sim.world import SimWorld
from tests.store.simdisk import SimDisk

PAGE_BYTES = 1 << 20


class Checker:
    """What is durable, as answered; and the laws over it."""

    def __init__(
        self,
        records: dict[SessionId, Session],
        world: SimWorld,
        max_running: int,
        judge: Judge,
        trace: "hashlib._Hash",
    ) -> None:
        self.records = records
        self.edited: set[SessionId] = set()  # another hand was at the file: its revision may leap
        self.epoch = 0
        self.tail = 0
        self.lines: dict[int, bytes] = {}  # every line that was ever answered or shown, by its number
        self._standings: dict[SessionId, Standing] = {}
        self._world = world
        self._trace = trace
        self._max_running = max_running
        self._must = judge.must

    # ---- after a commit

    def committed(self, answers: Sequence[Stored | OrchestrdError]) -> None:
        """Check one batch."""
        for answer in answers:
            if isinstance(answer, Stored):
                self._numbered(answer)
                if isinstance(answer.record, Session):
                    self._stored(answer.record, answer.events)
        taken = sum(record.state in OCCUPYING for record in self.records.values())
        self._must(taken <= self._max_running, f"{taken} sessions hold {self._max_running} places")

    def _numbered(self, answer: Stored) -> None:
        for event, line in zip(answer.events, answer.lines, strict=True):
            self._must(event.sequence == self.tail + 1, f"event {event.sequence} follows {self.tail}")
            self._must(event.revision == answer.record.revision, f"event {event.sequence} bears another revision")
            self._must(decode_event(line) == event, f"line {event.sequence} is not its event")
            self.tail = event.sequence
            self.lines[event.sequence] = line
            self._trace.update(b"%f %s" % (self._world.now_s(), line))

    def _stored(self, record: Session, events: Sequence[Event]) -> None:
        before = self.records.get(record.id)
        revision = before.revision if before else 0
        leaps = record.id in self.edited and record.revision > revision
        self._must(record.revision == revision + 1 or leaps, f"{record.id} went from {revision} to {record.revision}")
        self._must(record.epoch == self.epoch, f"{record.id} is of epoch {record.epoch}, not {self.epoch}")
        changes = [event for event in events if event.type is EventType.STATE_CHANGED]
        self._must(len(changes) <= 1, f"{record.id} changed its state {len(changes)} times in one commit")
        self._standings[record.id] = self._folded(record, events, self._standings.get(record.id))
        self.records[record.id] = record
        self._must_be_over(record)

    def _folded(self, record: Session, events: Sequence[Event], standing: Standing | None) -> Standing:
        folded = fold(events, standing)
        self._must(folded == standing_of(record), f"{record.id}: the fold gives {folded}, not {standing_of(record)}")
        assert folded is not None
        return folded

    def _must_be_over(self, record: Session) -> None:
        """No terminal state without the proof in the world, and no life after it."""
        if record.state in TERMINAL:
            lives = [key for key in self._world.running() if key[0] == record.id]
            self._must(not lives, f"{record.id} is {record.state}, and {lives} lives")

    # ---- after a start

    def recovered(self, found: Recovered, journal: list[bytes]) -> None:
        """Check what a new daemon finds against all that was ever answered."""
        self._must(found.home.epoch > self.epoch, f"the epoch went from {self.epoch} to {found.home.epoch}")
        self.epoch, self.tail = found.home.epoch, found.tail
        for number, line in enumerate(journal, start=1):
            self._must(self.lines.get(number, line) == line, f"event {number} is not what was shown")
            self.lines[number] = line
        self._must(len(journal) == found.tail >= max(self.lines, default=0), f"the journal ends at {len(journal)}")
        self._refold(journal)
        after = {session.id: session for session in found.sessions}
        for session, record in self.records.items():
            self._must(session in after, f"{session} is gone")
            self._must(after[session].revision >= record.revision, f"{session} fell behind revision {record.revision}")
        self.records.clear()
        self.records.update(after)
        for record in found.sessions:
            standing = self._standings.get(record.id)
            self._must(standing == standing_of(record), f"{record.id}: the journal gives {standing}")
            self._must_be_over(record)

    def _refold(self, journal: list[bytes]) -> None:
        histories: dict[SessionId, list[Event]] = defaultdict(list)
        for number, line in enumerate(journal, start=1):
            event = decode_event(line)
            self._must(event is not None and event.sequence == number, f"line {number} of the journal is {line!r}")
            if event is not None and event.session is not None:
                histories[event.session].append(event)
        self._standings = {}
        for session, events in histories.items():
            standing = fold(events)
            if standing is not None:
                self._standings[session] = standing
            self._one_end_each(session, events)

    def _one_end_each(self, session: SessionId, events: Sequence[Event]) -> None:
        changes = [event for event in events if event.type is EventType.STATE_CHANGED]
        ends = [event.generation for event in changes if event.to in TERMINAL]
        self._must(len(ends) == len(set(ends)), f"{session} ended more than once: {ends}")
        for before, after in pairwise(changes):
            self._must(before.to == after.from_, f"{session} left {after.from_}, and stood in {before.to}")


class CheckedStore(FileStore):
    """The store of one daemon, under the eyes of the checker until that daemon is dead."""

    def __init__(self, layout: Layout, disk: SimDisk, checker: Checker) -> None:
        super().__init__(layout, disk)
        self._checker = checker
        self.is_dead = False

    def recover(self, now: Instant) -> Recovered:
        recovered = super().recover(now)
        self._checker.recovered(recovered, self._journal_lines())
        return recovered

    def commit(self, batch: Sequence[Session | Home]) -> list[Stored | OrchestrdError]:
        answers = super().commit(batch)
        if not self.is_dead:
            self._checker.committed(answers)
        return answers

    def _journal_lines(self) -> list[bytes]:
        lines: list[bytes] = []
        while (page := self.read(len(lines), PAGE_BYTES)).lines:
            lines += page.lines
        return lines
