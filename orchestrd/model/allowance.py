"""What may still be asked of a forge."""

from msgspec import Struct


class Allowance(Struct, frozen=True, kw_only=True):
    """How much one may still ask of a forge, as it has said itself. Null: it has not said so, or has no bound."""

    host: str
    limit: int | None = None
    remaining: int | None = None
    resets_in_s: float | None = None
    retry_in_s: float | None = None  # nothing may be asked before
    interval_s: float | None = None  # between looks, as it stands
    error: str | None = None  # what is wrong with it: no token, no answer
