"""What programs and people are told of reactions: which there are, and what each comes to for one session."""

from datetime import datetime

from msgspec import Struct

from orchestrd.model.ids import SessionId
from orchestrd.model.reaction import Episode, Reaction


class KnownReaction(Struct, frozen=True, kw_only=True):
    """One reaction. `origins`: where a user has set something of it, `file:line`; none: it is as it comes.

    `asked` and `done` are its condition and what it does, in words.
    """

    reaction: Reaction
    asked: str
    done: str
    origins: tuple[str, ...] = ()


class KnownReactions(Struct, frozen=True, kw_only=True):
    """All of them: those that a daemon goes by, or else those that the next one would."""

    reactions: tuple[KnownReaction, ...]


class JudgedReaction(Struct, frozen=True, kw_only=True):
    """What one reaction comes to for a session. `episode` is what its ledger says; null: it holds nothing of it.

    `kind` is a word of `orchestrd.core.reaction.Kind`; `again_in_s`: time alone changes it then, in seconds.
    """

    reaction: Reaction
    kind: str
    why: str
    key: str | None = None
    again_in_s: float | None = None
    episode: Episode | None = None


class JudgedSession(Struct, frozen=True, kw_only=True):
    """What every reaction comes to for one session, at a time.

    `is_recorded`: no daemon has looked; its record was taken as if all of it had just been seen.
    """

    session: SessionId
    name: str
    at: datetime
    is_recorded: bool
    judged: tuple[JudgedReaction, ...]
