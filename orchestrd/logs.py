"""Logging of the daemon: one event a fact.

As fields in the journal of the system where stderr leads there, for people where it is a terminal, and else as JSON
lines on stderr.

Only the shell logs: the floors below return values. What is logged is for the one who looks after the daemon; what
users must know is an event. Whatever is logged on behalf of a session bears its id, and that of its run.
"""

import logging
import os
import sys

import structlog
from structlog.typing import EventDict, Processor

from orchestrd.engine.tasks import current_subject
from orchestrd.journald import JournalLogger, as_fields, leads_to_journal
from orchestrd.model.event import EventType
from orchestrd.model.ids import run_name
from orchestrd.model.session import Session

STDERR = 2


def configure() -> None:
    """Set structlog up, once, before anything logs."""
    journal = JournalLogger() if leads_to_journal(STDERR, os.environ) else None
    write = structlog.WriteLoggerFactory(sys.stderr)
    structlog.configure(
        processors=[
            with_subject,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            *(_rendered() if journal is None else (as_fields,)),  # the journal stamps each line itself
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=write if journal is None else lambda *_: journal,
        cache_logger_on_first_use=True,
    )


def with_subject(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Add whose work it is that something is said of, unless the line names another."""
    subject = current_subject()
    if subject is not None and "session" not in line:
        line["session"] = subject.session
        if subject.generation is not None:
            line["run"] = run_name(subject.session, subject.generation)
    return line


def log_error(what: str, error: BaseException | None) -> None:
    """Log what went wrong in a part that goes on; null says that this is over."""
    expected = getattr(error, "message", None)
    log = structlog.get_logger()
    if error is None:
        log.info("over", what=what)
    elif expected is None:
        log.error("failed", what=what, exc_info=error)
    else:
        log.warning("failed", what=what, error=expected)


def log_commit(session: Session) -> None:
    """Log what a commit has changed in the state of a session."""
    for event in session.events:
        if event.revision == session.revision and event.type == EventType.STATE_CHANGED:
            run = run_name(session.id, session.generation)
            because = {name: value for name in ("reason", "error") if (value := getattr(event, name)) is not None}
            structlog.get_logger().info("state_changed", session=session.id, run=run, state=event.to, **because)


def _rendered() -> list[Processor]:
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    return [stamp, structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()]
