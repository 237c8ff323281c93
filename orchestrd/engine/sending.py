"""Sending: what has to be so before a session is told of a message, whichever way it came.

The text of a large message is durable in a file before the commit that accepts it, and is removed when nothing waits
for it any more: after the commit that settles it, and at the start of the next daemon where that one came to nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable

from msgspec.structs import replace

from orchestrd.core.messages import BAD_MESSAGE, command_line_of, digest_of, is_large, problem_with_own_command
from orchestrd.core.step import Refusal
from orchestrd.engine.actor import Actor
from orchestrd.engine.launching import Launching
from orchestrd.engine.mailbox import Mailboxes, Reply
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError, Subject
from orchestrd.model.command import Send
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import TOLD_CHARS_MAX
from orchestrd.model.session import Session, Spec
from orchestrd.ports import Attachments

TextKey = tuple[SessionId, str]


class Sending(Actor):
    """Submits messages, and keeps the texts of large ones."""

    name = "sending"

    def __init__(
        self,
        *,
        roster: Roster,
        mailboxes: Mailboxes,
        launching: Launching,
        attachments: Attachments,
        on_error: OnError,
    ) -> None:
        super().__init__(on_error)
        self._roster = roster
        self._mailboxes = mailboxes
        self._launching = launching
        self._attachments = attachments
        self._kept: dict[SessionId, frozenset[str]] = {}  # digests of the texts that a session waits to be told
        self._arriving: Counter[TextKey] = Counter()  # texts that are written, and not accepted yet

    async def started(self) -> None:
        """Remove the texts that nothing waits for."""
        self._kept = {session.id: texts for session in self._roster if (texts := _texts(session))}
        kept = frozenset((session, text) for session, texts in self._kept.items() for text in texts)
        await asyncio.to_thread(self._attachments.sweep_messages, kept)
        self._roster.on_commit(self._forget_settled)

    async def accept(self, command: Send) -> Reply:
        """Submit a message. Raises NotFoundError, and TransientError where its text cannot be written down."""
        spec = self._roster.require(command.session).spec
        if (refusal := self._refusal_of(spec, command)) is not None:
            return refusal
        command = replace(command, awaits_turn=self._launching.awaits_turn(spec))
        if not is_large(command.text):
            return await self._mailboxes.submit(command.session, command)
        return await self._accept_large(command)

    def _refusal_of(self, spec: Spec, command: Send) -> Refusal | None:
        """Say why this text is no message, or no command of its agent; with the command that was meant."""
        prefix = self._launching.commands(spec)
        if command.is_command:
            problem, hint = problem_with_own_command(prefix, command.text, spec.agent), command_line_of(command, prefix)
        else:
            problem, hint = self._launching.problem_with_message(spec, command.text), ""
            if prefix and command.text.startswith(prefix):
                hint = command_line_of(command, prefix)
        return Refusal(code=BAD_MESSAGE, message=problem, hint=hint) if problem else None

    async def _accept_large(self, command: Send) -> Reply:
        digest = digest_of(command)
        key = (command.session, digest)
        self._arriving[key] += 1
        try:
            await asyncio.to_thread(self._attachments.write_message, command.session, digest, command.text)
            head = command.text[:TOLD_CHARS_MAX]
            return await self._mailboxes.submit(command.session, replace(command, text=head, digest=digest))
        finally:
            self._arriving[key] -= 1
            self._forget(command.session, [digest])

    def _forget_settled(self, session: Session) -> None:
        before, now = self._kept.get(session.id, frozenset()), _texts(session)
        if before == now:
            return
        self._kept[session.id] = now
        if not now:
            del self._kept[session.id]
        self._forget(session.id, before - now)

    def _forget(self, session: SessionId, digests: Iterable[str]) -> None:
        """Remove texts that nobody waits for, nor is about to."""
        kept = self._kept.get(session, frozenset())
        for digest in digests:
            if digest not in kept and not +self._arriving[session, digest]:
                self._arriving.pop((session, digest), None)
                removing = asyncio.to_thread(self._attachments.forget_message, session, digest)
                self._tasks.spawn(f"forget a text of {session}", removing, Subject(session))


def _texts(session: Session) -> frozenset[str]:
    return frozenset(message.digest for message in session.messages if message.is_large and message.digest)
