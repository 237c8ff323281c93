"""What the lane, the actuator and the deadlines tell a session."""

from msgspec.structs import replace

from orchestrd.core.beginning import implies_start
from orchestrd.core.deciding import attempted as answer_attempted
from orchestrd.core.deciding import in_flight
from orchestrd.core.ending import begin_ending, end_of, finish, settle
from orchestrd.core.evidence import TYPING
from orchestrd.core.machine import Trigger
from orchestrd.core.parking import limit_due
from orchestrd.core.progress import stuck_due, watch_anew
from orchestrd.core.running import launch_limit_s
from orchestrd.core.terminal import is_hosted
from orchestrd.core.turn import Turn, short
from orchestrd.core.withdrawing import withdraw_old_messages
from orchestrd.model.command import Attempted, Delivered, HeldBack, Launched, LaunchFailed, Placed, Swept, Terminated
from orchestrd.model.effect import EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.instant import DueName
from orchestrd.model.limits import CONTACT_LOST_S, KILL_RETRY_LOST_S, KILL_RETRY_S, KILLS_MAX, START_DEADLINE_S
from orchestrd.model.session import Message, prompt_message
from orchestrd.model.words import Activity, Authority, Ending, Receipt, State


def placed(turn: Turn, result: Placed) -> None:
    """The session stands in its lane."""
    if turn.move(Trigger.PLACED):
        turn.change(
            scheduled_at=max(turn.now.at, turn.session.created_at),
            account=result.account,
            resume_text=result.resume_text,
        )


def held_back(turn: Turn, result: HeldBack) -> None:
    """Its account is limited: it waits for longer than for a place."""
    if turn.session.state is State.SCHEDULED:
        turn.change(held_until=result.until)


def admitted(turn: Turn) -> None:
    """The lane has a place: launch, and expect a start record within the deadline."""
    if turn.move(Trigger.ADMITTED):
        turn.change(held_until=None, limited_until=None)
        turn.set_due(DueName.START, launch_limit_s(turn.session.spec))
        turn.perform(EffectKind.LAUNCH)


def launched(turn: Turn, result: Launched) -> None:
    """The run can be found by its handle from now on. That it started is for its start record to say."""
    turn.drop_effect(result.effect)
    turn.change(handle=result.handle)
    if turn.has_due(DueName.START) and launch_limit_s(turn.session.spec) > START_DEADLINE_S:
        turn.set_due(DueName.START, START_DEADLINE_S)  # its workspace is made
    if result.types_prompt:
        prompt = Message(id=prompt_message(result.generation), text="", authority=Authority.USER, awaits_turn=True)
        turn.queue(prompt, is_first=True)  # whatever was sent meanwhile comes behind it


def launch_failed(turn: Turn, result: LaunchFailed) -> None:
    """Nothing runs, and nothing will; unless its start was seen, for then an earlier launch had done it already."""
    turn.drop_effect(result.effect)
    if turn.session.started_at is None:
        finish(turn, end_of(turn.session, None), error=result.error, screen=result.screen)


def terminated(turn: Turn, result: Terminated) -> None:
    """The run was asked to end; only where it never ran is that the end already."""
    turn.drop_effect(result.effect)
    if result.nothing_runs:
        finish(turn, end_of(turn.session, None))


def swept(turn: Turn, result: Swept) -> None:
    """A clean sweep is a proof. One that left something is tried again; the third makes the session lost, loudly."""
    is_clean = not result.survivors and result.error is None
    if is_clean and result.exit is not None and implies_start(turn, result.exit):
        return
    turn.drop_effect(result.effect)
    if is_clean:
        finish(turn, end_of(turn.session, result.exit), proof=result.exit, screen=result.screen)
    else:
        _kill_failed(turn, result)


def _kill_failed(turn: Turn, result: Swept) -> None:
    failed = turn.session.kills_failed + 1
    said = short(result.error or "still alive after SIGKILL: pid " + ", ".join(map(str, result.survivors)))
    outlived = turn.session.outlived or bool(result.survivors and result.exit)
    turn.change(kills_failed=failed, outlived=outlived, error=said)
    if failed <= KILLS_MAX:
        turn.emit(EventType.KILL_FAILED, error=said)
    if failed >= KILLS_MAX:
        turn.move(Trigger.KILL_GIVEN_UP, error=said)
    turn.clear_due(DueName.GRACE)  # from here on the next kill is what is waited for
    turn.set_due(DueName.KILL_AGAIN, KILL_RETRY_LOST_S if failed >= KILLS_MAX else KILL_RETRY_S)


