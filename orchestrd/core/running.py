"""From a session to its newest run: how its runtime knows it, and how long its launch may take."""

from orchestrd.model.ids import run_mark
from orchestrd.model.limits import START_DEADLINE_S, WORKSPACE_S
from orchestrd.model.observation import Evidence
from orchestrd.model.run import Run
from orchestrd.model.session import Session, Spec
from orchestrd.model.words import Liveness

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


def has_ended(session: Session | None) -> bool:
    """Tell whether its run is known to be over, though its end may be held back yet."""
    return session is None or session.is_terminal or session.liveness is Liveness.DEAD


def launch_limit_s(spec: Spec) -> float:
    """Tell how long a launch may take in seconds, up to the start record; making a workspace has its own time."""
    return START_DEADLINE_S if spec.workspace.kind == "none" else WORKSPACE_S + START_DEADLINE_S
