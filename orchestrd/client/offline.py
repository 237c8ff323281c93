"""A home without its daemon: reading what the disk says, and leaving commands for the next daemon.

What is told here is what a daemon would start from. Sessions that are only spooled are told of too: they are accepted.
The store is imported only when it is needed, for most commands find a daemon.
"""

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from orchestrd.codec import decode_command
from orchestrd.core.choice import Choice, gap_line, head_of
from orchestrd.core.document import accepted_document, document, is_over, known, status
from orchestrd.core.explain import explanation, unexplained
from orchestrd.core.layout import Layout
from orchestrd.core.resolve import archived, resolve
from orchestrd.core.terminal import has_terminal, no_screen, no_terminal
from orchestrd.core.validate import problem_with_command, problem_with_request
from orchestrd.model.command import Kill, Spawn, Stop
from orchestrd.model.document import Archived, Document, Explanation, Screen, SpawnRequest, Status
from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError, UnreachableError, UsageError
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.limits import INBOX_FILES_MAX, RECORD_BYTES_MAX
from orchestrd.model.observation import Evidence
from orchestrd.model.reaction_document import JudgedSession, KnownReactions
from orchestrd.model.words import Authority


class OfflineHome:
    """One home, as its files say. Raises OrchestrdError (`unreadable`) where they may not be read."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def status(self, *, with_ended: bool = False, project: str | None = None) -> Status:
        """List the sessions; `daemon` is null, and the time of the newest record says how old the list is."""
        documents, newest_at = self._read()
        return status(documents, None, with_ended=with_ended, project=project, newest_record_at=newest_at)

    def show(self, ref: str) -> Document:
        """Give one session, by id, name or prefix. Raises NotFoundError (`archived`), or UsageError (`ambiguous`)."""
        documents, _ = self._read()
        try:
            found = resolve(ref, map(known, documents))
        except NotFoundError as error:
            if there := self._found_archived(ref):
                raise archived(Archived(session=there, path=self._layout.archived(there))) from error
            raise
        return next(told for told in documents if told.id == found)

    def explain(self, ref: str) -> Explanation:
        """Say why its row says what it says; evidence lives in a daemon's memory, so there is none."""
        from orchestrd.core.coming import without_daemon
        from orchestrd.store.offline import read_home

        told, now = self.show(ref), Instant(at=_now(), boot="", up_s=0.0)
        with _reading():
            session = next((session for session in read_home(self._layout).sessions if session.id == told.id), None)
        if session is None:
            return unexplained(told)
        return explanation(session, Evidence(), now, self._layout, waiting=without_daemon(session))

    def screen(self, ref: str) -> Screen:
        """Give what its terminal showed at its end.

        Raises RefusedError (`no_terminal`, `no_screen`), UnreachableError while it runs: only a daemon can look.
        """
        from orchestrd.store.attachments import FileAttachments

        told = self.show(ref)
        if not has_terminal(told.runtime):
            raise no_terminal(told.id, told.runtime)
        shown = FileAttachments(self._layout).read_last_screen(told.id, told.generation)
        if shown is not None:
            return Screen(session=told.id, screen=shown)
        if is_over(told):
            raise no_screen(told.id)
        raise UnreachableError(
            f"what session {told.id} shows now only a daemon can tell, and none answers", hint="orch daemon start"
        )

    def reactions(self) -> KnownReactions:
        """Give the reactions that the next daemon would go by. Raises UsageError (`config`)."""
        from orchestrd.client.judging import configured_reactions

        known, told = configured_reactions()
        told.refuse_mistakes()
        return known

    def judge(self, ref: str) -> JudgedSession:
        """Say what each of them comes to for a session, as its record has it; one that is archived too."""
        from orchestrd.client.judging import judged_file, judged_on_disk

        with _reading():
            found = self._resolve_past(ref)
            kept = f"{self._layout.archived(found)}/{found}.json"
            return judged_file(kept) if os.path.exists(kept) else judged_on_disk(self._layout, SessionId(found))  # noqa: PTH110 - a string, as all of the layout

    def events(self, since: int, sessions: Iterable[str] = (), types: Iterable[str] = ()) -> Iterator[bytes]:
        """Give the journal lines above a cursor, and gaps where numbers are no longer kept."""
        from orchestrd.store.offline import read_events

        named = frozenset(map(self._resolve_past, sessions))
        choice = Choice(sessions=named or None, types=frozenset(types) or None)
        with _reading():
            for page in read_events(self._layout, since):
                if page.gap is not None:
                    yield gap_line(*page.gap)
                yield from (line for line in page.lines if choice.takes(head_of(line)))

    def _resolve_past(self, ref: str) -> str:
        """What is archived has left its events."""
        try:
            return self.show(ref).id
        except NotFoundError:
            if found := self._found_archived(ref):
                return found
            raise

    def _found_archived(self, ref: str) -> SessionId | None:
        from orchestrd.store.attachments import find_put_away
        from orchestrd.store.disk import LOCAL

        with _reading():
            return find_put_away(LOCAL, self._layout, ref)

    def newest(self) -> int:
        """Give the number of the newest event on disk, 0 when there is none."""
        from orchestrd.store.offline import read_events
        from orchestrd.store.segments import segments_in

        try:
            first = max(segments_in(os.listdir(self._layout.journal)), default=1)  # noqa: PTH208 - names, in bulk
        except FileNotFoundError:
            first = 1
        with _reading():
            return max((page.last for page in read_events(self._layout, first - 1)), default=first - 1)

    def spool_spawn(self, request: SpawnRequest) -> Document:
        """Make a spawn durable for the next daemon. Repeating it is harmless: the id is the same."""
        from orchestrd.store.inbox import spool_spawn
        from orchestrd.store.owner import refuse_foreign

        _refuse(problem_with_request(request))
        refuse_foreign(self._layout.home)
        self._refuse_duplicate(request)
        at_ns = time.time_ns()  # noqa: TID251 - a client has no injected clock
        spool_spawn(self._layout, request, at_ns)
        return accepted_document(request.id, request.spec, _at(at_ns), self._layout)

    def _refuse_duplicate(self, request: SpawnRequest) -> None:
        """Refuse already here what a daemon would, when nobody watches any more."""
        if request.spec.issue is None or request.is_forced:
            return
        from orchestrd.core.issue import duplicate_of, duplicate_refused

        others = (told for told in self._read()[0] if told.id != request.id)
        if other := duplicate_of(request.spec.issue, others):
            raise duplicate_refused(request.spec.issue, other)

    def spool_stop(self, ref: str, authority: Authority, grace_s: float | None) -> Document:
        """Make a stop durable for the next daemon; gives the session as it stands."""
        told = self._not_over(ref)
        return self._spool(told, Stop(session=told.id, authority=authority, grace_s=grace_s))

    def spool_kill(self, ref: str, authority: Authority) -> Document:
        """Make a kill durable for the next daemon; gives the session as it stands."""
        told = self._not_over(ref)
        return self._spool(told, Kill(session=told.id, authority=authority))

    def _spool(self, told: Document, command: Stop | Kill) -> Document:
        from orchestrd.store.inbox import spool
        from orchestrd.store.owner import refuse_foreign

        _refuse(problem_with_command(command))
        refuse_foreign(self._layout.home)
        spool(self._layout, command, time.time_ns())  # noqa: TID251 - as above
        return told

    def _not_over(self, ref: str) -> Document:
        told = self.show(ref)
        if is_over(told):
            raise RefusedError(
                f"session {told.id} has already ended: {told.state} ({told.reason})",
                code="already_ended",
                hint=f"orch show {told.id}",
            )
        return told

    def _read(self) -> tuple[tuple[Document, ...], datetime | None]:
        """Read the inbox first: a command that a daemon takes out of it meanwhile is found among the records then."""
        from orchestrd.store.offline import read_home

        with _reading():
            spooled = tuple(self._spooled())
            found = read_home(self._layout)
        told = {session.id: document(session, self._layout) for session in found.sessions}
        told |= {record.id: record.document for record in found.read_only}
        return (*told.values(), *(waiting for waiting in spooled if waiting.id not in told)), found.newest_at

    def _spooled(self) -> Iterator[Document]:
        """Look at the inbox without taking anything out of it; what is no spawn of ours is for the daemon to judge."""
        from orchestrd.store.disk import LOCAL

        try:
            names = sorted(os.listdir(self._layout.inbox_new))[:INBOX_FILES_MAX]  # noqa: PTH208 - names, in bulk
        except FileNotFoundError:
            return
        for name in names:
            try:
                command = decode_command(LOCAL.read(f"{self._layout.inbox_new}/{name}", RECORD_BYTES_MAX))
            except OSError:
                continue  # a daemon has just taken it, or it is no plain file
            at_ns = name.partition("-")[0]
            if isinstance(command, Spawn) and at_ns.isascii() and at_ns.isdigit():
                yield accepted_document(SessionId(command.session), command.spec, _at(int(at_ns)), self._layout)


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        said = f"cannot read {error.filename}: {error.strerror}" if error.filename else str(error)
        raise OrchestrdError(said, code="unreadable", hint="orch daemon status") from error


def _refuse(problem: str | None) -> None:
    if problem is not None:
        raise UsageError(problem, code="invalid")


def _at(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC)


def _now() -> datetime:
    return datetime.now(tz=UTC)  # noqa: TID251 - a client has no injected clock
