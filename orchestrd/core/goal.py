"""Whether the goal of a session is met, and what it takes to find that out.

A goal is met by facts on record: its turn was heard to be over, its forge has told of its pull request, the newest
verification was green, at another commit than the one that its worktree began at. A verification belongs to the turn
whose end was its occasion: one that is under way when the agent works again is called off, and counts for nothing.

No agent is cut off in the middle of its work. A goal that is met meanwhile ends the session when the agent has stopped:
it waits with nothing left to be said. Where its pull request is merged there is nothing left to stop for either, so
then it is also ended while it is blocked, parked at a limit or stuck: that bounds how long the wait can be.

An agent that exits with 0 before its goal is met has not done what it was asked for: failed (goal_unmet). But what it
did last may not be known yet, so its end is held back: until its verification is over, or until its forge had the time
to tell. The exit record tells of the end again with each look, so a restart forgets nothing of this.
"""

from typing import assert_never

from msgspec.structs import replace

from orchestrd.core.deciding import in_flight
from orchestrd.core.turn import Turn, short
from orchestrd.model.change import Pr
from orchestrd.model.command import Verified
from orchestrd.model.effect import EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.limits import CHANGE_TOLD_S, REPORT_TEXT_CHARS_MAX, WITNESS_LAG_S
from orchestrd.model.observation import Exited
from orchestrd.model.session import Session
from orchestrd.model.verification import UNTOUCHED, Verification
from orchestrd.model.words import Activity, Ending, Liveness, State, Until

ENDING_FOR = {
    Until.TURN: Ending.TURN_DONE,
    Until.PR_OPEN: Ending.PR_OPENED,
    Until.PR_MERGED: Ending.PR_MERGED,
    Until.VERIFY: Ending.VERIFIED,
}
PROVEN = frozenset({Until.PR_OPEN, Until.PR_MERGED, Until.VERIFY})  # an exit with 0 does not stand for these
_HALTED = frozenset({Activity.WAITING, Activity.BLOCKED, Activity.LIMITED})
_UNMET = {
    Until.PR_OPEN: "no pull request of its branch is known to be open",
    Until.PR_MERGED: "no pull request of its branch is known to be merged",
}
HELD = "its agent has exited, with 0; it is being found out whether its goal is met"
COMMIT = "commit your work"


def is_met(session: Session) -> bool:
    """Tell whether the goal is met, by what is on record. What a turn's end decides is verified first, if it can be."""
    pr = session.change.pr if session.change else Pr.UNKNOWN
    match session.spec.until:
        case Until.EXIT:
            return False
        case Until.TURN:
            return session.turn_over_at is not None and (session.spec.verify is None or is_verified(session))
        case Until.PR_OPEN:
            return pr in (Pr.OPEN, Pr.MERGED) and (session.spec.verify is None or is_verified(session))
        case Until.PR_MERGED:
            return pr is Pr.MERGED
        case Until.VERIFY:
            return is_verified(session)
        case _ as never:
            assert_never(never)


def may_end(session: Session) -> bool:
    """Tell whether ending it now cuts nothing off."""
    if session.messages or in_flight(session) is not None:
        return False
    if session.spec.until is not Until.PR_MERGED:
        return session.turn_over_at is not None and session.activity is Activity.WAITING
    return session.has_worked and (session.activity in _HALTED or session.stuck_since is not None)


def is_verified(session: Session) -> bool:
    """Tell whether the newest turn was found to have done what was asked for."""
    return _has_result(session) and session.verification is not None and session.verification.is_proof


def follow_verification(turn: Turn) -> None:
    """Have each turn that is over verified once; call off what is not about this turn any more."""
    if turn.has_in_flight(EffectKind.VERIFY) and _is_outdated(turn):
        _call_off(turn)
    session = turn.session
    is_over = session.turn_over_at is not None and session.activity is Activity.WAITING and not session.messages
    if session.state is State.RUNNING and session.ending is None and is_over and not turn.has_moved:
        _verify(turn)


