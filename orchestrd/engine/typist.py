"""The typist: types a message into an agent, and finds out what became of it.

What a terminal was given is not what an agent has taken: an Enter may be swallowed, a text may stand in a box. So
where an agent tells of the prompts it takes, a message counts as submitted only when it did; Enter is pressed once more
where it still waits, and never again; and what nobody confirms is `typed`, not more.

Nothing is typed behind a draft that a person has left in the box: both would be submitted as one.
"""

import asyncio
from collections.abc import Awaitable, Callable

from orchestrd.core.evidence import SCREEN, TITLE, TYPING, judge, was_heard
from orchestrd.core.running import has_ended, run_of
from orchestrd.engine.launching import Launching
from orchestrd.engine.roster import Roster
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.limits import CONFIRM_ENTER_S, CONFIRM_LOOK_S, CONFIRM_S, DRAFT_LOOK_S, ENTER_AFTER_S, TYPING_S
from orchestrd.model.session import Session, prompt_message
from orchestrd.model.words import Activity, Receipt
from orchestrd.ports import Attachments, Clock, Runtime

Look = Callable[[SessionId], Awaitable[None]]
Outcome = tuple[Receipt, str | None]
_SHOWN = frozenset({TYPING, SCREEN, TITLE})  # who speak of what is drawn there, not of what was taken


class Typist:
    """Types, once, and watches. `look` has one session looked at now."""

    def __init__(
        self, roster: Roster, launching: Launching, attachments: Attachments, clock: Clock, look: Look
    ) -> None:
        self._roster = roster
        self._launching = launching
        self._attachments = attachments
        self._clock = clock
        self.look = look

    async def type(self, session: Session, message: str | None) -> Outcome:
        """Type a message; second, what went wrong. It is never typed again, whatever becomes of this."""
        runtime = self._launching.runtimes.get(session.spec.runtime)
        if runtime is None:
            return Receipt.REFUSED, f"there is no runtime {session.spec.runtime}"
        text = await self._text(session, message)
        if text is None:
            return Receipt.REFUSED, "the message is gone"
        if (draft := await self._draft(runtime, session)) is not None:
            return Receipt.REFUSED, f"a draft stands in its box: '{draft}'; send or delete it: orch attach {session.id}"
        is_command = any(held.id == message and held.is_command for held in session.messages)
        begun = self._clock.now()
        try:
            async with asyncio.timeout(TYPING_S):
                receipt, error = await self._typed(runtime, session, text, is_command=is_command)
        except TimeoutError:
            return Receipt.UNKNOWN, f"not known to be typed: the runtime said nothing within {TYPING_S:g} s"
        except Exception as error:  # noqa: BLE001 - the border of a runtime; nobody knows what was typed
            return Receipt.UNKNOWN, f"{type(error).__name__}: {error}"
        if receipt is Receipt.TYPED and self._launching.confirms(session.spec):
            return await self._confirmed(runtime, session, text, begun, presses_again=not is_command), None
        return receipt, error

    async def _text(self, session: Session, message: str | None) -> str | None:
        if message == prompt_message(session.generation):
            return await asyncio.to_thread(self._attachments.read_prompt, session.id)
        held = next((held for held in session.messages if held.id == message), None)
        if held is not None and held.is_large and held.digest is not None:
            return await asyncio.to_thread(self._attachments.read_message, session.id, held.digest)
        return held.text if held else None

    async def _draft(self, runtime: Runtime, session: Session) -> str | None:
        """Tell what a person has begun to type there, which would go along; what cannot be seen refuses nothing."""
        if not (runtime.has_terminal and self._launching.confirms(session.spec)):
            return None
        try:
            async with asyncio.timeout(DRAFT_LOOK_S):
                screen = await runtime.screen(run_of(session), is_styled=True)
        except Exception:  # noqa: BLE001 - the border of a runtime; nothing was typed yet
            return None
        return None if screen is None else self._launching.draft(session.spec, screen)

    async def _typed(self, runtime: Runtime, session: Session, text: str, *, is_command: bool) -> Outcome:
        """Paste a text; a command is typed key by key, for what is pasted is no command to some."""
        run = run_of(session)
        if not (is_command and runtime.has_terminal):
            return await runtime.deliver(run, text)
        try:
            await runtime.press_keys(run, [f"0x{ord(char):x}" for char in text])
        except RefusedError as refusal:
            return Receipt.REFUSED, refusal.message
        await asyncio.sleep(ENTER_AFTER_S)
        await runtime.press_enter(run)
        return Receipt.TYPED, None

    async def _confirmed(
        self, runtime: Runtime, session: Session, text: str, begun: Instant, *, presses_again: bool
    ) -> Receipt:
        """Look, bounded, until the agent was seen to take it; once it has ended, one more look sees all it ever did.

        Behind a command Enter is not pressed again: what that has opened might take it for a choice.
        """
        loop = asyncio.get_running_loop()
        started_s, is_enter_repeated = loop.time(), not presses_again
        while (elapsed_s := loop.time() - started_s) < CONFIRM_S:
            was_over = has_ended(self._roster.get(session.id))
            await self.look(session.id)
            if self._is_taken(session.id, text, begun):
                return Receipt.SUBMITTED
            if was_over:
                break
            if elapsed_s >= CONFIRM_ENTER_S and not is_enter_repeated and self._still_waits(session.id):
                is_enter_repeated = True
                await self._press_enter(runtime, session)
            await asyncio.sleep(CONFIRM_LOOK_S)
        return Receipt.TYPED

    def _is_taken(self, session: SessionId, text: str, begun: Instant) -> bool:
        """Tell whether it was seen to take the text. That its screen shows work may be of the turn before yet."""
        record = self._roster.get(session)
        if was_heard(self._roster.evidence(session), text, begun.at):
            return True
        return record is not None and record.activity is Activity.WORKING and record.activity_source not in _SHOWN

    def _still_waits(self, session: SessionId) -> bool:
        verdict = judge(self._roster.evidence(session).testimonies, self._clock.now().at)
        return verdict is not None and verdict.activity is Activity.WAITING

    async def _press_enter(self, runtime: Runtime, session: Session) -> None:
        try:
            await runtime.press_enter(run_of(session))
        except OrchestrdError:
            return  # then it stays typed, and that is what is said
