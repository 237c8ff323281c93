"""A verification: whether what a session was asked for is done, as a command says that was run in its workspace."""

from datetime import datetime

from msgspec import Struct

UNTOUCHED = "nothing is committed since it began: that is no proof"


class Verification(Struct, frozen=True, kw_only=True):
    """What the newest one came to. It belongs to the turn whose end was its occasion."""

    generation: int
    turn_over_at: datetime  # of that turn
    at: datetime  # when it was over
    exit_code: int | None = None  # of the command; null: it could not be run, or did not end in time
    is_clean: bool | None = None  # nothing is uncommitted; null: nobody knows
    head: str | None = None  # the commit that it was run on
    beginning: str | None = None  # the commit that its worktree began at; null: it has none of its own, or nobody knows
    output: str = ""  # the end of it
    error: str | None = None  # why it could not be run, or did not end

    @property
    def is_green(self) -> bool:
        """Tell whether there is nothing to mend: the command succeeded, and all is committed."""
        return self.exit_code == 0 and self.is_clean is True

    @property
    def is_proof(self) -> bool:
        """Tell whether it proves that the session is done: it is green, and not of the very commit it began at."""
        return self.is_green and (self.head is None or self.head != self.beginning)
