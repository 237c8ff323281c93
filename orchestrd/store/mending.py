"""What recovery appends to the journal: the events that records hold above its end, and voids between them.

A number that no record holds belongs to a commit that never became durable, so it was never shown to anyone: a void
fills it. More of them in a row than one batch can leave are no such thing: there, a part of the journal has been lost.
Nothing is made up for it; the journal goes on in a new segment, and readers are told of the gap.
"""

from collections.abc import Mapping

from msgspec import Struct

from orchestrd.codec import encode_event
from orchestrd.model.event import void
from orchestrd.model.limits import VOIDS_MAX


class Run(Struct, frozen=True):
    """Consecutive lines, the first of them with this number."""

    first: int
    lines: tuple[bytes, ...]


def missing(tail: int, held: Mapping[int, bytes]) -> tuple[Run, ...]:
    """Give what is to be appended to a journal that ends at `tail`; `held` are lines by number."""
    runs: list[tuple[int, list[bytes]]] = []
    newest = tail
    for number in sorted(number for number in held if number > tail):
        absent = range(newest + 1, number)
        if len(absent) > VOIDS_MAX or not runs:
            begins = number if len(absent) > VOIDS_MAX else newest + 1
            runs.append((begins, []))
        if len(absent) <= VOIDS_MAX:
            runs[-1][1].extend(encode_event(void(lost)) for lost in absent)
        runs[-1][1].append(held[number])
        newest = number
    return tuple(Run(first, tuple(lines)) for first, lines in runs)
