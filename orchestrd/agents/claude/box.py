"""The box in which a person types to Claude Code, as its screen shows it, and what stands in it (of version 2.1.197).

    ────────────────────
    ❯ and what about         the sign is followed by a no-break space; in the conversation by a plain one
      the pears?
    ────────────────────

Invariant: what Claude Code itself puts into an empty box is never taken for a draft. It proposes what to say, in any
words, and only the style tells: the first letter is under the cursor, drawn inverse, and all the others are dim. So
letters that are dim or inverse are none; and whatever does not look just like this box has no draft.
"""

import re
from collections.abc import Iterator

from orchestrd.agents.screen_rules import live_area
from orchestrd.core.conversation import one_line

_ESCAPE = re.compile(r"\x1b\[([0-9;:]*)m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;:?]*[A-Za-z]|[\x0e\x0f]")
_COLOUR = re.compile(r"[345]8[;:](?:5[;:]\d+|2(?:[;:]\d+){3})")  # whose numbers are none of a style
_PLAIN, _DIM, _INVERSE = ("", "0"), "2", "7"
_ENDED_BY = {"22": _DIM, "27": _INVERSE}
_BOX = re.compile(r"(?:.*\n)?─{10}[^\n]*\n([❯!]\xa0[^\n]*\n(?:(?:  [^\n]*)?\n)*)─{10,} *\n?", re.DOTALL)


def read_draft(screen: str) -> str | None:
    """Give what stands in the box of a styled screen, in one line; null where nothing does for certain."""
    letters = list(_letters(screen))
    shown = "".join(letter for letter, _ in letters)
    box = _BOX.fullmatch(shown.removesuffix(live_area(shown)))
    if box is None:
        return None
    inside = letters[box.start(1) + len("❯\xa0") : box.end(1)]
    is_typed = any(letter.strip() and not is_faint for letter, is_faint in inside)
    return one_line("".join(letter for letter, _ in inside)) if is_typed else None


def _letters(screen: str) -> Iterator[tuple[str, bool]]:
    """Give each letter that is shown, and whether it is dim or inverse."""
    style: frozenset[str] = frozenset()
    end = 0
    for escape in _ESCAPE.finditer(screen):
        yield from ((letter, bool(style)) for letter in screen[end : escape.start()])
        style, end = _changed(style, escape[1]), escape.end()
    yield from ((letter, bool(style)) for letter in screen[end:])


def _changed(style: frozenset[str], numbers: str | None) -> frozenset[str]:
    if numbers is None:
        return style
    for number in _COLOUR.sub("39", numbers).split(";"):
        if number in _PLAIN:
            style = frozenset()
        elif number in (_DIM, _INVERSE):
            style |= {number}
        elif number in _ENDED_BY:
            style -= {_ENDED_BY[number]}
    return style
