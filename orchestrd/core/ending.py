"""How a generation ends: which end a proof means, and what is closed with it."""

from orchestrd.core.machine import Trigger, next_state
from orchestrd.core.turn import Turn
from orchestrd.model.event import EventType
from orchestrd.model.limits import ERROR_CHARS_MAX, SETTLED_MAX
from orchestrd.model.observation import Exited
from orchestrd.model.session import Message, Session, Settled
from orchestrd.model.words import Activity, Ending, Liveness, Receipt

_FOR = {
    Ending.STOPPED: Trigger.ENDED_STOPPED,
    Ending.KILLED: Trigger.ENDED_KILLED,
    Ending.TURN_DONE: Trigger.ENDED_TURN_DONE,
    Ending.START_TIMEOUT: Trigger.START_TIMED_OUT,
}


def end_of(session: Session, exit_: Exited | None) -> Trigger:
    """Tell which end a proof means: what the session was being ended for, else how its run ended by itself."""
    if session.ending in _FOR:
        return _FOR[session.ending]
    if session.started_at is None:
        return Trigger.LAUNCH_FAILED
    if exit_ is None:
        return Trigger.EXITED_UNKNOWN
    if exit_.exit_signal is not None:
        return Trigger.EXITED_BY_SIGNAL
    if exit_.exit_code is None:
        return Trigger.EXITED_UNKNOWN
    return Trigger.EXITED_NONZERO if exit_.exit_code else Trigger.EXITED_ZERO


def finish(
    turn: Turn, trigger: Trigger, exit_: Exited | None = None, error: str | None = None, screen: str | None = None
) -> None:
    """Enter a terminal state: settle every message, close the axes, drop what is in flight. No row, no change."""
    if next_state(turn.session.state, turn.session.reason, trigger) is None:
        return
    for message in turn.session.messages:
        settle(turn, message, Receipt.REFUSED, "the run ended before it could be delivered")
    turn.set_activity(Activity.UNKNOWN, "end of run", None)
    turn.set_liveness(Liveness.DEAD, "end of run")
    said = error or (exit_.error if exit_ else None) or turn.session.error
    started = turn.session.started_at
    ended = exit_.at if exit_ else turn.now.at
    turn.change(
        ended_at=max(ended, started) if started else ended,
        exit_code=exit_.exit_code if exit_ else None,
        exit_signal=exit_.exit_signal if exit_ else None,
        error=said[:ERROR_CHARS_MAX] if said else None,
        dues=(),
        effects=(),
    )
    turn.move(
        trigger,
        exit_code=turn.session.exit_code,
        exit_signal=turn.session.exit_signal,
        error=turn.session.error,
        screen=screen,
    )
    turn.change(ending=None, kills_failed=0)


def settle(turn: Turn, message: Message, receipt: Receipt, error: str | None) -> None:
    """Say what became of a message, once, and remember it for a repeated send."""
    kept = (*turn.session.settled, Settled(id=message.id, receipt=receipt, error=error))[-SETTLED_MAX:]
    rest = tuple(m for m in turn.session.messages if m.id != message.id)
    turn.change(messages=rest, settled=kept)
    turn.emit(EventType.MESSAGE_SETTLED, authority=message.authority, message=message.id, receipt=receipt, error=error)
