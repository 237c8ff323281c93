"""Events that belong to no session: told to the home's record, committed and recovered like a session's."""

from typing import Any

from orchestrd.engine.ledger import Announce, Ledger
from orchestrd.engine.tasks import OnError
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.words import Authority
from orchestrd.ports import Clock, Store


class HomeEvents:
    """Announces what happened to the home."""

    def __init__(self, store: Store, ledger: Ledger, clock: Clock, on_error: OnError) -> None:
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._on_error = on_error
        self.quarantined = 0

    async def count(self) -> None:
        """Count what lies in quarantine: people empty it as well."""
        self.quarantined = await self._ledger.on_thread(self._store.quarantined)

    async def tell(self, kind: EventType, session: SessionId | None = None, **extras: Any) -> None:
        """Make one event durable. Where that fails, the log says so: nothing depends on such an event."""
        if kind in (EventType.RECORD_REJECTED, EventType.COMMAND_REJECTED):
            await self.count()
        event = Event(
            sequence=0,
            at=self._clock.now().at,
            session=session,
            generation=None,
            type=kind,
            from_=None,
            to=None,
            reason=None,
            authority=Authority.DAEMON,
            revision=None,
            **extras,
        )
        try:
            await self._ledger.ask(Announce([event]))
        except OrchestrdError as error:
            self._on_error(f"could not record {kind}", error)
