"""Which lines of the journal a reader wants, and how far it has come; the same for the stream and for the disk."""

import msgspec
from msgspec import Struct

from orchestrd.model.document import Gap

GAP = "gap"  # the type of a line that tells of numbers no longer kept


class Head(Struct):
    """What must be known of a line to filter and number it; a gap has no number, but an end."""

    type: str = ""
    sequence: int | None = None
    session: str | None = None
    to: int | str | None = None

    @property
    def cursor(self) -> int:
        """The number after which a reader goes on who has seen this line."""
        return self.sequence if self.sequence is not None else int(self.to or 0)


class Choice(Struct, frozen=True, kw_only=True):
    """Lines up to a number, of some sessions, of some types; null means all. A gap is always told."""

    until: int | None = None
    sessions: frozenset[str] | None = None
    types: frozenset[str] | None = None

    @property
    def is_everything(self) -> bool:
        """Tell whether every line is wanted, whatever it is."""
        return self.until is None and self.sessions is None and self.types is None

    def takes(self, head: Head) -> bool:
        """Tell whether a line is wanted."""
        if self.until is not None and head.cursor > self.until:
            return False
        if head.type == GAP:
            return True
        return (self.sessions is None or head.session in self.sessions) and (
            self.types is None or head.type in self.types
        )


_heads = msgspec.json.Decoder(Head)


def head_of(line: bytes) -> Head:
    """Read the head of a line of the journal, or of a gap. Raises msgspec.MsgspecError for anything else."""
    return _heads.decode(line)


def gap_line(first: int, last: int) -> bytes:
    """Write the line that tells of numbers that are no longer kept, both ends included."""
    return msgspec.json.encode(Gap(from_=first, to=last))
