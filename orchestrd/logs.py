"""Logging of the daemon: one event a fact, as JSON lines on stderr, or for people where stderr is a terminal.

Only the shell logs: the floors below return values. What is logged is for the one who looks after the daemon; what
users must know is an event.
"""

import logging
import sys

import structlog


def configure() -> None:
    """Set structlog up, once, before anything logs."""
    is_for_people = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if is_for_people else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


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
