"""What a terminal's screen shows, by signs that are data: where to look, what must stand there, and what it means.

Invariant: what an agent or a person has written into the conversation never passes for the program's own dialog. A
dialog is looked for in the live area only, below the last line that the program has drawn across the whole screen; the
conversation, and the box in which a person types, end above it.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from orchestrd.core.conversation import one_line
from orchestrd.model.observation import Testimony
from orchestrd.model.words import Activity

_RULE = re.compile(r"[─━]{10,}\s*")  # drawn from the first column on
_DRAWN = re.compile(r"[─━╌]{3,}")


class Region(StrEnum):
    """Where a sign is looked for."""

    WHOLE = "whole"
    LIVE = "live"


class ScreenSign(Struct, frozen=True, kw_only=True):
    """Patterns that must all be found in a region (each may span its lines), and what that means."""

    name: str
    region: Region
    must: tuple[str, ...]
    must_not: tuple[str, ...] = ()
    allows: tuple[Activity, ...] = (Activity.BLOCKED,)
    text: str = "{}"  # for people; {} is what the first pattern has found, or its group, if it has one


def read_screen(screen: str, signs: Sequence[ScreenSign]) -> Testimony:
    """Say what the first sign that fits means; where none does, that the screen says nothing (any more)."""
    areas = {Region.WHOLE: screen, Region.LIVE: live_area(screen)}
    for sign in signs:
        if found := _found(sign, areas[sign.region]):
            shown = one_line(_DRAWN.sub(" ", found))
            return Testimony(
                observer="screen", allows=sign.allows, text=sign.text.format(shown), excerpt=f"{sign.name}: {shown}"
            )
    return Testimony(observer="screen", allows=())


def live_area(screen: str) -> str:
    """Give what stands below the last line across the screen; all of it where there is no such line."""
    lines = screen.split("\n")
    below = next((n for n in range(len(lines), 0, -1) if _RULE.fullmatch(lines[n - 1])), 0)
    return "\n".join(lines[below:])


def _found(sign: ScreenSign, area: str) -> str | None:
    """Give what the sign's first pattern has found, if all that it asks for holds."""
    found = [match for pattern in sign.must if (match := re.search(pattern, area, re.MULTILINE))]
    is_whole = len(found) == len(sign.must)
    is_excluded = any(re.search(pattern, area, re.MULTILINE) for pattern in sign.must_not)
    return found[0].group(found[0].lastindex or 0) if is_whole and not is_excluded else None
