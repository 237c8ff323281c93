"""A verification: whether what a session was asked for is done, as a command says that was run in its workspace."""

from datetime import datetime

from msgspec import Struct


class Verification(Struct, frozen=True, kw_only=True):
    """What the newest one came to. It belongs to the turn whose end was its occasion."""

    generation: int
    turn_over_at: datetime  # of that turn
    at: datetime  # when it was over
    exit_code: int | None = None  # of the command; null: it could not be run, or did not end in time
    is_clean: bool | None = None  # nothing is uncommitted; null: nobody knows
    head: str | None = None  # the commit that it was run on
    output: str = ""  # the end of it
    error: str | None = None  # why it could not be run, or did not end

    @property
    def is_green(self) -> bool:
        """Tell whether it proves that the session is done: the command succeeded, and all of it is committed."""
        return self.exit_code == 0 and self.is_clean is True
