"""Mailboxes: one a session, first in first out, one input in step at a time; different sessions side by side.

What waits in a mailbox folds into one commit (see `core.combine`). A mailbox lives while something waits in it, so
that a thousand quiet sessions cost nothing. Inputs of someone who waits (commands, results) are never dropped: at the
bound the sender waits. Facts are: the next probe sees them again.
"""

import asyncio
from collections import deque

from orchestrd.core.combine import Combined, combine
from orchestrd.core.step import Refusal
from orchestrd.engine.actor import Actor, StoppedError
from orchestrd.engine.ledger import Commit, Ledger
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.model.command import Input
from orchestrd.model.errors import OrchestrdError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import DRAIN_S, MAILBOX_INPUTS_MAX
from orchestrd.model.words import Receipt
from orchestrd.ports import Clock

Reply = Refusal | Receipt | None


class Letter:
    """One input in a mailbox, with the answer its sender waits for, if any."""

    __slots__ = ("answer", "input")

    def __init__(self, input_: Input, answer: "asyncio.Future[Reply] | None") -> None:
        self.input = input_
        self.answer = answer

    def settle(self, reply: Reply | BaseException) -> None:
        """Answer the sender, if it still waits."""
        if self.answer is None or self.answer.done():
            return
        if isinstance(reply, BaseException):
            self.answer.set_exception(reply)
        else:
            self.answer.set_result(reply)


class Mailboxes(Actor):
    """All mailboxes; the only way to change a session."""

    name = "mailboxes"

    def __init__(self, ledger: Ledger, roster: Roster, clock: Clock, on_error: OnError) -> None:
        super().__init__(on_error)
        self._ledger = ledger
        self._roster = roster
        self._clock = clock
        self._boxes: dict[SessionId, deque[Letter]] = {}

    async def submit(self, session: SessionId, input_: Input) -> Reply:
        """Put an input into the session's mailbox and wait until it is committed; its reply says if it was refused.

        Raises StoppedError outside the daemon's life, TransientError when the mailbox is full or the commit failed.
        """
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._put(session, Letter(input_, answer))
        return await answer

    def post(self, session: SessionId, input_: Input) -> None:
        """Put a fact into the session's mailbox and wait for nothing; dropped where it cannot be taken."""
        try:
            self._put(session, Letter(input_, None))
        except OrchestrdError:
            return  # a lost fact costs latency: the next probe sees it again

    async def stop(self) -> None:
        """Take no more, and finish what waits."""
        self._is_open = False
        if not await self._tasks.drain(DRAIN_S):
            self._on_error("mailboxes were not empty in time", TimeoutError())
        await super().stop()

    async def stopped(self) -> None:
        """Tell those who still wait."""
        for box in self._boxes.values():
            for letter in box:
                letter.settle(StoppedError("the daemon has stopped"))

    def _put(self, session: SessionId, letter: Letter) -> None:
        if not self._is_open:
            raise StoppedError("the daemon is stopping", hint="orch daemon start")
        box = self._boxes.get(session)
        if box is None:
            box = self._boxes[session] = deque()
            self._tasks.spawn(f"mailbox {session}", self._work(session, box))
        if len(box) >= MAILBOX_INPUTS_MAX:
            raise TransientError(f"the mailbox of session {session} is full; try again in a moment")
        box.append(letter)

    async def _work(self, session: SessionId, box: deque[Letter]) -> None:
        while box:
            await self._commit_some(session, box)
        del self._boxes[session]  # no await since the box was seen empty, so no letter is left behind

    async def _commit_some(self, session: SessionId, box: deque[Letter]) -> None:
        letters = list(box)
        before = self._roster.get(session)
        evidence = self._roster.evidence(session)
        combined = combine(before, evidence, [letter.input for letter in letters], self._clock.now())
        failure = await self._commit(session, combined)
        taken = combined.taken or (failure is not None)  # what could not even be begun is not tried for ever
        for index in range(taken):
            reply = combined.replies[index] if index < len(combined.replies) else None
            box.popleft().settle(failure or reply)

    async def _commit(self, session: SessionId, combined: Combined) -> OrchestrdError | None:
        if combined.draft is None:
            if self._roster.get(session) is not None:
                self._roster.remember(session, combined.evidence)
            return None
        try:
            await self._ledger.ask(Commit(combined.draft, combined.evidence))
        except OrchestrdError as error:
            return error
        return None
