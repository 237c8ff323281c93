"""What the words of all witnesses of one look come to, in the order in which they are heard."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from orchestrd.model.observation import Testimony
from orchestrd.model.run import Reading


def reading_of(said: Iterable[Testimony | None], now: datetime, malformed: int = 0) -> Reading:
    """Put words in order, the oldest first; what has no time is as of now, and nothing is of a time to come."""
    past = [one if one.at is None else replace(one, at=min(one.at, now)) for one in said if one is not None]
    return Reading(testimonies=tuple(sorted(past, key=lambda one: one.at or now)), malformed=malformed)
