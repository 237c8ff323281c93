"""What a session is told to the world as, from its record; the same for the daemon and for a reader of the disk.

The document is a picture of a committed record and holds nothing else: whoever reads it twice at one revision reads the
same. Only the age of a list and what is hidden from it depend on who asks.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from msgspec.structs import replace

from orchestrd.core.layout import Layout
from orchestrd.core.resolve import Known
from orchestrd.model.document import DaemonFacts, Document, Status
from orchestrd.model.ids import SessionId
from orchestrd.model.session import SCHEMA, Session, Spec
from orchestrd.model.words import TERMINAL, Activity, Desired, Reason, State

WITH_TERMINAL = frozenset({"tmux"})  # runtimes that a person can attach to
ACCEPTED = "accepted"  # the state of a session that is only spooled: durable, and no daemon has seen it yet


def document(session: Session, layout: Layout) -> Document:
    """Picture one record."""
    return _pictured(session, session.spec, layout)


def _pictured(session: Session, spec: Spec, layout: Layout) -> Document:
    return Document(
        id=session.id,
        name=spec.name,
        project=spec.project,
        agent=spec.agent,
        runtime=spec.runtime,
        argv=spec.argv,
        prompt=spec.prompt,
        permission=spec.permission,
        allow=spec.allow,
        desired=session.desired,
        state=session.state,
        reason=session.reason,
        state_since=session.state_since,
        liveness=session.liveness,
        activity=session.activity,
        activity_since=session.activity_since,
        activity_source=session.activity_source,
        activity_text=session.activity_text,
        stuck_since=session.stuck_since,
        limited_until=session.parked_until if session.activity is Activity.LIMITED else None,
        held_until=session.held_until if session.state is State.SCHEDULED else None,
        decision=session.decision,
        agent_version=session.agent_version,
        tokens=session.spending.tokens if session.spending.newest else None,
        cost_usd=session.spending.cost_usd,
        generation=session.generation,
        revision=session.revision,
        exit_code=session.exit_code,
        exit_signal=session.exit_signal,
        error=session.error,
        notice=session.notice,
        conversation=session.conversation,
        left_behind=session.left_behind,
        created_at=session.created_at,
        scheduled_at=session.scheduled_at,
        started_at=session.started_at,
        ended_at=session.ended_at,
        workspace=spec.workspace,
        until=spec.until,
        issue=spec.issue,
        change=session.change,
        verify=spec.verify,
        verification=session.verification,
        verifying_since=session.turn_over_at if session.is_being_verified else None,
        attach=("orch", "attach", session.id) if spec.runtime in WITH_TERMINAL and not session.is_terminal else None,
        log=layout.log(session.id),
    )


def accepted_document(session: SessionId, spec: Spec, at: datetime, layout: Layout) -> Document:
    """Picture a spawn that lies in the inbox since `at`: accepted, revision 0."""
    spooled = Session(
        schema=SCHEMA,
        id=session,
        revision=0,
        epoch=0,
        spec=spec,
        desired=Desired.RUNNING,
        state=State.PENDING,
        reason=Reason.ACCEPTED,
        state_since=at,
        generation=1,
        created_at=at,
    )
    return replace(document(spooled, layout), state=ACCEPTED)


def known(told: Document) -> Known:
    """Say by what a person's word finds this session."""
    return Known(id=told.id, name=told.name, state=told.state, state_since=told.state_since, created_at=told.created_at)


def is_over(told: Document) -> bool:
    """Tell whether the session has ended; a state of a newer orchestrd counts as not ended."""
    return told.state in TERMINAL


def status(
    documents: Iterable[Document],
    daemon: DaemonFacts | None,
    *,
    with_ended: bool,
    project: str | None = None,
    newest_record_at: datetime | None = None,
    asked_about: Collection[SessionId] = (),
) -> Status:
    """List sessions, newest first; ended ones are counted as hidden unless asked for.

    `project` keeps the sessions of one project, by its path or by the last part of it.
    """
    chosen = [told for told in documents if project is None or _is_of(told, project)]
    chosen.sort(key=lambda told: (told.created_at, told.id), reverse=True)
    shown = tuple(told for told in chosen if with_ended or not is_over(told))
    return Status(
        daemon=daemon,
        sessions=shown,
        hidden=len(chosen) - len(shown),
        newest_record_at=newest_record_at,
        asked_about=tuple(told.id for told in shown if told.id in asked_about),
    )


def _is_of(told: Document, project: str) -> bool:
    return project.rstrip("/") in (told.project.rstrip("/"), told.project.rstrip("/").rpartition("/")[2])
