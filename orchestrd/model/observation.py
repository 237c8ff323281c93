"""Observations: what a bounded look at one thing returned, with observer, time and excerpt.

*Proofs* end a run: `Exited` (the launcher's exit record) and `Vanished` (the pidfd of the identity-checked process is
readable and nothing was recorded, or the run belongs to another boot). Everything else is a sample, or a fact on the
way.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

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


class Cause(StrEnum):
    """Why nobody can say how a run ended."""

    PROCESS_GONE = "process_gone"
    OTHER_BOOT = "other_boot"


class Vanished(Struct, frozen=True, kw_only=True, tag="vanished"):
    """Proof without a record: launcher and agent are gone, or the machine has booted since."""

    generation: int
    observer: str
    cause: Cause


class Reported(Struct, frozen=True, kw_only=True, tag="reported"):
    """What the agent said of itself, read from hooks.jsonl up to `offset` (bytes)."""

    generation: int
    observer: str
    activity: Activity
    text: str | None
    at: datetime
    offset: int


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


class Evidence(Struct, frozen=True, kw_only=True):
    """A session's running memory of observations. In memory only: a restart may weaken it, never strengthen it."""

    streaks: tuple[Streak, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    hooks_offset: int = 0  # how far hooks.jsonl has been taken in, committed or not


class ActivityReport(Struct, frozen=True, kw_only=True):
    """What a line of hooks.jsonl means; `at_s` is seconds since the epoch, or null where the line does not say."""

    activity: Activity
    text: str | None = None
    at_s: float | None = None
