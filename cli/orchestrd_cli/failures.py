"""How `orch` fails: what, why and the next command in one or two lines on stderr, and an exit code from the table.

With --json the same stands on stderr as one JSON object, in the words of the API's problem documents.
"""

import msgspec

from orchestrd.core.problem import error_of, problem_of
from orchestrd.model.errors import (
    NotFoundError,
    OrchestrdError,
    RefusedError,
    TimedOutError,
    UnreachableError,
    UsageError,
)
from orchestrd.render import error_text
from orchestrd_cli import exits
from orchestrd_cli.terminal import note

CODES: tuple[tuple[type[OrchestrdError], int], ...] = (
    (UsageError, exits.USAGE),
    (NotFoundError, exits.NOT_FOUND),
    (RefusedError, exits.REFUSED),
    (UnreachableError, exits.UNREACHABLE),
    (TimedOutError, exits.TIMED_OUT),
)


def exit_code_of(error: OrchestrdError) -> int:
    """Look the error up in the table; what is not in it has simply failed."""
    return next((code for kind, code in CODES if isinstance(error, kind)), exits.FAILED)


def tell(error: OrchestrdError, *, as_json: bool) -> int:
    """Say what went wrong on stderr; gives the exit code."""
    told = problem_of(error)
    note(msgspec.json.encode(told).decode() if as_json else f"orch: {error_text(error_of(told))}")
    return exit_code_of(error)
