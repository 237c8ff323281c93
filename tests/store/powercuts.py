"""Days in the life of a store on a disk that fails, is killed and loses power; and the checker that forgives nothing.

The checker knows what was offered, what was answered, and what has ever been shown. After each recovery:

- every session stands at its last answered commit, or at the one that was under way, with exactly that content;
- the journal runs from 1 without a gap; what was shown under a number is still there, byte for byte;
- every event of every commit that stands is in it exactly once, and no other; the rest is void and was never shown.
"""

import random
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from orchestrd.core.layout import Layout
from orchestrd.model.errors import FaultError, OrchestrdError
from orchestrd.model.event import EventType
from orchestrd.model.session import SCHEMA, Home, Session
from orchestrd.ports import Recovered, Stored
from orchestrd.store.files import FileStore
from orchestrd.testing.history import decode_event
from tests.store.making import NOW, a_session, an_event, following
from tests.store.simdisk import Crash, SimDisk

LAYOUT = Layout("/sim")
STEPS = 14  # about as many as a commit of all sessions has
SESSIONS = ("aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd")
MakeStore = Callable[[SimDisk], FileStore]


class Violation(AssertionError):
    """A promise of the store was broken."""


def make_store(disk: SimDisk) -> FileStore:
    """Make the real one."""
    return FileStore(LAYOUT, disk)


def world_of(seed: int, make: MakeStore = make_store, disk: SimDisk | None = None) -> "World":
    """Make the world of one seed; the file system of every other one reorders renames."""
    return World(random.Random(seed), make, disk, reorders=bool(seed % 2))


