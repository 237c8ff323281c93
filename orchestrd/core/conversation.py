"""A transcript as people read it; how it is worded stands in `orchestrd/core/wording.py`.

Transcripts are those of Claude Code: one JSON object a line. A line that is none is passed over.
"""

import re
from collections.abc import Iterator

from orchestrd.core.claude_files import config_folder, transcript_pattern
from orchestrd.core.launch import decode_record
from orchestrd.core.wording import (
    INTERRUPTED,
    Fields,
    Telling,
    blocks_of,
    described,
    fields_of,
    is_prompt,
    one_line,
    readable,
    text_of,
)

__all__ = [  # with what else whoever reads a transcript needs
    "INTERRUPTED",
    "Conversation",
    "Fields",
    "blocks_of",
    "config_folder",
    "conversation_id",
    "described",
    "fields_of",
    "is_prompt",
    "one_line",
    "readable",
    "text_of",
    "transcript_pattern",
]

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Conversation:
    """Tells of a transcript line by line, as it grows."""

    def __init__(self) -> None:
        self._telling = Telling()

    def tell(self, line: bytes) -> Iterator[str]:
        """Give what a line adds, entry by entry; an entry may have several lines."""
        return self._telling.tell(fields_of(decode_record(line, dict)))

    def unfinished(self) -> tuple[str, ...]:
        """Give the tool calls that have no result (yet)."""
        return self._telling.unfinished()


def conversation_id(name: str) -> str | None:
    """Take a text for the name of a conversation, which is handed back to the program one day, if it is one."""
    return name if _ID.fullmatch(name) else None