def verified(turn: Turn, result: Verified) -> None:
    """A verification is over: of this very turn, or it would have been called off."""
    turn.drop_effect(result.effect)
    session = turn.session
    verification = Verification(
        generation=session.generation,
        turn_over_at=session.turn_over_at or turn.now.at,
        at=turn.now.at,
        exit_code=result.exit_code,
        is_clean=result.is_clean,
        head=result.head,
        beginning=result.beginning,
        output=result.output,
        error=short(_red(result)),
    )
    turn.change(verification=verification)
    turn.emit(
        EventType.VERIFIED,
        to="green" if verification.is_green else "red",
        exit_code=verification.exit_code,
        text=verification.output[-REPORT_TEXT_CHARS_MAX:] or None,
        error=verification.error,
    )


def is_held_back(turn: Turn, proof: Exited) -> bool:
    """Hold an exit back whose meaning is not known yet, and see to it that it will be."""
    session = turn.session
    is_good = proof.exit_code == 0 and not proof.hung_up
    if session.ending is not None or not is_good or session.spec.until not in PROVEN or is_met(session):
        return False
    if not _is_open(turn, proof):
        return False
    turn.evidence = replace(turn.evidence, exit=proof)
    turn.set_activity(Activity.UNKNOWN, "end of run", None)
    turn.set_liveness(Liveness.DEAD, "end of run")
    turn.change(notice=HELD, turn_over_at=turn.session.turn_over_at or min(proof.at, turn.now.at))
    _verify(turn)
    return True


def why_unmet(session: Session, untold: str | None) -> str:
    """Say why an exit with 0 did not complete the session, and what to do next; `untold`: why no forge has told."""
    why = _UNMET.get(session.spec.until)
    if why is not None and (cause := untold or (session.change.error if session.change else None)):
        why = f"{why} ({cause})"
    if why is None or (session.spec.verify is not None and not is_verified(session)):
        known = session.verification if _has_result(session) else None
        why = f"it is not verified: {_doubt(known) if known else 'nothing was found out'}"
    return f"it exited with 0 before its goal {session.spec.until} was met: {why}; go on with: orch revive {session.id}"


def _has_result(session: Session) -> bool:
    """Tell whether there is one of the newest turn: no turn has ended since, that was not called off by its work."""
    known, over_at = session.verification, session.turn_over_at
    if known is None or over_at is None or known.generation != session.generation:
        return False
    return over_at == known.turn_over_at or over_at < known.at


def _doubt(known: Verification) -> str:
    return UNTOUCHED if known.is_green else known.error or "its command did not succeed"


def _verify(turn: Turn) -> None:
    if turn.session.spec.verify is not None and not _has_result(turn.session):
        turn.perform(EffectKind.VERIFY)


def _is_outdated(turn: Turn) -> bool:
    """Tell whether it is being ended, works again, or has done so unseen: another turn is over than before."""
    session, before = turn.session, turn.before.turn_over_at
    if session.ending is not None:
        return True
    if session.liveness is Liveness.DEAD:  # nothing works any more, whoever was late to say so
        return False
    if session.turn_over_at is None:
        return True
    moved_s = (session.turn_over_at - before).total_seconds() if before else 0.0
    return session.activity is Activity.WORKING or moved_s > WITNESS_LAG_S


def _call_off(turn: Turn) -> None:
    for effect in turn.session.effects:
        if effect.kind is EffectKind.VERIFY:
            turn.drop_effect(effect.id)


def _is_open(turn: Turn, proof: Exited) -> bool:
    """Tell whether a goal that is not met may be so all the same, and nobody could know yet."""
    session = turn.session
    needs_result = session.spec.verify is not None and not _has_result(session)
    if session.spec.until is Until.VERIFY:
        return needs_result
    since_s = (turn.now.at - proof.at).total_seconds()
    return 0 <= since_s <= CHANGE_TOLD_S or (needs_result and session.spec.until is Until.PR_OPEN)


def _red(result: Verified) -> str | None:
    """Say what keeps a verification from being green, and what to do about it; null: nothing."""
    if result.exit_code is None:
        return result.error or "its command could not be run"
    if result.exit_code != 0:
        return f"its command failed with exit code {result.exit_code}"
    if result.is_clean is None:
        return f"its command succeeded, but nobody knows whether all is committed: {result.error or 'git was silent'}"
    if not result.is_clean:
        return f"its command succeeded, but not all is committed: {COMMIT} ({result.error or 'see git status'})"
    return None
