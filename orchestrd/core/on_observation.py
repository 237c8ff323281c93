"""What each observation does to a session. Proofs end a run; samples only add up (see `evidence`)."""

from functools import reduce

from msgspec.structs import replace

from orchestrd.core.beginning import begin_run, implies_start, never_ran
from orchestrd.core.deciding import bounded, remember_asked
from orchestrd.core.ending import conclude, end_of, finish, order_sweep
from orchestrd.core.evidence import HOOK, REPORT
from orchestrd.core.goal import is_held_back
from orchestrd.core.liveness import (
    START_AXIS,
    asks_for_kill,
    fused_liveness,
    take_sample,
    testify,
)
from orchestrd.core.machine import Trigger
from orchestrd.core.progress import take_progress
from orchestrd.core.spending import spend
from orchestrd.core.turn import Turn
from orchestrd.model.effect import EffectKind
from orchestrd.model.limits import DELIVERY_S, EXCERPT_CHARS_MAX, REPORT_TEXT_CHARS_MAX, WITNESSES_MAX
from orchestrd.model.observation import Cause, Exited, Reported, Sighted, Started, Testimony, Vanished, Witness
from orchestrd.model.words import Liveness


def sighted(turn: Turn, sample: Sighted) -> None:
    """Count a sample in; a confirmed streak of dead ones asks for the sweep that will prove it.

    It comes with each tick, which is when words that were believed for a while are no longer.
    """
    turn.evidence = take_sample(turn.evidence, sample, turn.now)
    turn.set_liveness(fused_liveness(turn.evidence), sample.observer, sample.excerpt or None)
    if sample.verdict is Liveness.ALIVE:
        _attest(turn, sample.observer)
        turn.move(Trigger.ALIVE)
    if turn.evidence.testimonies:
        turn.judge_activity()
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
    """The launcher recorded the end. Where something of the run was left alive, a sweep has to end that first.

    Where a message is being typed just now, it may have ended because it has read that: so its end is held back until
    that is known. The record tells of it again with each look.
    """
    if implies_start(turn, proof):
        return
    has_left = proof.error is not None and not never_ran(proof)
    if has_left or turn.session.outlived:
        order_sweep(turn)
    elif _is_typed_into(turn, proof):
        turn.set_liveness(Liveness.DEAD, "end of run")
    elif not is_held_back(turn, proof):
        conclude(turn, proof)


def vanished(turn: Turn, proof: Vanished) -> None:
    """Nobody recorded the end. After a boot nothing can live; else one sweep makes sure that nothing does."""
    if proof.cause is Cause.OTHER_BOOT:
        finish(turn, end_of(turn.session, None), error="the machine was restarted meanwhile")
    else:
        order_sweep(turn)


def reported(turn: Turn, fact: Reported) -> None:
    """The witnesses of its activity have said something. A line of hooks.jsonl counts once, by where it ends there.

    Such lines are judged one by one, for each is a fact. What else a look brings is judged as a whole, and the last of
    the lines with it: one after the other these words would still be met by those of the look before.
    """
    take_progress(turn, fact)
    heard = max(turn.session.hooks_offset, turn.evidence.hooks_offset)
    turn.evidence = replace(
        turn.evidence,
        hooks_offset=max(heard, fact.hooks_offset),
        transcript_offset=max(turn.evidence.transcript_offset, fact.transcript_offset),
        malformed=turn.evidence.malformed + fact.malformed,
    )
    news = [said for said in fact.testimonies if said.offset is None or said.offset > heard]
    last_line = max((number for number, said in enumerate(news) if said.offset is not None), default=None)
    for number, said in enumerate(news):
        _take_in(turn, said)
        if (said.offset is not None and number != last_line) or number == len(news) - 1:
            turn.judge_activity()


def _is_typed_into(turn: Turn, proof: Exited) -> bool:
    is_typing = any(effect.attempted and effect.kind is EffectKind.DELIVER for effect in turn.session.effects)
    return is_typing and 0 <= (turn.now.at - proof.at).total_seconds() <= DELIVERY_S


def _attest(turn: Turn, observer: str) -> None:
    if observer not in turn.session.attested:
        turn.change(attested=(*turn.session.attested, observer)[-WITNESSES_MAX:])


def _take_in(turn: Turn, said: Testimony) -> None:
    """One word of one witness, and what it proves beside the activity."""
    text = said.text[:REPORT_TEXT_CHARS_MAX] if said.text else None
    asked = bounded(said.decision) if said.decision else None
    said = replace(said, text=text, excerpt=said.excerpt[:EXCERPT_CHARS_MAX], decision=asked)
    remember_asked(turn, said)
    turn.hear(said)
    if said.observer == HOOK:
        turn.change(notice=None if said.allows else text)
    if said.conversation is not None:
        turn.change(conversation=said.conversation)
    if said.version is not None:
        turn.change(agent_version=said.version)
    if said.spent:
        turn.change(spending=reduce(spend, said.spent, turn.session.spending))
    if said.is_turn_over:
        over_at = turn.now.at if said.observer == REPORT or said.at is None else min(said.at, turn.now.at)
        typed_at = turn.evidence.typed_at
        turn.change(has_worked=True)
        if typed_at is not None and over_at < typed_at:  # late: of the turn before the message
            turn.evidence = replace(turn.evidence, over_before=over_at)
        else:
            turn.change(turn_over_at=over_at)
