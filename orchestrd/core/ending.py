"""How a generation ends: what it is being ended for, which end a proof means, and what is closed with it."""

from orchestrd.core.attempts import attempt_over, take_back
from orchestrd.core.deciding import in_flight, settle_answer
from orchestrd.core.goal import ENDING_FOR, PROVEN, is_met, why_unmet
from orchestrd.core.machine import Trigger, next_state
from orchestrd.core.turn import Turn, short
from orchestrd.model.effect import OUTLIVES_THE_RUN, EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.instant import DueName
from orchestrd.model.limits import SETTLED_MAX
from orchestrd.model.observation import Exited
from orchestrd.model.session import Message, Session, Settled
from orchestrd.model.words import Activity, Authority, Ending, Liveness, Receipt

_FOR = {
    Ending.STOPPED: Trigger.ENDED_STOPPED,
    Ending.KILLED: Trigger.ENDED_KILLED,
    Ending.TURN_DONE: Trigger.ENDED_TURN_DONE,
    Ending.PR_OPENED: Trigger.ENDED_PR_OPENED,
    Ending.PR_MERGED: Trigger.ENDED_PR_MERGED,
    Ending.VERIFIED: Trigger.ENDED_VERIFIED,
    Ending.START_TIMEOUT: Trigger.START_TIMED_OUT,
}


def begin_ending(turn: Turn, ending: Ending) -> None:
    """Begin to end the run, for this purpose from now on. Kills are counted anew, and no other deadline matters."""
    parked_until = turn.session.parked_until  # its account is limited, and stays so without it
    turn.change(ending=ending, kills_failed=0, error=None, limited_until=parked_until, dues=())


def order_sweep(turn: Turn) -> None:
    """Make sure that nothing lives. A run that is being ended keeps its purpose, and a failed kill its next time."""
    if turn.session.ending is None:
        begin_ending(turn, Ending.GONE)
    if not turn.has_due(DueName.KILL_AGAIN):
        turn.perform(EffectKind.KILL)


def end_of(session: Session, proof: Exited | None) -> Trigger:
    """Tell which end a proof means: what the session was being ended for, else how its run ended by itself."""
    if session.ending in _FOR:
        return _FOR[session.ending]
    if session.started_at is None:
        return Trigger.LAUNCH_FAILED
    if proof is None:
        return Trigger.EXITED_UNKNOWN
    if proof.setup_failed:
        return Trigger.SETUP_FAILED
    if proof.hung_up:
        return Trigger.TERMINAL_LOST
    if proof.exit_signal is not None:
        return Trigger.EXITED_BY_SIGNAL
    if proof.exit_code is None:
        return Trigger.EXITED_UNKNOWN
    return Trigger.EXITED_NONZERO if proof.exit_code else _good_end(session)


def _good_end(session: Session) -> Trigger:
    """Tell what an exit with 0 is worth: where the goal has to be proven, it is not the proof."""
    if session.spec.until not in PROVEN:
        return Trigger.EXITED_ZERO
    return _FOR[ENDING_FOR[session.spec.until]] if is_met(session) else Trigger.EXITED_UNMET


def conclude(turn: Turn, proof: Exited) -> None:
    """The run has ended by itself, or was ended: enter the end that this means."""
    finish(turn, end_of(turn.session, proof), proof=proof, error=proof.error or told_of(turn.session, proof))


def finish(
    turn: Turn,
    trigger: Trigger,
    *,
    proof: Exited | None = None,
    error: str | None = None,
    screen: str | None = None,
    authority: Authority = Authority.DAEMON,
) -> None:
    """Enter a terminal state: settle every message, close the axes, drop what is in flight. No row, no change."""
    session = turn.session
    if next_state(session.state, session.reason, trigger) is None:
        return
    error = error or (why_unmet(session, turn.evidence.untold) if trigger is Trigger.EXITED_UNMET else None)
    notice = _undelivered(session)
    _settle_all(turn)
    turn.set_activity(Activity.UNKNOWN, "end of run", None)
    turn.set_liveness(Liveness.DEAD, "end of run")
    stamps = (proof.at if proof else turn.now.at, session.created_at, session.scheduled_at, session.started_at)
    end = {
        "exit_code": proof.exit_code if proof else None,
        "exit_signal": proof.exit_signal if proof else None,
        "error": short(error),
    }
    turn.change(
        ended_at=max(stamp for stamp in stamps if stamp),
        ending=None,
        kills_failed=0,
        outlived=False,
        left_behind=proof.ended if proof else 0,
        notice=notice,
        limited_until=turn.session.parked_until,
        dues=(),
        effects=tuple(effect for effect in turn.session.effects if effect.kind in OUTLIVES_THE_RUN),
        **end,
    )
    turn.move(trigger, authority, screen=screen, text=left_behind(turn.session.left_behind), **end)


def told_of(session: Session, proof: Exited) -> str | None:
    """Say what a code or a signal alone would not; null where they, or what it was being ended for, say it all."""
    if session.ending is not None:
        return None
    if proof.setup_failed:
        return f"its setup command failed with exit code {proof.exit_code}; its output is in the log"
    if proof.hung_up:
        return "its terminal was closed under it: the tmux session was ended, or the server that held it"
    return None


def left_behind(processes: int) -> str | None:
    """Say what became of the processes that an agent left behind; null where it left none."""
    if not processes:
        return None
    return f"{processes} {'process it left behind was' if processes == 1 else 'processes it left behind were'} ended"


def _undelivered(session: Session) -> str | None:
    """Say that messages were accepted and never typed; null where there are none."""
    begun = {effect.message for effect in session.effects if effect.attempted}
    count = sum(message.id not in begun for message in session.messages)
    if not count:
        return None
    return f"{count} {'message was' if count == 1 else 'messages were'} never typed: send again after a revive"


def _settle_all(turn: Turn) -> None:
    """What may have been typed is unknown; what certainly was not is refused."""
    begun = {effect.message for effect in turn.session.effects if effect.attempted}
    for message in turn.session.messages:
        if message.id in begun:
            settle(turn, message, Receipt.UNKNOWN, "the run ended while it was being typed")
        else:
            take_back(turn, message.id)
            settle(turn, message, Receipt.REFUSED, "the run ended before it could be delivered")
    answer = in_flight(turn.session)
    if answer is not None:
        receipt = Receipt.UNKNOWN if answer.attempted else Receipt.REFUSED
        settle_answer(turn, answer, receipt, "the run ended while it was being answered")


def settle(turn: Turn, message: Message, receipt: Receipt, error: str | None) -> None:
    """Say what became of a message, once, and remember it for a repeated send."""
    error = short(error)
    settled = Settled(id=message.id, receipt=receipt, error=error, digest=message.digest)
    kept = (*turn.session.settled, settled)[-SETTLED_MAX:]
    rest = tuple(m for m in turn.session.messages if m.id != message.id)
    turn.change(messages=rest, settled=kept)
    turn.emit(EventType.MESSAGE_SETTLED, authority=message.authority, message=message.id, receipt=receipt, error=error)
    attempt_over(turn, message.id, (error or "it was refused") if receipt is Receipt.REFUSED else None)
