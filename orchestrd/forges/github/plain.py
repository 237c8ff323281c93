"""Texts that anybody may have written at GitHub, as they are kept: plain, and bounded."""

from orchestrd.core.fencing import cleaned, head
from orchestrd.model.limits import REMARK_CHARS_MAX, TITLE_CHARS_MAX


def line(text: str) -> str:
    """Make one line of it: a title, a name."""
    return " ".join(cleaned(text).split())[:TITLE_CHARS_MAX]


def passage(text: str) -> str:
    """Keep its beginning: a remark."""
    return head(cleaned(text).strip(), REMARK_CHARS_MAX)