def attempted(turn: Turn, result: Attempted) -> None:
    """A once effect is about to be performed: from this commit on it is never performed again.

    What is about to be typed ends the wait for it, and the answer may come before the receipt. So the agent's activity
    is open from now on, not from the receipt on.
    """
    effects = turn.session.effects
    turn.change(effects=tuple(replace(e, attempted=True) if e.id == result.effect else e for e in effects))
    effect = in_flight(turn.session)
    if effect is not None and effect.id == result.effect:
        answer_attempted(turn, effect)
    elif turn.session.activity is Activity.WAITING and _is_typed(turn, result):
        over_at = turn.session.turn_over_at
        turn.evidence = replace(turn.evidence, testimonies=(), typed_at=turn.now.at, over_before=over_at)
        turn.change(turn_over_at=None)
        turn.set_activity(Activity.UNKNOWN, TYPING, None)


def _is_typed(turn: Turn, result: Attempted) -> bool:
    return any(one.id == result.effect and one.kind is EffectKind.DELIVER for one in turn.session.effects)


def delivered(turn: Turn, result: Delivered) -> None:
    """The message is settled. Where nothing was typed after all, and nothing heard since, the agent still waits.

    Where nobody saw it taken, whoever looks at it is believed again, whatever the age of what is seen there. Nobody
    looks at one that is hosted: what its host has said last counts again, for it would have told of the message.
    """
    delivered = {effect.message for effect in turn.session.effects if effect.id == result.effect}
    turn.drop_effect(result.effect)
    for message in turn.session.messages:
        if message.id in delivered:
            settle(turn, message, result.receipt, result.error)
    if result.receipt is not Receipt.SUBMITTED:
        turn.evidence = replace(turn.evidence, typed_at=None)
    if turn.session.activity_source == TYPING:
        _heard_nothing(turn, result.receipt)


def _heard_nothing(turn: Turn, receipt: Receipt) -> None:
    """Say what it does, of which nothing was heard since it was typed into."""
    spec, typed_at = turn.session.spec, turn.session.activity_since
    if receipt is Receipt.REFUSED:
        turn.set_activity(Activity.WAITING, "send", None)
        turn.change(turn_over_at=turn.session.turn_over_at or turn.evidence.over_before)
    elif receipt is Receipt.UNKNOWN and is_hosted(spec.agent, spec.runtime):
        turn.set_activity(Activity.WAITING, "send", None, since=typed_at)
    else:
        turn.set_activity(Activity.UNKNOWN, "send", None)
        turn.judge_activity()


def restarted(turn: Turn) -> None:
    """The daemon has found the session again. What nobody could watch meanwhile was not late."""
    if turn.has_due(DueName.START):
        is_launched = turn.session.handle is not None
        turn.set_due(DueName.START, START_DEADLINE_S if is_launched else launch_limit_s(turn.session.spec))
    if turn.has_due(DueName.CONTACT):
        turn.set_due(DueName.CONTACT, CONTACT_LOST_S)
    turn.recall()
    watch_anew(turn)
    withdraw_old_messages(turn)


def due_passed(turn: Turn, name: DueName) -> None:
    """A deadline: looked at again here, for it may have been moved or met in the meantime."""
    due = next((due for due in turn.session.dues if due.name is name), None)
    if due is None or not due.is_past(turn.now):
        return
    turn.clear_due(name)
    if name is DueName.START:
        begin_ending(turn, Ending.START_TIMEOUT)
        turn.perform(EffectKind.KILL)
    elif name is DueName.CONTACT:
        turn.move(Trigger.CONTACT_LOST)
    elif name is DueName.STUCK:
        stuck_due(turn)
    elif name is DueName.LIMIT:
        limit_due(turn)
    else:  # its grace is over, or it is time to kill it again
        turn.perform(EffectKind.KILL)
