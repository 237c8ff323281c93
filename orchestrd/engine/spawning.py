"""Spawning: begins the other sessions that reactions have decided on.

Repeatable: the id of the other session is made of the one that it is begun for and of the effect, so that performing it
again, after a crash, finds it there.
"""

import asyncio
from collections.abc import Awaitable, Callable

from orchestrd.core.another import another
from orchestrd.core.layout import Layout
from orchestrd.engine.actor import StoppedError
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.performing import Performer
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.model.command import SpawnedAnother
from orchestrd.model.document import Document, SpawnRequest
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.errors import FaultError, OrchestrdError
from orchestrd.model.session import Session
from orchestrd.ports import Attachments

Spawn = Callable[[SpawnRequest], Awaitable[tuple[Document, bool]]]


class Spawning(Performer):
    """Begins them. `spawn` accepts a session as if a user had asked for it."""

    name = "spawning"
    kinds = frozenset({EffectKind.SPAWN})

    def __init__(
        self,
        *,
        layout: Layout,
        roster: Roster,
        mailboxes: Mailboxes,
        attachments: Attachments,
        spawn: Spawn,
        on_error: OnError,
    ) -> None:
        super().__init__(roster, mailboxes, on_error)
        self._layout = layout
        self._attachments = attachments
        self._spawn = spawn

    async def perform(self, session: Session, effect: Effect) -> None:
        """Begin one. Where nobody knows whether it was begun, nothing is told: the next daemon looks."""
        assert effect.spawn is not None, "a spawn has its order"
        environment = await asyncio.to_thread(self._attachments.read_secret, session.id)
        request = another(session, effect, effect.spawn, environment, self._layout.worktrees)
        try:
            told, _ = await self._spawn(request)
        except (StoppedError, FaultError):
            return
        except OrchestrdError as error:
            said = f"{error.message}; try: {error.hint}" if error.hint else error.message
            await self.report(session.id, SpawnedAnother(effect=effect.id, error=said))
        else:
            await self.report(session.id, SpawnedAnother(effect=effect.id, spawned=told.id))
