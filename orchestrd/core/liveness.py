"""What samples add up to. A sample alone ends nothing; several may ask for a sweep, whose result is a proof.

The rules, all from the blueprint:
- Three consecutive dead samples of *one* observer that has itself seen this generation alive, ten seconds or more from
  the first to the last, ask for a kill. A sighting resets that observer's streak, and only that one.
- A look that failed is no evidence: it neither counts nor resets. But while every observer is blind, liveness is
  unknown.
- When five or more runs of a runtime were sampled in one pass and more than half of them turned dead, the pass says
  more about the runtime than about the runs: its dead samples are set aside.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from orchestrd.model.instant import Instant
from orchestrd.model.limits import (
    BREAKER_SESSIONS_MIN,
    DEAD_SAMPLES,
    DEAD_SPAN_S,
    EXCERPT_CHARS_MAX,
    WITNESSES_MAX,
)
from orchestrd.model.observation import Evidence, Sighted, Streak, Witness
from orchestrd.model.words import Liveness

LIVENESS_AXIS = "liveness"
ACTIVITY_AXIS = "activity"
START_AXIS = "start"


def testify(evidence: Evidence, witness: Witness) -> Evidence:
    """Keep the last word of one observer on one axis; the oldest goes when there are too many."""
    axis, observer = witness.axis, witness.observer
    others = [w for w in evidence.witnesses if w.observer != observer or w.axis != axis]
    if len(witness.excerpt) > EXCERPT_CHARS_MAX:
        witness = replace(witness, excerpt=witness.excerpt[:EXCERPT_CHARS_MAX])
    return replace(evidence, witnesses=(*others, witness)[-WITNESSES_MAX:])


def take_sample(evidence: Evidence, sample: Sighted, now: Instant) -> Evidence:
    """Take one sample of liveness in: the observer's streak and its last word."""
    if evidence.streaks or sample.verdict is Liveness.DEAD:  # else there is nothing to count, nor to reset
        evidence = _counted(evidence, sample, now)
    return testify(
        evidence,
        Witness(
            axis=LIVENESS_AXIS,
            observer=sample.observer,
            verdict=sample.verdict,
            at=now.at,
            excerpt=sample.excerpt,
        ),
    )


def _counted(evidence: Evidence, sample: Sighted, now: Instant) -> Evidence:
    """Let the observer's streak grow or end; a look that failed does neither."""
    mine = next((s for s in evidence.streaks if s.observer == sample.observer), None)
    others = tuple(s for s in evidence.streaks if s.observer != sample.observer)
    if sample.verdict is Liveness.DEAD:
        grown = (
            replace(mine, count=mine.count + 1)
            if mine
            else Streak(observer=sample.observer, count=1, first_up_s=now.up_s)
        )
        return replace(evidence, streaks=(*others, grown)[-WITNESSES_MAX:])
    return replace(evidence, streaks=others) if sample.verdict is Liveness.ALIVE and mine else evidence


def fused_liveness(evidence: Evidence) -> Liveness:
    """Alive if anyone sees it alive; otherwise unknown, for dead is a matter of proof."""
    for witness in evidence.witnesses:
        if witness.verdict == Liveness.ALIVE and witness.axis == LIVENESS_AXIS:
            return Liveness.ALIVE
    return Liveness.UNKNOWN


def asks_for_kill(evidence: Evidence, sample: Sighted, attested: Sequence[str], now: Instant) -> bool:
    """Tell whether with this sample its observer's streak is long enough, and its word good enough, for the sweep."""
    if sample.verdict is not Liveness.DEAD:
        return False
    streak = next((s for s in evidence.streaks if s.observer == sample.observer), None)
    return (
        streak is not None
        and sample.observer in attested
        and streak.count >= DEAD_SAMPLES
        and now.up_s - streak.first_up_s >= DEAD_SPAN_S
    )


def breaker_trips(verdicts: Sequence[Liveness], known_dead: int = 0) -> bool:
    """Tell whether a pass over one runtime is to be set aside.

    `verdicts` are the samples of the pass; `known_dead` of the dead ones were dead in the pass before already, and so
    did not turn dead in this one.
    """
    turned = sum(verdict is Liveness.DEAD for verdict in verdicts) - known_dead
    return len(verdicts) >= BREAKER_SESSIONS_MIN and 2 * turned > len(verdicts)
