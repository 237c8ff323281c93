"""The conversation of a session's agent, told from the transcript that the agent itself keeps; no daemon is needed.

Where it lies depends on the environment the agent was given, whose values stand in the session's secrets: only who may
read these finds it. A transcript grows by whole lines, and may be replaced; an agent may also begin another one.
"""

import glob
import os
from collections.abc import Iterator

from orchestrd.core.conversation import Conversation, transcript_pattern
from orchestrd.core.layout import Layout
from orchestrd.core.lines import whole_lines
from orchestrd.core.rollout import RolloutConversation, rollout_pattern
from orchestrd.core.terminal import has_terminal
from orchestrd.model.document import Document
from orchestrd.model.limits import TRANSCRIPT_READ_BYTES_MAX

KEEPERS = {  # agents whose transcripts can be told, by whom, and where they lie; ...
    "claude": (Conversation, transcript_pattern),
    "codex": (RolloutConversation, rollout_pattern),
}
RESUMING = KEEPERS.keys() | {"gemini", "opencode"}  # ... and those that, revived, go on with a conversation
ANOTHER = "[another conversation]"


def keeps_transcript(told: Document) -> bool:
    """Tell whether a session's agent writes its conversation down; where it is hosted, that is its output anyway."""
    return told.agent in KEEPERS and has_terminal(told.runtime)


def has_conversation(told: Document) -> bool:
    """Tell whether a session's agent has a conversation to go on with, where its disk holds one."""
    return told.agent in RESUMING


class Transcript:
    """What is told of one session, entry by entry, from the beginning on and as it grows."""

    def __init__(self, layout: Layout, told: Document) -> None:
        self._layout = layout
        self._told = told
        self._path: str | None = None
        self._position = 0
        self._conversation = KEEPERS[told.agent][0]()

    def more(self) -> Iterator[str]:
        """Give what has come since; nothing while the file is not there."""
        self._path = self._path or _path_of(self._layout, self._told)
        while self._path is not None and (lines := self._fresh_lines(self._path)) is not None:
            for line in lines:
                yield from self._conversation.tell(line)

    def unfinished(self) -> tuple[str, ...]:
        """Give what has been begun and has no result yet."""
        return self._conversation.unfinished()

    def turn_to(self, told: Document) -> Iterator[str]:
        """Take the session as it is now: where its agent has begun another conversation, that is told next."""
        is_another = told.conversation != self._told.conversation
        self._told = told
        if is_another:
            yield from (*self.unfinished(), ANOTHER)
            self._path, self._position, self._conversation = None, 0, KEEPERS[told.agent][0]()

    def _fresh_lines(self, path: str) -> tuple[bytes, ...] | None:
        """Read the next whole lines; null at the present end, or where nothing can be read."""
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - one file, one call
                if os.fstat(file.fileno()).st_size < self._position:  # it was written anew
                    self._position = 0
                before = min(self._position, 1)
                file.seek(self._position - before)
                data = file.read(before + TRANSCRIPT_READ_BYTES_MAX)
        except OSError:
            return None
        bound = TRANSCRIPT_READ_BYTES_MAX
        lines, position = whole_lines(data, before, self._position, read_max=bound, line_max=bound)
        has_moved, self._position = position != self._position, position
        return lines if has_moved else None


def _path_of(layout: Layout, told: Document) -> str | None:
    """Find the transcript; where several folders hold one of that name, it is the one that was written last."""
    from orchestrd.store.attachments import FileAttachments

    if told.conversation is None:
        return None
    pattern = KEEPERS[told.agent][1](FileAttachments(layout).read_secret(told.id), told.conversation)
    if pattern is None:
        return None
    found = glob.glob("*".join(map(glob.escape, pattern.split("*"))))  # noqa: PTH207 - strings, as all of the layout
    return max(found, key=_written_at, default=None)


def _written_at(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - as above
    except OSError:
        return 0
