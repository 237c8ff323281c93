"""Mailboxes: one a session, first in first out, one input in step at a time; different sessions side by side.

What waits in a mailbox folds into one commit (see `core.combine`). A mailbox lives while something waits in it, so
that a thousand quiet sessions cost nothing. At the bound, and when the commit fails, those who wait for an answer
(commands, results) are told to try again; facts are dropped, for the next probe sees them again.
"""

import asyncio
from collections import deque

from orchestrd.core.combine import Combined, combine
from orchestrd.core.step import Refusal
from orchestrd.engine.actor import Actor, StoppedError
from orchestrd.engine.ledger import Commit, Ledger
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError, Subject
from orchestrd.model.command import Input
from orchestrd.model.errors import FaultError, OrchestrdError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import MAILBOX_INPUTS_MAX
from orchestrd.model.thresholds import Thresholds
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

    def __init__(self, ledger: Ledger, roster: Roster, clock: Clock, thresholds: Thresholds, on_error: OnError) -> None:
        super().__init__(on_error)
        self._ledger = ledger
        self._roster = roster
        self._clock = clock
        self.thresholds = thresholds
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
        letter = Letter(input_, None)
        try:
            if not self._is_taken_in_passing(session, letter):
                self._put(session, letter)
        except OrchestrdError:
            return  # a lost fact costs latency: the next probe sees it again

    async def stopped(self) -> None:
        """Tell those who still wait: what could not be committed in time was not accepted."""
        for box in self._boxes.values():
            for letter in box:
                letter.settle(StoppedError("the daemon has stopped"))

    def _put(self, session: SessionId, letter: Letter) -> None:
        if not self._is_open:
            raise StoppedError("the daemon is stopping", hint="orch daemon start")
        box = self._boxes.get(session)
        if box is None:
            box = self._boxes[session] = deque()
            self._tasks.spawn(f"mailbox {session}", self._work(session, box), Subject(session))
        if len(box) >= MAILBOX_INPUTS_MAX:
            raise TransientError(
                f"the mailbox of session {session} is full; try again in a moment", hint=f"orch explain {session}"
            )
        box.append(letter)

    def _is_taken_in_passing(self, session: SessionId, letter: Letter) -> bool:
        """Take in a fact at once that changes nothing, where none waits before it: nearly all that a tick sees.

        A thousand quiet sessions then cost a tick no task each. What changes something is stepped again in its turn.
        """
        if session in self._boxes or not self._is_open:
            return False
        combined = self._combined(session, deque([letter]))
        if combined is None or combined.draft is not None:
            return combined is None
        self._remember(session, combined)
        return True

    async def _work(self, session: SessionId, box: deque[Letter]) -> None:
        while box:
            await self._commit_some(session, box)
        del self._boxes[session]  # no await since the box was seen empty, so no letter is left behind

    async def _commit_some(self, session: SessionId, box: deque[Letter]) -> None:
        combined = self._combined(session, box)
        if combined is None:
            return
        failure = await self._commit(session, combined)
        replies = combined.replies or ((None,) if failure else ())  # what could not even be begun is not tried for ever
        for reply in replies:
            box.popleft().settle(failure or reply)

    def _combined(self, session: SessionId, box: deque[Letter]) -> Combined | None:
        """Step through what waits; a defect of a decision costs what waits with it, and no other session anything."""
        before, evidence = self._roster.get(session), self._roster.evidence(session)
        try:
            return combine(before, evidence, [letter.input for letter in box], self._clock.now(), self.thresholds)
        except Exception as error:  # noqa: BLE001 - logged and answered: the mailbox lives
            self._on_error(f"a decision about {session} failed", error)
            while box:
                box.popleft().settle(FaultError(f"a decision about session {session} failed: {error!r}"))
            return None

    async def _commit(self, session: SessionId, combined: Combined) -> OrchestrdError | None:
        if combined.draft is None:
            self._remember(session, combined)
            return None
        try:
            await self._ledger.ask(Commit(combined.draft, combined.evidence))
        except OrchestrdError as error:
            return error
        return None

    def _remember(self, session: SessionId, combined: Combined) -> None:
        if self._roster.get(session) is not None:
            self._roster.remember(session, combined.evidence)
