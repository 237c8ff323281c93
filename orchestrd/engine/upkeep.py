"""Upkeep: holds logs under their bound and puts ended sessions away, a bounded amount at a time."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from orchestrd.engine.archiving import Archiving
from orchestrd.engine.presence import Settings
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.engine.troubles import Troubles
from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import ARCHIVED_AT_A_TIME, LOGS_PAUSE_S, LOGS_TRIMMED_AT_A_TIME
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING, TERMINAL
from orchestrd.ports import Attachments, Clock


class Upkeep:
    """Called once a tick."""

    def __init__(
        self,
        *,
        attachments: Attachments,
        archiving: Archiving,
        roster: Roster,
        clock: Clock,
        settings: Settings,
        on_error: OnError,
    ) -> None:
        self._attachments = attachments
        self._archiving = archiving
        self._roster = roster
        self._clock = clock
        self._settings = settings
        self._on_error = on_error
        self._unarchived = Troubles(on_error)
        self._said: set[str] = set()
        self._trim_due_s = 0.0
        self._final: dict[SessionId, int] = {}  # the generation that has ended, its output being trimmed since

    def take(self, settings: Settings) -> None:
        """Keep to other bounds from now on, in what was trimmed already too."""
        self._settings = settings
        self._final.clear()
        self._trim_due_s = 0.0

    async def trim_logs(self) -> None:
        """Hold our own log under its bound, and the output of every run, once more after its end; off the loop.

        Not on the ledger's thread: a hole may take the disk long, and commits would wait behind it. And not at each of
        many quick ticks, for a look at every log costs as much as one at every record.
        """
        now = self._clock.now()
        if now.up_s < self._trim_due_s:
            return
        self._trim_due_s = now.up_s + LOGS_PAUSE_S
        ended = [session for session in self._roster.in_states(TERMINAL) if self._is_untrimmed(session)]
        ended = ended[:LOGS_TRIMMED_AT_A_TIME]
        writing = self._roster.in_states(OCCUPYING)
        bytes_max = self._settings.log_bytes_max
        for error in await asyncio.to_thread(self._trim, [session.id for session in (*writing, *ended)], bytes_max):
            self._say_once(error)
        self._final.update((session.id, session.generation) for session in ended)

    async def archive(self) -> None:
        """Put away sessions that ended long ago, and intend nothing any more: somebody may have to be told of them."""
        before = self._clock.now().at - timedelta(seconds=self._settings.archive_after_s)
        ended = self._roster.in_states(TERMINAL)
        idle = [session for session in ended if session.state_since < before and not session.effects]
        for session in idle[:ARCHIVED_AT_A_TIME]:
            await self._archive(session.id)
        self._final = {session: last for session, last in self._final.items() if self._roster.get(session)}

    async def _archive(self, session: SessionId) -> None:
        try:
            await self._archiving.put_away(session)
        except (RefusedError, NotFoundError) as error:
            self._unarchived.failed(f"{session} was not archived", error)
        else:
            self._unarchived.works(f"{session} was not archived")

    def _is_untrimmed(self, session: Session) -> bool:
        """Tell whether an end is new to us: a session that was revived ends once more."""
        return self._final.get(session.id) != session.generation

    def _trim(self, sessions: Iterable[SessionId], bytes_max: int) -> list[OrchestrdError]:
        errors: list[OrchestrdError] = []
        trims: list[Callable[[int], None]] = [self._attachments.trim_daemon_log]
        trims += [partial(self._attachments.trim_log, session) for session in sessions]
        for trim in trims:
            try:
                trim(bytes_max)
            except OrchestrdError as error:
                errors.append(error)
        return errors

    def _say_once(self, error: OrchestrdError) -> None:
        if error.code not in self._said:
            self._said.add(error.code)
            self._on_error("a log cannot be held under its bound", error)
