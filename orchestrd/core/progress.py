"""Stuck: it works, and nothing has come of it for too long. Derived and told, never a state: nothing follows from it.

Progress is a trace of work: a line that a hook or a plugin has written, one of the transcript, tokens that were spent.
A title that turns, a clock that runs on its screen and a state file that goes on saying `busy` are none: an agent whose
model has gone silent shows all three.

The clock runs on the time since boot, from the last progress, or from when it began to work. To a new daemon it starts
anew, for nobody was looking; what was stuck before stays stuck until it makes progress, or works no more.
"""

from msgspec.structs import replace

from orchestrd.core.turn import Turn
from orchestrd.model.event import EventType
from orchestrd.model.instant import DueName
from orchestrd.model.observation import Reported
from orchestrd.model.words import Activity, State

STUCK = "stuck"


def take_progress(turn: Turn, fact: Reported) -> None:
    """Start the clock anew where something has come of its work, by how far its files have grown."""
    session, evidence = turn.session, turn.evidence
    has_hooks = fact.hooks_offset > max(session.hooks_offset, evidence.hooks_offset)
    has_transcript = fact.transcript_offset > max(session.transcript_offset, evidence.transcript_offset)
    if has_hooks or has_transcript or any(said.spent for said in fact.testimonies):
        turn.evidence = replace(evidence, progress=turn.now)
        _set_stuck(turn, is_stuck=False)


def follow_progress(turn: Turn) -> None:
    """Let the clock run while it works, and only then."""
    session, after_s = turn.session, turn.thresholds.stuck_after_s
    if session.state is not State.RUNNING or session.activity is not Activity.WORKING or not after_s:
        turn.clear_due(DueName.STUCK)
        turn.evidence = replace(turn.evidence, progress=None) if turn.evidence.progress else turn.evidence
        _set_stuck(turn, is_stuck=False)
        return
    if turn.evidence.progress is None:
        turn.evidence = replace(turn.evidence, progress=turn.now)
    if session.stuck_since is None and not turn.has_due(DueName.STUCK):
        turn.set_due(DueName.STUCK, after_s)


def stuck_due(turn: Turn) -> None:
    """Look at what has come of its work since the clock was set; where something has, wait for the rest."""
    last = turn.evidence.progress or turn.now
    left_s = turn.thresholds.stuck_after_s - (turn.now.up_s - last.up_s)
    if left_s > 0:
        turn.set_due(DueName.STUCK, left_s)
    else:
        _set_stuck(turn, is_stuck=True)


def watch_anew(turn: Turn) -> None:
    """Take up a clock that another daemon has set: nobody has watched since."""
    if turn.has_due(DueName.STUCK):
        turn.set_due(DueName.STUCK, turn.thresholds.stuck_after_s)


def _set_stuck(turn: Turn, *, is_stuck: bool) -> None:
    if is_stuck is (turn.session.stuck_since is not None):
        return
    last = turn.evidence.progress or turn.now
    turn.change(stuck_since=last.at if is_stuck else None)
    from_, to = (None, STUCK) if is_stuck else (STUCK, None)
    turn.emit(EventType.STUCK_CHANGED, from_=from_, to=to)
