"""How `orch` fails: what, why and the next command in one or two lines on stderr, and an exit code from the table.

With --json the same stands on stderr as one JSON object, in the words of the API's problem documents.
"""

import shlex
import sys

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


HELP_OF_ALL = "orch --help"  # what a daemon names where it knows no better: it does not know what was typed
LINE_CHARS_MAX = 100  # what is longer is not typed again from a hint


def exit_code_of(error: OrchestrdError) -> int:
    """Look the error up in the table; what is not in it has simply failed."""
    return next((code for kind, code in CODES if isinstance(error, kind)), exits.FAILED)


def tell(error: OrchestrdError, *, as_json: bool) -> int:
    """Say what went wrong on stderr; gives the exit code."""
    error.hint = _typed_with_an_id(error) or _help_of_the_verb(error) or error.hint
    told = problem_of(error)
    note(msgspec.json.encode(told).decode() if as_json else f"orch: {error_text(error_of(told))}")
    return exit_code_of(error)


def _typed_with_an_id(error: OrchestrdError) -> str | None:
    """Where a word means several sessions, give the line that was typed with the likeliest id in its place."""
    if not error.candidates:
        return None
    words = [error.candidates[0] if error.message.startswith(f"{word!r} means ") else word for word in sys.argv[1:]]
    line = shlex.join(("orch", *words))
    return line if words != sys.argv[1:] and len(line) <= LINE_CHARS_MAX else None


def _help_of_the_verb(error: OrchestrdError) -> str | None:
    """Where nobody has named the next command, a line that makes no sense is explained by the help of its verb."""
    if not isinstance(error, UsageError) or error.hint not in ("", HELP_OF_ALL):
        return None
    from orchestrd_cli.grammar import ORDER  # late: a line that is answered at once needs no grammar

    verb = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    return f"orch {verb} --help" if verb in ORDER and verb != "help" else None  # which itself lists all verbs
