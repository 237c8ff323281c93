"""A transcript as people read it, and where it lies; how it is worded stands in `orchestrd/core/wording.py`.

Transcripts are those of Claude Code: one JSON object a line. A line that is none is passed over.
"""

import re
from collections.abc import Iterator, Mapping

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

__all__ = [  # with the words of the wording that whoever reads a transcript needs as well
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


def transcript_pattern(environment: Mapping[str, str], conversation: str) -> str | None:
    """Say where Claude Code keeps a conversation, with `*` for the folder of its project; null without a home.

    Folders are named after working directories in a way that loses what is no letter or digit and, where it is long,
    its end: looking for the conversation's own name finds it in all versions.
    """
    folder = config_folder(environment)
    return None if folder is None else f"{folder}/projects/*/{conversation}.jsonl"


def config_folder(environment: Mapping[str, str]) -> str | None:
    """Say where Claude Code keeps what it writes down, by the environment it is run in."""
    if configured := environment.get("CLAUDE_CONFIG_DIR"):
        return configured.rstrip("/") or "/"
    home = environment.get("HOME")
    return home.rstrip("/") + "/.claude" if home else None


def conversation_id(name: str) -> str | None:
    """Take a text for the name of a conversation, which is handed back to the program one day, if it is one."""
    return name if _ID.fullmatch(name) else None
