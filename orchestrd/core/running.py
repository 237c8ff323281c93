"""From a session to its newest run, as its runtime needs to know it."""

from orchestrd.model.ids import run_mark
from orchestrd.model.observation import Evidence
from orchestrd.model.run import Run
from orchestrd.model.session import Session

NOTHING_MORE = Evidence()


def run_of(session: Session, evidence: Evidence = NOTHING_MORE) -> Run:
    """Name the session's newest run; by `evidence` more of its files may have been read than the record knows."""
    return Run(
        session=session.id,
        generation=session.generation,
        mark=run_mark(session.id, session.generation, session.spec.nonce),
        handle=session.handle,
        hooks_offset=max(session.hooks_offset, evidence.hooks_offset),
        transcript_offset=max(session.transcript_offset, evidence.transcript_offset),
        conversation=session.conversation,
        is_started=session.started_at is not None,
    )
