"""Errors, named by whose turn it is: the caller's, the situation's, or ours.

Each carries a stable `code` for machines, a sentence for people, and the next command to try. Decisions do not raise
them; they return refusals. Shells raise them at the edge that can act.
"""


class OrchestrdError(Exception):
    """Base of all. `code` is stable, `hint` the next command to try or empty, `candidates` the ids it could mean."""

    code = "failed"

    def __init__(
        self, message: str, *, code: str | None = None, hint: str = "", candidates: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.hint = hint
        self.candidates = candidates


class UsageError(OrchestrdError):
    """The caller asked for something that makes no sense; asking again the same way will not help."""

    code = "usage"


class NotFoundError(OrchestrdError):
    """There is no such thing."""

    code = "not_found"


class RefusedError(OrchestrdError):
    """The thing is there, but not in a state that allows this."""

    code = "refused"


class ConflictError(RefusedError):
    """A stale writer, or an id that is already taken by something else."""

    code = "conflict"


class UnreachableError(OrchestrdError):
    """No daemon answers."""

    code = "unreachable"


class TimedOutError(OrchestrdError):
    """The time given ran out; what was waited for goes on."""

    code = "timeout"


class TransientError(OrchestrdError):
    """It did not work this time and nothing changed: try again."""

    code = "try_again"


class FaultError(OrchestrdError):
    """Our own invariant is broken, or the outcome of a write cannot be known: the daemon must stop and recover."""

    code = "fault"
