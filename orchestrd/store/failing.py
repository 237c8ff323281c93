"""A store that fails where it is told to: for what stands on a store, the paths that a sound disk never takes."""

from collections.abc import Sequence

from orchestrd.model.errors import OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.session import Home, Session
from orchestrd.ports import Page, Recovered, Scan, Store, Stored


class FailingStore:
    """Passes every call on to `store`, but for the methods named in `failures`: those raise what stands there.

    With `rejection` set, every commit of a batch is answered with it and nothing is written, as on a full disk.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.failures: dict[str, OrchestrdError] = {}
        self.rejection: OrchestrdError | None = None

    def recover(self, now: Instant) -> Recovered:
        self._fail("recover")
        return self._store.recover(now)

    def scan(self) -> Scan:
        self._fail("scan")
        return self._store.scan()

    def commit(self, batch: Sequence[Session | Home]) -> list[Stored | OrchestrdError]:
        self._fail("commit")
        if self.rejection:
            return [self.rejection for _ in batch]
        return self._store.commit(batch)

    def sync(self) -> None:
        self._fail("sync")
        self._store.sync()

    def read(self, after: int, limit_bytes: int) -> Page:
        self._fail("read")
        return self._store.read(after, limit_bytes)

    def archive(self, session: SessionId) -> None:
        self._fail("archive")
        self._store.archive(session)

    def is_archived(self, session: SessionId) -> bool:
        self._fail("is_archived")
        return self._store.is_archived(session)

    def find_archived(self, text: str) -> SessionId | None:
        self._fail("find_archived")
        return self._store.find_archived(text)

    def quarantined(self) -> int:
        self._fail("quarantined")
        return self._store.quarantined()

    def close(self) -> None:
        self._fail("close")
        self._store.close()

    def _fail(self, method: str) -> None:
        if failure := self.failures.get(method):
            raise failure
