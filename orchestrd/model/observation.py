"""Observations: what a bounded look at one thing returned, with observer, time and excerpt.

*Proofs* end a run: `Exited` (the launcher's exit record) and `Vanished` (the pidfd of the identity-checked process is
readable and nothing was recorded, or the run belongs to another boot). Everything else is a sample, or a fact on the
way.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from orchestrd.model.change import Change
from orchestrd.model.decision import Decision
from orchestrd.model.instant import Instant
from orchestrd.model.limits import WITNESSES_MAX
from orchestrd.model.spending import Spent
from orchestrd.model.words import Activity, Liveness


class Sighted(Struct, frozen=True, kw_only=True, tag="sighted"):
    """A sample of liveness. `UNKNOWN` is a look that failed: no evidence for or against."""

    generation: int
    observer: str
    verdict: Liveness
    excerpt: str = ""


class Started(Struct, frozen=True, kw_only=True, tag="started"):
    """The start record was seen: the agent's process was there."""

    generation: int
    observer: str
    pid: int
    at: datetime


class Exited(Struct, frozen=True, kw_only=True, tag="exited"):
    """Proof: the launcher recorded the end. Exactly one of code and signal (a name, `SIGKILL`) is set."""

    generation: int
    observer: str
    exit_code: int | None
    exit_signal: str | None
    at: datetime
    error: str | None = None  # what outlived the launcher's own sweep, if anything did
    ended: int = 0  # how many processes the agent left behind that its launcher has ended
    hung_up: bool = False  # its terminal was closed under it: the server that held it ended, or somebody closed it
    setup_failed: bool = False  # the code is that of its setup command; the agent itself was never started


class Cause(StrEnum):
    """Why nobody can say how a run ended."""

    PROCESS_GONE = "process_gone"
    OTHER_BOOT = "other_boot"


class Vanished(Struct, frozen=True, kw_only=True, tag="vanished"):
    """Proof without a record: launcher and agent are gone, or the machine has booted since."""

    generation: int
    observer: str
    cause: Cause


class Testimony(Struct, frozen=True, kw_only=True):
    """What one witness says the agent is doing. Who is believed when they differ: `orchestrd.core.evidence`."""

    observer: str  # as `orchestrd.core.evidence` names them, and the order of its agent
    allows: tuple[Activity, ...]  # every activity that its word agrees with; empty: it says nothing (any more)
    at: datetime | None = None  # since when, by the witness's own clock; null: as of this look
    text: str | None = None  # for people: which tool, what is asked, which error, until when
    excerpt: str = ""  # what was seen
    is_turn_over: bool = False  # a turn has ended here; not: none has begun yet
    prompt: str | None = None  # a prompt that was submitted, whole: it confirms that a message arrived
    conversation: str | None = None  # the agent's own name of the conversation, once its disk holds it
    offset: int | None = None  # where the line ends in hooks.jsonl, if it is one
    decision: Decision | None = None  # what it is blocked on
    limited_until: datetime | None = None  # when the usage limit that it has met ends
    spent: tuple[Spent, ...] = ()
    version: str | None = None  # of the agent
    is_farewell: bool = False  # the agent itself has gone, though something of its run may stand there yet
    rank: int = WITNESSES_MAX  # of its witness in the order of its agent: the lowest number is believed most
    trusted_s: float | None = None  # if only heard, it counts for this long; null: until another word replaces it


class Reported(Struct, frozen=True, kw_only=True, tag="reported"):
    """What the witnesses of an agent's activity say since the last look, oldest first."""

    generation: int
    testimonies: tuple[Testimony, ...] = ()
    hooks_offset: int = 0  # how far hooks.jsonl has been read, bytes
    transcript_offset: int = 0  # how far the agent's own transcript has been read, bytes
    malformed: int = 0  # lines that could not be understood


class ChangeTold(Struct, frozen=True, kw_only=True, tag="change_told"):
    """A forge has told of the session's change. It is about the session, not about one run of it."""

    change: Change


class ChangeUntold(Struct, frozen=True, kw_only=True, tag="change_untold"):
    """No forge has told of the session's change, and why."""

    why: str


Observation = Sighted | Started | Exited | Vanished | Reported


class Witness(Struct, frozen=True, kw_only=True):
    """The last thing one observer said of one axis, kept for `explain`."""

    axis: str
    observer: str
    verdict: str
    at: datetime
    excerpt: str = ""


class Streak(Struct, frozen=True, kw_only=True):
    """Consecutive dead samples of one observer; `first_up_s` is on the boot-time clock."""

    observer: str
    count: int
    first_up_s: float


class Heard(Struct, frozen=True, kw_only=True):
    """A prompt that the agent was seen to take, as its witness tells it; white space counts as one space."""

    at: datetime
    text: str


class Asked(Struct, frozen=True, kw_only=True):
    """A decision that the agent was heard to wait for."""

    at: datetime
    decision: Decision


class Evidence(Struct, frozen=True, kw_only=True):
    """A session's running memory of observations. In memory only: a restart may weaken it, never strengthen it."""

    streaks: tuple[Streak, ...] = ()
    witnesses: tuple[Witness, ...] = ()  # of liveness and of the start
    testimonies: tuple[Testimony, ...] = ()  # of the activity: the last word of each witness, each with its time
    progress: Instant | None = None  # when something last came of its work; null: it does not work
    typed_at: datetime | None = None  # the last message was typed then: what is older than that is over
    over_before: datetime | None = None  # since when the turn before that message was over
    gone_at: datetime | None = None  # the agent said farewell: what it said before counts no more
    prompts: tuple[Heard, ...] = ()  # the newest few
    asked: tuple[Asked, ...] = ()  # what it waits for and holds, the newest last
    hooks_offset: int = 0  # how far hooks.jsonl has been taken in, committed or not
    transcript_offset: int = 0  # the same for the agent's transcript
    untold: str | None = None  # why no forge has told of its change
    exit: Exited | None = None  # that was proven, and is held back until it is known what it is worth
    malformed: int = 0  # lines that could not be understood
