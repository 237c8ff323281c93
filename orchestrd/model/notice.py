"""Notices: what a person is told, once a need, over the channels that its priority is routed to."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from orchestrd.model.ids import SessionId


class Priority(StrEnum):
    """How much it matters, the least first."""

    INFO = "info"  # good to know
    WARNING = "warning"  # something goes wrong, and is being dealt with
    ACTION = "action"  # a person may do something now
    URGENT = "urgent"  # nothing goes on without a person

    @property
    def rank(self) -> int:
        """Its place among them: what matters more has a higher one."""
        return tuple(Priority).index(self)


class Notice(Struct, frozen=True, kw_only=True):
    """One notice. `key` is the same for the same need, so that whoever is told twice can tell."""

    key: str
    priority: Priority
    title: str  # one line
    text: str
    at: datetime
    session: SessionId | None = None
    reaction: str | None = None
    url: str | None = None


class Notices(Struct, frozen=True, kw_only=True):
    """What a webhook is posted and a command reads: one notice, or several that are told together."""

    schema: int = 1
    notices: tuple[Notice, ...]
