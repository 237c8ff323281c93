"""What follows from where a session stands, whatever input brought it there.

Looked at again after every input, so that nothing depends on the order in which facts arrive: a turn that was over
before the start record was read, or while contact was lost, still ends a session whose goal it is; a message that may
not be typed any more is held back, and typed when its time comes.
"""

from orchestrd.core.deciding import follow_decision, in_flight
from orchestrd.core.ending import begin_ending, conclude
from orchestrd.core.goal import ENDING_FOR, follow_verification, is_held_back, is_met, may_end
from orchestrd.core.machine import Trigger
from orchestrd.core.parking import follow_limit
from orchestrd.core.progress import follow_progress
from orchestrd.core.turn import Turn
from orchestrd.model.effect import EffectKind
from orchestrd.model.instant import DueName
from orchestrd.model.limits import CONTACT_LOST_S
from orchestrd.model.session import Message, Session
from orchestrd.model.words import OCCUPYING, Activity, Liveness, State


def follow(turn: Turn) -> None:
    """Do what is due by where the session stands now."""
    follow_decision(turn)
    _conclude_if_decided(turn)
    _end_if_goal_is_met(turn)
    follow_verification(turn)
    _watch_contact(turn)
    follow_progress(turn)
    follow_limit(turn)
    _hold_back_deliveries(turn)
    _deliver_next(turn)


def may_type(session: Session, message: Message) -> bool:
    """Tell whether this message could be typed now: never into a working or blocked agent, nor into a dying one.

    Nor while an answer is on its way: a dialog may still be open.
    """
    if session.state is not State.RUNNING or session.ending is not None or in_flight(session) is not None:
        return False
    if session.activity is Activity.WAITING:
        return True
    return session.activity is Activity.UNKNOWN and not message.awaits_turn


def _conclude_if_decided(turn: Turn) -> None:
    """It has ended by itself, and now it is known what that is worth."""
    proof = turn.evidence.exit
    session = turn.session
    if proof is None or turn.has_moved or session.ending is not None or session.state not in OCCUPYING:
        return
    if not is_held_back(turn, proof):
        conclude(turn, proof)


def _end_if_goal_is_met(turn: Turn) -> None:
    """Its goal is met, and nothing is cut off. A change of state is committed by itself: then the next time.

    That it waits is not enough: so does an agent that was interrupted, or whose turn an error has cut off.
    """
    session = turn.session
    if not is_met(session) or not may_end(session) or session.ending is not None or turn.has_moved:
        return
    if turn.move(Trigger.GOAL_MET):
        begin_ending(turn, ENDING_FOR[session.spec.until])
        turn.set_due(DueName.GRACE, session.spec.grace_s)
        turn.perform(EffectKind.TERMINATE)


def _watch_contact(turn: Turn) -> None:
    """A running session that nobody can see is lost before long. One that is being ended is driven by that."""
    session = turn.session
    is_unseen = session.state is State.RUNNING and session.liveness is Liveness.UNKNOWN and session.ending is None
    if not is_unseen:
        turn.clear_due(DueName.CONTACT)
    elif not turn.has_due(DueName.CONTACT):
        turn.set_due(DueName.CONTACT, CONTACT_LOST_S)


def _hold_back_deliveries(turn: Turn) -> None:
    """What was decided but not yet begun is undone where it is not safe any more."""
    if not turn.session.effects:
        return
    safe = {message.id for message in turn.session.messages if may_type(turn.session, message)}
    for effect in turn.session.effects:
        if effect.kind is EffectKind.DELIVER and not effect.attempted and effect.message not in safe:
            turn.drop_effect(effect.id)


def _deliver_next(turn: Turn) -> None:
    """One message at a time, in order."""
    first = next(iter(turn.session.messages), None)
    is_there = turn.evidence.exit is None
    if first and is_there and may_type(turn.session, first) and not turn.has_in_flight(EffectKind.DELIVER):
        turn.perform(EffectKind.DELIVER, first.id)
