"""Runs that should be no more: what is told of anything that bears the mark of a run, from the records alone.

What is judged must have been seen before the records were read: then a session that has just begun is known.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from orchestrd.client.inspection import Records
from orchestrd.model.ids import is_session_id
from orchestrd.model.limits import ENDED_S


class Mark(Struct, frozen=True):
    """A run, as a mark names it."""

    session: str
    generation: int


def mark_in(environ: Mapping[str, str]) -> Mark | None:
    """Read the mark of a run in an environment; null where there is none, or none of ours."""
    session, _, rest = environ.get("ORCH_RUN", "").partition(":")
    generation = rest.partition(":")[0]
    is_mark = is_session_id(session) and generation.isascii() and generation.isdigit()
    return Mark(session, int(generation)) if is_mark else None


def why_over(mark: Mark, records: Records, now: datetime) -> str | None:
    """Say why nothing of a run should live; null where it may, or where that cannot be known."""
    session = records.sessions.get(mark.session)
    if session is None:
        return None if records.knows(mark.session) else f"no session {mark.session} is known here (any more)"
    if mark.generation < session.generation:
        return f"run {mark.generation} of session {mark.session} is over; it was revived since"
    if session.is_terminal and (now - session.state_since).total_seconds() > ENDED_S:
        return f"session {mark.session} has ended: {session.state} ({session.reason})"
    return None
