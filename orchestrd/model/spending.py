"""What a conversation has cost: tokens, and money where the agent names it."""

from msgspec import Struct


class Tokens(Struct, frozen=True, kw_only=True):
    """Counts of tokens; none is ever negative. `input` is without what was read from a cache or written to one."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def total(self) -> int:
        """All of them together."""
        return self.input + self.output + self.cache_read + self.cache_write


class Spent(Struct, frozen=True, kw_only=True):
    """What one message of a model has cost, or a whole thread so far.

    The newest of one `key` replaces those before it: agents tell of one message several times. `is_total`: a counter
    that rises over the thread `key`, and begins anew where it falls.
    """

    key: str
    tokens: Tokens
    cost_usd: float | None = None
    is_total: bool = False


class Spending(Struct, frozen=True, kw_only=True):
    """What a session has cost. `newest` are the messages, and the threads, that may be told of again."""

    tokens: Tokens = Tokens()
    cost_usd: float | None = None  # null: nobody has named a cost
    newest: tuple[Spent, ...] = ()
