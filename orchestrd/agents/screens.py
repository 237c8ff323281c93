"""What a terminal's screen shows, by rules that are data: where to look, what must stand there, and what it means.

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
_OPTION = re.compile(r"\s*❯?\s*\d+\. ")


class Region(StrEnum):
    """Where a rule looks."""

    WHOLE = "whole"
    LIVE = "live"


class ScreenRule(Struct, frozen=True, kw_only=True):
    """Patterns that must all be found in a region (each may span its lines), and what that means."""

    name: str
    region: Region
    must: tuple[str, ...]
    must_not: tuple[str, ...] = ()
    allows: tuple[Activity, ...] = (Activity.BLOCKED,)
    text: str | None = None  # null: what stands there, up to the choices it offers


def read_screen(screen: str, rules: Sequence[ScreenRule]) -> Testimony:
    """Say what the first rule that fits says; where none does, that the screen says nothing (any more)."""
    areas = {Region.WHOLE: screen, Region.LIVE: live_area(screen)}
    for rule in rules:
        if found := _found(rule, areas[rule.region]):
            text = rule.text or _told(areas[rule.region], found)
            return Testimony(
                observer="screen", allows=rule.allows, text=text, excerpt=f"{rule.name}: {one_line(found)}"
            )
    return Testimony(observer="screen", allows=())


def live_area(screen: str) -> str:
    """Give what stands below the last line across the screen; all of it where there is no such line."""
    lines = screen.split("\n")
    below = next((n for n in range(len(lines), 0, -1) if _RULE.fullmatch(lines[n - 1])), 0)
    return "\n".join(lines[below:])


def _found(rule: ScreenRule, area: str) -> str | None:
    """Give what the rule's first pattern has found, if all that it asks for holds."""
    found = [re.search(pattern, area, re.MULTILINE) for pattern in rule.must]
    if not all(found) or any(re.search(pattern, area, re.MULTILINE) for pattern in rule.must_not):
        return None
    return found[0].group() if found[0] else None


def _told(area: str, found: str) -> str:
    """Tell of a dialog by what stands above its choices; of anything else by what was found."""
    lines = area.split("\n")
    choices = next((n for n, line in enumerate(lines) if _OPTION.match(line)), 0)
    return one_line(" ".join(lines[:choices])) or one_line(found)
