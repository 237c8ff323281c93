"""What each observation does to a session. Proofs end a run; samples only add up (see `evidence`)."""

from msgspec.structs import replace

from orchestrd.core.ending import end_of, finish
from orchestrd.core.evidence import ACTIVITY_AXIS, asks_for_kill, fused_liveness, take_sample, testify
from orchestrd.core.machine import Trigger
from orchestrd.core.turn import Turn
from orchestrd.model.effect import EffectKind
from orchestrd.model.instant import DueName
from orchestrd.model.limits import CONTACT_LOST_S, REPORT_TEXT_CHARS_MAX
from orchestrd.model.observation import Cause, Exited, Reported, Sighted, Started, Vanished, Witness
from orchestrd.model.words import Activity, Ending, Liveness, State, Until


def sighted(turn: Turn, sample: Sighted) -> None:
    """Count a sample in; a confirmed streak of dead ones asks for the sweep that will prove it."""
    turn.evidence = take_sample(turn.evidence, sample, turn.now)
    liveness = fused_liveness(turn.evidence)
    turn.set_liveness(liveness, sample.observer, sample.excerpt or None)
    if sample.verdict is Liveness.ALIVE:
        _attest(turn, sample.observer)
        turn.move(Trigger.ALIVE)
    if liveness is Liveness.ALIVE:
        turn.clear_due(DueName.CONTACT)
    elif turn.session.state is State.RUNNING and not _has_due(turn, DueName.CONTACT):
        turn.set_due(DueName.CONTACT, CONTACT_LOST_S)
    if asks_for_kill(turn.evidence, sample.observer, turn.session.attested, turn.now):
        _order_sweep(turn)


def started(turn: Turn, fact: Started) -> None:
    """The start record is there. Too late, where its deadline has already cost the run its life."""
    if turn.session.ending is Ending.START_TIMEOUT or turn.session.started_at is not None:
        return
    earliest = turn.session.scheduled_at or turn.session.created_at
    turn.change(started_at=max(fact.at, earliest))
    turn.clear_due(DueName.START)
    _attest(turn, fact.observer)
    turn.evidence = take_sample(
        turn.evidence,
        Sighted(generation=fact.generation, observer=fact.observer, verdict=Liveness.ALIVE, excerpt=f"pid {fact.pid}"),
        turn.now,
    )
    turn.set_liveness(Liveness.ALIVE, fact.observer)
    turn.move(Trigger.STARTED, pid=fact.pid)


def exited(turn: Turn, proof: Exited) -> None:
    """The launcher recorded the end; an end implies the start, which is committed first."""
    session = turn.session
    if session.state is State.STARTING and session.ending is None and not _never_ran(proof):
        start = Started(generation=proof.generation, observer=proof.observer, pid=0, at=proof.at)
        started(turn, start)
        turn.consumed = False
        return
    finish(turn, end_of(session, proof), proof)


def vanished(turn: Turn, proof: Vanished) -> None:
    """Nobody recorded the end. After a boot nothing can live; else one sweep makes sure that nothing does."""
    if proof.cause is Cause.OTHER_BOOT:
        finish(turn, end_of(turn.session, None), error="the machine was restarted while it ran")
    else:
        _order_sweep(turn)


def reported(turn: Turn, fact: Reported) -> None:
    """The agent said what it does; a line of hooks.jsonl counts once, by where it ends there."""
    if fact.offset <= max(turn.session.hooks_offset, turn.evidence.hooks_offset):
        return
    text = fact.text[:REPORT_TEXT_CHARS_MAX] if fact.text else None
    witness = Witness(axis=ACTIVITY_AXIS, observer=fact.observer, verdict=fact.activity, at=fact.at, excerpt=text or "")
    evidence = testify(turn.evidence, witness)
    turn.evidence = replace(evidence, hooks_offset=fact.offset)
    turn.set_activity(fact.activity, fact.observer, text)
    session = turn.session
    is_done = fact.activity is Activity.WAITING and session.spec.until is Until.TURN and not session.messages
    if is_done and turn.move(Trigger.GOAL_MET):
        turn.change(ending=Ending.TURN_DONE, kills_failed=0)
        turn.clear_due(DueName.CONTACT)
        turn.set_due(DueName.GRACE, session.spec.grace_s)
        turn.perform(EffectKind.TERMINATE)


def _order_sweep(turn: Turn) -> None:
    """Nothing is believed dead without it. An order that ends the session already keeps its purpose."""
    if turn.session.ending is None:
        turn.change(ending=Ending.GONE, kills_failed=0)
    if not _has_due(turn, DueName.KILL_AGAIN):
        turn.perform(EffectKind.KILL)


def _attest(turn: Turn, observer: str) -> None:
    if observer not in turn.session.attested:
        turn.change(attested=(*turn.session.attested, observer))


def _has_due(turn: Turn, name: DueName) -> bool:
    return any(due.name is name for due in turn.session.dues)


def _never_ran(proof: Exited) -> bool:
    """An exit record with neither code nor signal: the launcher could not start the agent."""
    return proof.exit_code is None and proof.exit_signal is None