class World:
    """One home, from its first start through many ends."""

    def __init__(
        self,
        chance: random.Random,
        make: MakeStore = make_store,
        disk: SimDisk | None = None,
        *,
        reorders: bool = False,
    ) -> None:
        self._chance = chance
        self._reorders = reorders
        self._make = make
        self._disk = disk or SimDisk()
        self._attempts = 0
        self._history: dict[str, list[int]] = {}  # attempts that stand, by revision
        self._offered: dict[str, dict[int, int]] = {}  # attempts under way and events of each
        self._events: dict[int, int] = {}  # how many events an attempt has
        self._home_stands: set[int] = set()
        self._home_maybe: set[int] = set()
        self._shown: dict[int, bytes] = {}
        self.store = self._make(self._disk)
        self.records: dict[str, Session] = {}
        self.home = Home(schema=SCHEMA, epoch=0, revision=0)
        self.restart()

    # ---- what may happen

    def live(self, steps: int) -> None:
        """Let so many things happen."""
        for _ in range(steps):
            self.happen()

    def happen(self) -> None:
        """Let one thing happen, with or without an end in the midst of it."""
        act = self._chance.choice((self.commit, self.commit, self.commit, self.sync, self.scan, self.end))
        kind = self._chance.random()
        step = self._chance.randint(0, STEPS)
        self.attempt(act, crash_after=step if kind < 0.35 else None, fail_after=step if 0.35 <= kind < 0.5 else None)

    def attempt(
        self, act: Callable[[], None], *, crash_after: int | None = None, fail_after: int | None = None
    ) -> None:
        """Do one thing, and let it end, or the disk fail once, after so many steps of the disk."""
        self._disk.crash_after, self._disk.fail_after = crash_after, fail_after
        try:
            act()
        except (Crash, FaultError):
            self.restart()
        self._disk.crash_after = self._disk.fail_after = None

    def commit(self) -> None:
        """Commit a batch of distinct sessions, now and then with the home."""
        chosen = self._chance.sample(SESSIONS, self._chance.randint(1, len(SESSIONS)))
        batch: list[Session | Home] = [self._drafted(session) for session in chosen]
        if self._chance.random() < 0.3:
            batch.append(self._drafted_home())
        answers = self.store.commit(batch)
        for draft, answer in zip(batch, answers, strict=True):
            self._answered(draft, answer)

    def sync(self) -> None:
        """Make the journal durable, so that records forget."""
        self.store.sync()

    def scan(self) -> None:
        """Look at the disk, which no other hand has touched."""
        self._must(self.store.scan().drifts == (), "a scan found the store's own commits strange")

    def end(self) -> None:
        """End it all, here."""
        raise Crash

    def restart(self) -> None:
        """Start anew on what is left, as often as it takes."""
        while True:
            self._disk = self._what_is_left()
            self.store = self._make(self._disk)
            if self._chance.random() < 0.3:
                self._disk.crash_after = self._chance.randint(0, 40)
            try:
                recovered = self.store.recover(NOW)
            except Crash:
                continue
            self._disk.crash_after = None
            self._check(recovered)
            return

    def _what_is_left(self) -> SimDisk:
        if self._chance.random() < 0.5:
            return self._disk.killed()
        return self._disk.after_power_cut(self._chance, reorders=self._reorders)

    # ---- what is offered and answered

    def _drafted(self, session: str) -> Session:
        self._attempts += 1
        count = self._chance.choice((0, 1, 1, 2, 3))
        record = self.records.get(session)
        draft = following(record, events=0) if record else a_session(session, events=())
        texts = [f"{self._attempts}.{number}" for number in range(count)]
        events = tuple(an_event(session, draft.revision, text=text) for text in texts)
        self._events[self._attempts] = count
        self._offered.setdefault(session, {})[self._attempts] = draft.revision
        return replace(draft, events=draft.events + events, error=str(self._attempts))

    def _drafted_home(self) -> Home:
        self._attempts += 1
        self._events[self._attempts] = 1
        self._home_maybe.add(self._attempts)
        event = an_event(None, self.home.revision + 1, text=f"{self._attempts}.0")
        return replace(self.home, revision=self.home.revision + 1, events=(*self.home.events, event))

    def _answered(self, draft: Session | Home, answer: Stored | OrchestrdError) -> None:
        if isinstance(draft, Home):
            if isinstance(answer, Stored) and isinstance(answer.record, Home):
                self.home = answer.record
                self._home_stands.add(self._attempts)
                self._show(answer)
            self._home_maybe.discard(self._attempts)
            return
        attempt = int(draft.error or "")
        del self._offered[draft.id][attempt]
        if isinstance(answer, Stored) and isinstance(answer.record, Session):
            self._history.setdefault(draft.id, []).append(attempt)
            self.records[draft.id] = answer.record
            self._show(answer)

    def _show(self, answer: Stored) -> None:
        for event, line in zip(answer.events, answer.lines, strict=True):
            self._must(event.sequence not in self._shown, f"number {event.sequence} was given twice")
            self._shown[event.sequence] = line

    # ---- what must be so after a start

    def _check(self, recovered: Recovered) -> None:
        self._must(not any(drift.replaced or drift.session for drift in recovered.drifts), "a record was touched")
        self._must(recovered.home.epoch > self.home.epoch, "the epoch did not rise")
        self.home = recovered.home
        self.records = {session.id: session for session in recovered.sessions}
        for session in SESSIONS:
            self._check_record(session)
        self._check_journal(recovered.tail)
        self._offered.clear()

    def _check_record(self, session: str) -> None:
        history = self._history.setdefault(session, [])
        record = self.records.get(session)
        revision = record.revision if record else 0
        if record and revision == len(history) + 1:
            attempt = int(record.error or "")
            self._must(self._offered.get(session, {}).get(attempt) == revision, f"{session} stands at nobody's commit")
            history.append(attempt)
        self._must(revision == len(history), f"{session} stands at {revision}, answered was {len(history)}")
        self._must(not record or record.error == str(history[-1]), f"{session} has another content than answered")

    def _check_journal(self, tail: int) -> None:
        lines = self._lines()
        self._must(len(lines) == tail, f"the journal has {len(lines)} lines and ends at {tail}")
        texts = []
        for number, line in enumerate(lines, start=1):
            event = decode_event(line)
            if event is None or event.sequence != number:
                raise Violation(f"line {number} of the journal is not event {number}: {line!r}")
            self._must(self._shown.get(number, line) == line, f"event {number} is not what was shown")
            if event.type is not EventType.VOID:
                texts.append(event.text)
            self._shown[number] = line
        self._must(len(texts) == len(set(texts)), "an event stands there twice")
        self._check_events({text for text in texts if text})

    def _check_events(self, texts: set[str]) -> None:
        stands = {attempt for history in self._history.values() for attempt in history} | self._home_stands
        expected = {f"{attempt}.{number}" for attempt in stands for number in range(self._events[attempt])}
        maybe = {f"{attempt}.0" for attempt in self._home_maybe}
        self._must(expected <= texts, f"events are lost: {sorted(expected - texts)}")
        self._must(texts <= expected | maybe, f"events of nothing: {sorted(texts - expected - maybe)}")
        self._home_stands |= {attempt for attempt in self._home_maybe if f"{attempt}.0" in texts}
        self._home_maybe.clear()

    def _lines(self) -> list[bytes]:
        lines: list[bytes] = []
        for page in iter(partial(self._page, lines), None):
            lines += page
        return lines

    def _page(self, lines: list[bytes]) -> tuple[bytes, ...] | None:
        page = self.store.read(len(lines), 4096)
        self._must(page.gap is None, f"the journal has a gap: {page.gap}")
        return page.lines or None

    def _must(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001 - a fact, as in assert
        if not holds:
            raise Violation(otherwise)
