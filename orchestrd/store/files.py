"""The store on files: one record a file, replaced whole; the journal behind them. The file is the truth.

A commit is durable when its directory is synced, and only then answered. Its events stay in the record until the
journal holds them durably too, so a crash at any moment loses none of them. The steps, and why they are these:

    number          from the newest on; a commit that fails gives its numbers to the next one, so there is no hole
    write, fsync    each record beside its place: a full disk rejects that commit and no other
    rename          in the order of numbers, so that what a crash leaves is a beginning of the batch
    sync            of the directory, once for all; if that fails nobody knows what is durable, and the daemon ends
    append          to the journal, not yet durable; a journal that takes nothing now is caught up later
    sync            of the journal, now and then; only what it holds durably is forgotten by the records
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from msgspec.structs import replace

from orchestrd.core.layout import Layout, draft_of
from orchestrd.model.errors import (
    ConflictError,
    FaultError,
    NotFoundError,
    OrchestrdError,
    RefusedError,
    TransientError,
)
from orchestrd.model.ids import SessionId, is_session_id
from orchestrd.model.instant import Instant
from orchestrd.model.limits import JOURNAL_UNSYNCED_EVENTS_MAX
from orchestrd.model.session import SCHEMA, Home, Session
from orchestrd.ports import Page, Recovered, Scan, Stored
from orchestrd.store.attachments import find_put_away, is_put_away, put_away
from orchestrd.store.disk import LOCAL, Disk, Lock, undecided, unwritable
from orchestrd.store.draft import Draft, Place, completed, encoded
from orchestrd.store.home import HomeFile
from orchestrd.store.journal import Journal
from orchestrd.store.quarantine import Quarantine
from orchestrd.store.records import Records
from orchestrd.store.recovery import forget_the_refused, mend, sweep, take_home

T = TypeVar("T")


class FileStore:
    """The store of one home."""

    def __init__(self, layout: Layout, disk: Disk = LOCAL) -> None:
        quarantine = Quarantine(layout.quarantine, disk)
        self._layout = layout
        self._disk = disk
        self._quarantine = quarantine
        self._journal = Journal(layout.journal, disk)
        self._records = Records(layout, disk, quarantine)
        self._home = HomeFile(layout, disk, quarantine)
        self._lock: Lock | None = None
        self._fault: FaultError | None = None

    # ---- start and end

    def recover(self, now: Instant) -> Recovered:
        try:
            self._lock = take_home(self._disk, self._layout)
            sweep(self._disk, self._layout, now)
            forget_the_refused(self._disk, self._layout, now)
            mend(self._disk, self._layout, journal=self._journal, records=self._records, home=self._home)
            home = self._raise_epoch()
        except OSError as error:
            self._let_go()
            raise RefusedError(
                f"cannot use the home {self._layout.home}: {error.strerror or error}"
                + (f" ({error.filename})" if error.filename else ""),
                code="home_unusable",
                hint="mend what it names, or name another home in ORCH_HOME",
            ) from error
        except OrchestrdError:
            self._let_go()
            raise
        scan = self._records.taken()
        replaced = {drift.session for drift in scan.drifts if drift.replaced}
        return Recovered(
            home=home,
            sessions=tuple(known.session for name, known in self._records.known.items() if name not in replaced),
            read_only=scan.read_only,
            drifts=scan.drifts,
            tail=self._journal.newest,
        )

    def close(self) -> None:
        try:
            if self._lock and not self._fault:
                self._journal.sync()
        finally:
            self._let_go()

    # ---- every day

    def scan(self) -> Scan:
        self._stay_sound()
        self._guarded(self._records.scan)
        scan = self._records.taken()
        if any(drift.replaced for drift in scan.drifts):
            self._journal.sync()  # the file that held our newest events is gone
        return scan

    def commit(self, batch: Sequence[Session | Home]) -> list[Stored | OrchestrdError]:
        self._stay_sound()
        drafts = self._guarded(lambda: self._rename(self._write(batch)))
        done = [draft for draft in drafts if isinstance(draft, Draft)]
        self._make_durable(done)
        answers = [draft.stored() if isinstance(draft, Draft) else draft for draft in drafts]
        for draft in done:
            self._take_in(draft)
        self._journal.append([line for answer in answers if isinstance(answer, Stored) for line in answer.lines])
        if self._journal.newest - self._journal.synced >= JOURNAL_UNSYNCED_EVENTS_MAX:
            with contextlib.suppress(FaultError):  # these commits are durable; the next call says what is wrong
                self._journal.sync()
        return answers

    def sync(self) -> None:
        self._stay_sound()
        self._journal.sync()

    def read(self, after: int, limit_bytes: int) -> Page:
        try:
            return self._journal.read(after, limit_bytes)
        except OSError as error:
            raise TransientError(f"cannot read the journal: {error.strerror}", hint="orch daemon logs") from error

    def archive(self, session: SessionId) -> None:
        self._stay_sound()
        known = self._records.known.get(session)
        if known is None:
            raise NotFoundError(f"there is no session {session}", hint="orch status --all")
        if not known.session.is_terminal:
            raise RefusedError(f"session {session} has not ended", hint=f"orch stop {session}")
        self._journal.sync()
        if self._journal.synced < self._journal.newest:
            raise TransientError("the journal cannot be written: nothing is archived", hint="free some space")
        try:
            put_away(self._disk, self._layout, session, known.session.generation)
        except OSError as error:
            raise unwritable(self._layout.archive, error) from error
        self._records.forget(session)
        self._sync_directory(self._layout.sessions)

    def is_archived(self, session: SessionId) -> bool:
        with _reading_the_archive():
            return is_put_away(self._disk, self._layout, session)

    def find_archived(self, text: str) -> SessionId | None:
        with _reading_the_archive():
            return find_put_away(self._disk, self._layout, text)

    def quarantined(self) -> int:
        return self._quarantine.count()

    # ---- the steps of a commit

    def _write(self, batch: Sequence[Session | Home]) -> list[Draft | OrchestrdError]:
        drafts: list[Draft | OrchestrdError] = []
        newest = self._journal.newest
        for record in batch:
            try:
                draft = self._draft(record, newest)
                newest += len(draft.events)
                drafts.append(draft)
            except FaultError:
                raise
            except OrchestrdError as refusal:
                drafts.append(refusal)
        return drafts

    def _draft(self, record: Session | Home, newest: int) -> Draft:
        if isinstance(record, Session) and not is_session_id(record.id):
            raise RefusedError(f"{record.id[:64]!r} is no session id", hint="orch spawn --help")
        path = self._layout.home_record if isinstance(record, Home) else self._layout.record(record.id)
        try:
            place = self._place_of(record, path)
            whole, events = completed(record, place, newest, self._journal.synced)
            return Draft(whole, events, place, self._disk.write(draft_of(path), encoded(whole, place)))
        except OSError as error:
            raise unwritable(path, error) from error

    def _place_of(self, record: Session | Home, path: str) -> Place:
        """Find what is stored under the record's name, once what another hand did to it has been dealt with."""
        if isinstance(record, Home):
            self._home.settle(self._records)
            return Place(path, self._home.known, self._home.overlay)
        self._records.settle(record.id)
        if record.id in self._records.read_only:
            raise ConflictError(f"{path} was written by a newer orchestrd", hint="orch status")
        known = self._records.known.get(record.id)
        return Place(path, known.session, known.overlay) if known else Place(path)

    def _rename(self, drafts: list[Draft | OrchestrdError]) -> list[Draft | OrchestrdError]:
        """Rename in order; one that fails takes all behind it with it, so that what is durable is a beginning."""
        for index, draft in enumerate(drafts):
            if not isinstance(draft, Draft):
                continue
            try:
                self._disk.rename(draft_of(draft.place.path), draft.place.path)
            except OSError as error:
                return [*drafts[:index], *(self._dropped(rest, draft.place.path, error) for rest in drafts[index:])]
        return drafts

    def _dropped(self, draft: Draft | OrchestrdError, path: str, error: OSError) -> OrchestrdError:
        if not isinstance(draft, Draft):
            return draft
        with contextlib.suppress(OSError):
            self._disk.unlink(draft_of(draft.place.path))
        return unwritable(path, error)

    def _make_durable(self, drafts: Sequence[Draft]) -> None:
        if any(isinstance(draft.record, Session) for draft in drafts):
            self._sync_directory(self._layout.sessions)
        if any(isinstance(draft.record, Home) for draft in drafts):
            self._sync_directory(self._layout.home)

    def _take_in(self, draft: Draft) -> None:
        if isinstance(draft.record, Home):
            self._home.committed(draft.record, draft.place.overlay, draft.stamp)
        else:
            self._records.committed(draft.record, draft.place.overlay, draft.stamp)

    # ---- soundness

    def _sync_directory(self, path: str) -> None:
        try:
            self._disk.sync_directory(path)
        except OSError as error:
            self._fault = undecided(path, error)
            raise self._fault from error

    def _guarded(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except FaultError as fault:
            self._fault = fault
            raise

    def _stay_sound(self) -> None:
        """Do nothing more once nobody can say what is durable, or once the home is not ours: it may be another's."""
        if self._lock and not self._lock.is_still_named():
            self._fault = self._fault or _lost(self._layout)
        if fault := self._fault or self._journal.fault:
            raise fault

    def _raise_epoch(self) -> Home:
        home = self._home.known or Home(schema=SCHEMA, epoch=0, revision=0)
        epochs = [known.session.epoch for known in self._records.known.values()]
        raised = Home(schema=SCHEMA, epoch=max([home.epoch, *epochs]) + 1, revision=home.revision + 1)
        answer = self.commit([raised])[0]
        if isinstance(answer, OrchestrdError):
            raise answer
        return replace(raised, events=answer.record.events)

    def _let_go(self) -> None:
        self._journal.close()
        if self._lock:
            self._lock.release()
            self._lock = None


@contextlib.contextmanager
def _reading_the_archive() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransientError(f"cannot read the archive: {error.strerror}", hint="orch daemon logs") from error


def _lost(layout: Layout) -> FaultError:
    return FaultError(
        f"the home {layout.home} was removed or replaced under its daemon; what runs, runs on",
        hint="orch daemon start",
    )
