"""Errors on the wire: one table both ways, so that a client raises what the daemon raised."""

from orchestrd.model.document import Problem
from orchestrd.model.errors import (
    ConflictError,
    FaultError,
    NotFoundError,
    OrchestrdError,
    RefusedError,
    TimedOutError,
    TransientError,
    UnreachableError,
    UsageError,
)

# From the special to the general: the first class that fits gives the status, the first status that fits the class.
# The last column is the next command to try after an error that names none itself.
TABLE: tuple[tuple[type[OrchestrdError], int, str, str], ...] = (
    (UsageError, 400, "The request makes no sense", "orch --help"),
    (NotFoundError, 404, "There is no such thing", "orch status --all"),
    (ConflictError, 409, "Taken by something else", "orch status --all"),
    (RefusedError, 409, "Not in this state", "orch status --all"),
    (TransientError, 503, "Try again", "orch daemon status"),
    (UnreachableError, 502, "Out of reach", "orch daemon start"),
    (TimedOutError, 504, "Out of time", "orch daemon status"),
    (FaultError, 500, "A fault of the daemon", "orch daemon logs"),
    (OrchestrdError, 500, "It did not work", "orch daemon logs"),
)
ALSO = {403: RefusedError, 405: UsageError, 408: TimedOutError, 413: UsageError}  # statuses of HTTP's own


def problem_of(error: OrchestrdError) -> Problem:
    """Write an error down; none is without a next command."""
    _, status, title, hint = next(row for row in TABLE if isinstance(error, row[0]))
    return Problem(
        title=title,
        status=status,
        code=error.code,
        detail=error.message,
        hint=error.hint or hint,
        candidates=error.candidates,
    )


def error_of(problem: Problem) -> OrchestrdError:
    """Read an error again: the class by its status, everything else as it was written."""
    kinds = [kind for kind, status, *_ in TABLE if status == problem.status]
    by_code = [kind for kind in kinds if kind.code == problem.code]
    kind = (by_code or kinds[-1:] or [ALSO.get(problem.status, OrchestrdError)])[0]
    return kind(
        problem.detail or problem.title,
        code=problem.code,
        hint=problem.hint,
        candidates=problem.candidates,
    )
