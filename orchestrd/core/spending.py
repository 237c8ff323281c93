"""What a session has cost, added up from what its agent tells of single messages, and of whole threads.

The same message is told of several times, each time whole (once for each block of an answer, and once more by whoever
reads its line again): of what was told before and now, the greater counts. A counter of a whole thread is told of as it
stands: what counts is by how much it has risen, and one that falls has begun anew. So no sum ever falls, and nothing
counts twice as long as its key is remembered.
"""

from collections.abc import Callable

from msgspec.structs import fields, replace

from orchestrd.model.limits import SPENT_REMEMBERED_MAX, TOKENS_MAX
from orchestrd.model.spending import Spending, Spent, Tokens

_NOTHING = Spent(key="", tokens=Tokens())
_KINDS = tuple(field.name for field in fields(Tokens))


def spend(spending: Spending, told: Spent) -> Spending:
    """Take in what a message, or a thread so far, has cost."""
    told = _sane(told)
    before = next((known for known in spending.newest if known.key == told.key), _NOTHING)
    if told.is_total and told.tokens.total < before.tokens.total:
        before = _NOTHING
    now = _greater(told, before)
    others = tuple(known for known in spending.newest if known.key != told.key)
    return Spending(
        tokens=_each(lambda total, risen, then: total + risen - then, spending.tokens, now.tokens, before.tokens),
        cost_usd=_cost(spending.cost_usd, now.cost_usd, before.cost_usd),
        newest=(*others, now)[-SPENT_REMEMBERED_MAX:],
    )


def _sane(told: Spent) -> Spent:
    """Take no number for one that cannot be: whatever a program has written there is added to a record for good."""
    tokens = _each(lambda count: min(max(count, 0), TOKENS_MAX), told.tokens)
    cost = told.cost_usd if told.cost_usd is not None and 0 <= told.cost_usd < TOKENS_MAX else None
    return replace(told, tokens=tokens, cost_usd=cost)


def _greater(told: Spent, before: Spent) -> Spent:
    costs = [cost for cost in (told.cost_usd, before.cost_usd) if cost is not None]
    return replace(told, tokens=_each(max, told.tokens, before.tokens), cost_usd=max(costs, default=None))


def _each(of: Callable[..., int], *tokens: Tokens) -> Tokens:
    return Tokens(**{kind: of(*(getattr(one, kind) for one in tokens)) for kind in _KINDS})


def _cost(total: float | None, now: float | None, before: float | None) -> float | None:
    return total if now is None else (total or 0.0) + now - (before or 0.0)
