"""Reactions: a condition, what is done while it holds, and the budget for that; and the ledger of what was done.

A reaction is configuration. Its *episode* is the time in which its condition holds, for one session: it stands in the
session's record, so that neither a restart nor a crash forgets what was done already, or does it again.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from orchestrd.model.change import Checks, Mergeable, Pr, Review
from orchestrd.model.instant import Instant
from orchestrd.model.notice import Priority
from orchestrd.model.words import Activity, Reason, State, Until


class Act(StrEnum):
    """What a reaction does."""

    SEND = "send"  # say something to the agent
    NOTIFY = "notify"  # tell a person
    MERGE = "merge"  # merge its pull request, as it was seen to be ready
    STOP = "stop"
    REVIVE = "revive"
    SPAWN = "spawn"  # begin another session
    RUN = "run"  # run a command in its workspace


class MergeMethod(StrEnum):
    """How a forge puts a change into its base."""

    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"


class Refusal(StrEnum):
    """Why a forge does not merge, where it says so."""

    NOT_READY = "not_ready"  # it lacks what the next look tells of: a check, a review, a merge without conflicts
    MOVED = "moved"  # another commit came in between, on the branch or on its base
    METHOD = "method"  # it cannot be merged in this way, or may not be
    RULE = "rule"  # a rule of the repository is against it, whatever is waited for
    RIGHT = "right"  # whoever asks may not
    PLACE = "place"  # nothing is merged into this repository from here
    NOTHING = "nothing"  # its base has all that it brings


class Condition(Struct, frozen=True, kw_only=True):
    """What must be so, all of it; what is null or empty does not matter. Of several words any one will do.

    What is not known is neither so nor not so: then nothing is done, and nothing ends.
    """

    state: tuple[State, ...] = ()
    reason: tuple[Reason, ...] = ()
    activity: tuple[Activity, ...] = ()
    until: tuple[Until, ...] = ()  # what ends the session
    agent: tuple[str, ...] = ()
    pr: tuple[Pr, ...] = ()
    checks: tuple[Checks, ...] = ()
    review: tuple[Review, ...] = ()
    mergeable: tuple[Mergeable, ...] = ()
    remarks: bool | None = None  # something that reviewers said is not settled
    stuck: bool | None = None
    verified: bool | None = None  # the newest verification is green; false: it is red
    silent_s: float | None = None  # it has done nothing else for that long
    unread_s: float | None = None  # a message to it has not been typed for that long
    age_s: float | None = None  # it was begun that long ago
    cost_usd: float | None = None  # it has cost that much, at least
    tokens: int | None = None  # the same, in tokens of all kinds
    all_ended: bool | None = None  # every session has ended, this one last


class Reaction(Struct, frozen=True, kw_only=True):
    """One reaction, as it holds. Texts are templates: `orchestrd.core.template` knows what may stand in them."""

    name: str
    when: Condition
    act: Act
    is_on: bool = True
    text: str = ""  # of what is sent, told or spawned with; empty: one is made of what is known
    command: str = ""  # what is run
    agent: str = ""  # that is spawned; empty: the same
    method: MergeMethod = MergeMethod.SQUASH
    priority: Priority = Priority.INFO  # of what is told
    after_s: float = 0.0  # so long it must hold first
    attempts: int = 1  # how often it is done, for one key: a commit where there is one, else the generation
    every_s: float = 600.0  # from one attempt to the next, at first ...
    backoff: float = 2.0  # ... and each time so many times longer
    rounds: int = 10  # with so many keys, before the condition was clear
    escalation: Priority | None = Priority.URGENT  # a person is told when the budget is spent; null: nobody is
    escalate_after_s: float | None = None  # or when it has held for so long
    taken_at: datetime | None = None  # since when it holds, in this form; null: since the daemon started


class Episode(Struct, frozen=True, kw_only=True):
    """The time in which the condition of one reaction holds, and what was done in it."""

    reaction: str
    key: str  # what the budget belongs to
    since: Instant
    key_since: Instant | None = None  # since when it has this key
    round: int = 1  # how many keys there were of which somebody was told, and this one
    tries: int = 0  # in all of it; numbers the attempts, so that no two have one name
    attempts: int = 0  # that were made for this key, or are under way
    failures: int = 0  # that came to nothing since the last that did not, for this key
    tried_at: Instant | None = None
    in_flight: str | None = None  # the message or the effect of the newest attempt, until it is over
    is_escalated: bool = False
    cleared_at: datetime | None = None  # it was seen not to hold then, once: ends with another such look
    error: str | None = None  # what became of the newest attempt
    refused: str | None = None  # that was refused for good, in the words of who did, if any: there is no other


class Seen(Struct, frozen=True, kw_only=True):
    """What a decision about a reaction needs beside the session's record. Null: not since the daemon started."""

    looked_at: datetime | None = None  # when a look at its run was last over, whatever that has seen
    change_at: datetime | None = None  # when the forge last told of its change
    is_last: bool = False  # every session has ended, this one last


class MergeOrder(Struct, frozen=True, kw_only=True):
    """Merge this commit and no other, if a look right before finds it as ready as it was."""

    repository: str
    number: int | None
    branch: str
    base: str | None
    head: str
    method: MergeMethod
    when: Condition  # what must still be so; only what it says of the change


class SpawnOrder(Struct, frozen=True, kw_only=True):
    """Begin another session in the same project."""

    agent: str
    prompt: str
