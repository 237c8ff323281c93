"""What each observation does to a session. Proofs end a run; samples only add up (see `evidence`)."""

from msgspec.structs import replace

from orchestrd.core.beginning import begin_run, implies_start, never_ran
from orchestrd.core.ending import end_of, finish, order_sweep
from orchestrd.core.evidence import (
    ACTIVITY_AXIS,
    START_AXIS,
    asks_for_kill,
    fused_liveness,
    take_sample,
    testify,
)
from orchestrd.core.machine import Trigger
from orchestrd.core.turn import Turn
from orchestrd.model.limits import REPORT_TEXT_CHARS_MAX, WITNESSES_MAX
from orchestrd.model.observation import Cause, Exited, Reported, Sighted, Started, Vanished, Witness
from orchestrd.model.words import Liveness


def sighted(turn: Turn, sample: Sighted) -> None:
    """Count a sample in; a confirmed streak of dead ones asks for the sweep that will prove it."""
    turn.evidence = take_sample(turn.evidence, sample, turn.now)
    turn.set_liveness(fused_liveness(turn.evidence), sample.observer, sample.excerpt or None)
    if sample.verdict is Liveness.ALIVE:
        _attest(turn, sample.observer)
        turn.move(Trigger.ALIVE)
    if asks_for_kill(turn.evidence, sample, turn.session.attested, turn.now):
        order_sweep(turn)


def started(turn: Turn, fact: Started) -> None:
    """The start record is there. It is no sample: that the agent lived then says nothing about later."""
    witness = Witness(
        axis=START_AXIS, observer=fact.observer, verdict="started", at=turn.now.at, excerpt=f"pid {fact.pid}"
    )
    turn.evidence = testify(turn.evidence, witness)
    if begin_run(turn, fact.at, fact.pid):
        _attest(turn, fact.observer)
        turn.set_liveness(Liveness.ALIVE, fact.observer)


def exited(turn: Turn, proof: Exited) -> None:
    """The launcher recorded the end. Where something of the run was left alive, a sweep has to end that first."""
    if implies_start(turn, proof):
        return
    has_left = proof.error is not None and not never_ran(proof)
    if has_left or turn.session.outlived:
        order_sweep(turn)
    else:
        finish(turn, end_of(turn.session, proof), proof=proof, error=proof.error)


def vanished(turn: Turn, proof: Vanished) -> None:
    """Nobody recorded the end. After a boot nothing can live; else one sweep makes sure that nothing does."""
    if proof.cause is Cause.OTHER_BOOT:
        finish(turn, end_of(turn.session, None), error="the machine was restarted meanwhile")
    else:
        order_sweep(turn)


def reported(turn: Turn, fact: Reported) -> None:
    """The agent said what it does: believed as of now. A line of hooks.jsonl counts once, by where it ends there."""
    if fact.offset <= max(turn.session.hooks_offset, turn.evidence.hooks_offset):
        return
    text = fact.text[:REPORT_TEXT_CHARS_MAX] if fact.text else None
    witness = Witness(axis=ACTIVITY_AXIS, observer=fact.observer, verdict=fact.activity, at=fact.at, excerpt=text or "")
    turn.evidence = replace(testify(turn.evidence, witness), hooks_offset=fact.offset)
    turn.set_activity(fact.activity, fact.observer, text)


def _attest(turn: Turn, observer: str) -> None:
    if observer not in turn.session.attested:
        turn.change(attested=(*turn.session.attested, observer)[-WITNESSES_MAX:])
