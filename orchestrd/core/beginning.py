"""How a run begins: its start record was seen, or its exit record, which implies it. No step is skipped either way."""

from datetime import datetime

from orchestrd.core.machine import Trigger
from orchestrd.core.turn import Turn
from orchestrd.model.instant import DueName
from orchestrd.model.observation import Exited
from orchestrd.model.words import Ending


def begin_run(turn: Turn, at: datetime, pid: int | None = None) -> bool:
    """Take the start in; false where it comes twice, or too late: its deadline has cost the run its life."""
    session = turn.session
    if session.ending is Ending.START_TIMEOUT or session.started_at is not None:
        return False
    turn.change(started_at=max(at, session.scheduled_at or session.created_at))
    turn.clear_due(DueName.START)
    turn.move(Trigger.STARTED, pid=pid)
    return True


def implies_start(turn: Turn, proof: Exited) -> bool:
    """Take in the start that this end implies; true where it moves the session, and the end is to be offered again."""
    if never_ran(proof) or not begin_run(turn, proof.at):
        return False
    turn.consumed = not turn.has_moved
    return turn.has_moved


def never_ran(proof: Exited) -> bool:
    """Tell whether the launcher recorded that it could not start the agent: neither code nor signal."""
    return proof.exit_code is None and proof.exit_signal is None
