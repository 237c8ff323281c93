"""From a session to its newest run, as its runtime needs to know it."""

from orchestrd.model.ids import run_mark
from orchestrd.model.run import Run
from orchestrd.model.session import Session


def run_of(session: Session, hooks_offset: int = 0) -> Run:
    """Name the session's newest run; `hooks_offset` where more of hooks.jsonl was read than the record knows."""
    return Run(
        session=session.id,
        generation=session.generation,
        mark=run_mark(session.id, session.generation, session.spec.nonce),
        handle=session.handle,
        hooks_offset=max(session.hooks_offset, hooks_offset),
        is_started=session.started_at is not None,
    )
