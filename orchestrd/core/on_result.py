"""What the lane, the actuator and the deadlines tell a session."""

from msgspec.structs import replace

from orchestrd.core.ending import end_of, finish, settle
from orchestrd.core.machine import Trigger
from orchestrd.core.turn import Turn
from orchestrd.model.command import Attempted, Delivered, Launched, LaunchFailed, Swept, Terminated
from orchestrd.model.effect import EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.instant import DueName
from orchestrd.model.limits import KILL_RETRY_LOST_S, KILL_RETRY_S, KILLS_MAX, START_DEADLINE_S
from orchestrd.model.words import Activity, Ending, Receipt, State


def placed(turn: Turn) -> None:
    """The session stands in its lane."""
    if turn.move(Trigger.PLACED):
        turn.change(scheduled_at=turn.now.at)


def admitted(turn: Turn) -> None:
    """The lane has a place: launch, and expect a start record within the deadline."""
    if turn.move(Trigger.ADMITTED):
        turn.set_due(DueName.START, START_DEADLINE_S)
        turn.perform(EffectKind.LAUNCH)


def launched(turn: Turn, result: Launched) -> None:
    """The run can be found by its handle from now on. That it started is for its start record to say."""
    turn.drop_effect(result.effect)
    turn.change(handle=result.handle)


def launch_failed(turn: Turn, result: LaunchFailed) -> None:
    """Nothing runs, and nothing will."""
    turn.drop_effect(result.effect)
    trigger = Trigger.LAUNCH_FAILED if turn.session.state is State.STARTING else end_of(turn.session, None)
    finish(turn, trigger, error=result.error, screen=result.screen)


def terminated(turn: Turn, result: Terminated) -> None:
    """The run was asked to end; only where it never ran is that the end already."""
    turn.drop_effect(result.effect)
    if result.nothing_runs:
        finish(turn, end_of(turn.session, None))


def swept(turn: Turn, result: Swept) -> None:
    """A clean sweep is a proof. One that left something is tried again; the third makes the session lost, loudly."""
    turn.drop_effect(result.effect)
    if not result.survivors and result.error is None:
        finish(turn, end_of(turn.session, result.exit), result.exit, screen=result.screen)
        return
    failed = turn.session.kills_failed + 1
    said = result.error or "still alive after SIGKILL: pid " + ", ".join(map(str, result.survivors))
    turn.change(kills_failed=failed, error=said)
    if failed <= KILLS_MAX:
        turn.emit(EventType.KILL_FAILED, error=said)
    if failed >= KILLS_MAX:
        turn.move(Trigger.KILL_GIVEN_UP, error=said)
    turn.set_due(DueName.KILL_AGAIN, KILL_RETRY_LOST_S if failed >= KILLS_MAX else KILL_RETRY_S)


def attempted(turn: Turn, result: Attempted) -> None:
    """A once effect is about to be performed: from this commit on it is never performed again."""
    effects = turn.session.effects
    turn.change(effects=tuple(replace(e, attempted=True) if e.id == result.effect else e for e in effects))


def delivered(turn: Turn, result: Delivered) -> None:
    """A message is settled. What was typed has ended the wait for it, so the agent's activity is open again."""
    effect = next((e for e in turn.session.effects if e.id == result.effect), None)
    turn.drop_effect(result.effect)
    message = next((m for m in turn.session.messages if effect and m.id == effect.message), None)
    if message is None:
        return
    settle(turn, message, result.receipt, result.error)
    if turn.session.activity is Activity.WAITING and result.receipt is not Receipt.REFUSED:
        turn.set_activity(Activity.UNKNOWN, "send", None)


def due_passed(turn: Turn, name: DueName) -> None:
    """A deadline: looked at again here, for it may have been moved or met in the meantime."""
    due = next((due for due in turn.session.dues if due.name is name), None)
    if due is None or not due.is_past(turn.now):
        return
    turn.clear_due(name)
    match name:
        case DueName.START:
            turn.change(ending=Ending.START_TIMEOUT, kills_failed=0)
            turn.perform(EffectKind.KILL)
        case DueName.CONTACT:
            turn.move(Trigger.CONTACT_LOST)
        case DueName.GRACE | DueName.KILL_AGAIN:
            turn.perform(EffectKind.KILL)
