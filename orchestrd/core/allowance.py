"""How often a forge may be asked: what it has said may still be asked, and the share of it that is not ours.

A forge counts what is asked of it in windows. In each, a share of the whole is left to others who ask in the same name,
the agents first of all: what they have taken of it already is theirs, the rest stays untouched. Times are of a clock
that never goes back, in seconds; costs are in what the forge counts by.

Invariants: what we spend in one window is never more than what is not reserved, and never of what is left of the
reserve; nothing is asked before the time that the forge has named; the less there is left, the longer the wait.
"""

from math import ceil, inf
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.model.limits import FORGE_AGAIN_S, FORGE_AGAIN_S_MAX, FORGE_PENALTY_S, FORGE_PENALTY_S_MAX

_SLACK_S = 1.0  # the seconds that forges count in are whole
_SAME_WINDOW_S = 60.0  # ends this far apart are those of one window, told at two times


class Told(NamedTuple):
    """What an answer said of its window: the whole, what is left of it, and when the next one begins."""

    limit: int
    remaining: int
    resets_in_s: float


class Meter(Struct, frozen=True, kw_only=True):
    """What is known of one window. Nothing was said yet where `limit` is null: then one may ask."""

    limit: int | None = None
    remaining: int = 0
    resets_at: float = 0.0
    ours: int = 0  # what we have spent of it
    closed_until: float = 0.0  # nothing is asked before
    failures: int = 0  # in a row


def spent(meter: Meter, cost: int) -> Meter:
    """Take in that something is being asked that costs this much; a negative cost gives back what it did not take."""
    return replace(meter, remaining=meter.remaining - cost, ours=meter.ours + cost)


def told(meter: Meter, said: Told, cost: int, now: float) -> Meter:
    """Take in what the answer said to something that had cost this much, and was taken in as spent.

    Of a window that we meet half spent, everything is taken to have been ours: who has just started cannot know better.
    Answers may overtake each other, so within a window less is left, never more; one of a window that is over says
    nothing of this one.
    """
    resets_at = now + said.resets_in_s
    if meter.limit is None or now >= meter.resets_at or resets_at > meter.resets_at + _SAME_WINDOW_S:
        ours = said.limit - said.remaining if meter.limit is None else cost
        return replace(meter, limit=said.limit, remaining=said.remaining, resets_at=resets_at, ours=ours)
    if resets_at < meter.resets_at - _SAME_WINDOW_S:
        return meter
    return replace(
        meter,
        limit=said.limit,
        remaining=min(meter.remaining, said.remaining),
        resets_at=max(meter.resets_at, resets_at),
    )


def answered(meter: Meter) -> Meter:
    """Take in that it has answered sensibly: what failed before counts no more."""
    return replace(meter, failures=0)


def closed(meter: Meter, for_s: float, now: float) -> Meter:
    """Take in that the forge wants not to be asked for so long."""
    return replace(meter, closed_until=max(meter.closed_until, now + for_s))


def penalised(meter: Meter, retry_in_s: float | None, now: float) -> Meter:
    """Take in that it was asked too fast: it has named a time, or it is guessed, longer each time."""
    again = _growing(FORGE_PENALTY_S, FORGE_PENALTY_S_MAX, meter.failures)
    return closed(replace(meter, failures=meter.failures + 1), again if retry_in_s is None else retry_in_s, now)


def failed(meter: Meter, now: float) -> Meter:
    """Take in that it did not answer, or not sensibly."""
    again = _growing(FORGE_AGAIN_S, FORGE_AGAIN_S_MAX, meter.failures)
    return closed(replace(meter, failures=meter.failures + 1), again, now)


def spendable(meter: Meter, share: float, now: float) -> float:
    """Say how much we may still spend in this window; infinite where nothing is known of it, or it is over."""
    if meter.limit is None or now >= meter.resets_at:
        return inf
    others = max(0, meter.limit - meter.remaining - meter.ours)
    untouched = max(0, ceil(meter.limit * share) - others)
    return max(0, meter.remaining - untouched)


def wait_s(meter: Meter, share: float, cost: int, now: float) -> float:
    """Say how long to wait before something that costs this much may be asked; 0: it may be now."""
    closed_s = max(0.0, meter.closed_until - now)
    if spendable(meter, share, now) >= cost:
        return closed_s
    return max(closed_s, meter.resets_at - now + _SLACK_S)


def interval_s(meter: Meter, share: float, cost: int, usual_s: float, now: float) -> float:
    """Say how far apart rounds that cost this much should be, so that what is left lasts until the window ends."""
    left = spendable(meter, share, now)
    if left == inf:
        return usual_s
    left_s = meter.resets_at - now
    return max(usual_s, left_s * cost / left if left >= cost else left_s + _SLACK_S)


def _growing(first_s: float, most_s: float, failures: int) -> float:
    return float(min(most_s, first_s * 2.0 ** min(failures, 30)))
