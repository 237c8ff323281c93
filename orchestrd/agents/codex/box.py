"""The composer in which a person types to Codex, as its screen shows it, and what stands in it (of version 0.169.0).

    › and what about         the sign is bold; that of a message in the conversation is dim as well
      the pears?

      gpt-5 · /home/user/shop

Invariant: what Codex itself puts into an empty composer is never taken for a draft; it is dim. In its shell mode, where
the sign is `!`, whatever is typed would be run as a command: so even an empty composer holds a draft then.
"""

import re

from orchestrd.core.conversation import one_line

_SEQUENCE = re.compile(r"\x1b(?:\[([0-9;:]*)([A-Za-z])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-B0-2])|[\x0e\x0f]")
_SIGN = re.compile(r"^(?:\x1b\[[0-9;]*m)*\x1b\[1m(?:\x1b\[[0-9;]*m)*([›!])(.*)$", re.MULTILINE)
_DIM_FIRST = re.compile(r"(?:\x1b\[(?!2m)[0-9;]*m|\s)*\x1b\[(?:0;)?2m")


def read_draft(screen: str) -> str | None:
    """Give what stands in the composer of a styled screen, in one line; null where nothing does for certain."""
    signs = list(_SIGN.finditer(screen))
    if not signs:
        return None
    sign = signs[-1]
    if _DIM_FIRST.match(sign[2]):
        return None
    typed = _paragraphs(_SEQUENCE.sub("", sign[2]), _SEQUENCE.sub("", screen[sign.end() :]))
    return "! (its shell mode)" if sign[1] == "!" and not typed else typed or None


def _paragraphs(first: str, below: str) -> str:
    """Put together what was typed: the footer is the last paragraph below, and none of it."""
    parts = re.split(r"\n\s*\n", first + below)
    return one_line(" ".join(parts[:-1] if len(parts) > 1 else parts))
