"""Receipts: who waits for what became of a message. Any number may wait for the same one, each as long as it likes."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrd.engine.roster import Roster
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Session, Settled

MessageKey = tuple[SessionId, str]


class Receipts:
    """Hands out the receipt of a message once the commit that settled it is durable."""

    def __init__(self, roster: Roster) -> None:
        self._waiting: dict[MessageKey, list[asyncio.Future[Settled]]] = defaultdict(list)
        roster.on_commit(self._hand_out)

    @contextmanager
    def of(self, session: SessionId, message: str) -> Iterator["asyncio.Future[Settled]"]:
        """Give a future of the receipt; wait for it inside, for it is forgotten at the end."""
        receipt: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        self._waiting[session, message].append(receipt)
        try:
            yield receipt
        finally:
            self._waiting[session, message].remove(receipt)
            if not self._waiting[session, message]:
                del self._waiting[session, message]

    def _hand_out(self, session: Session) -> None:
        for settled in session.settled:
            for receipt in self._waiting.get((session.id, settled.id), ()):
                if not receipt.done():
                    receipt.set_result(settled)
