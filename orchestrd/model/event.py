"""Events: stored facts in the past tense, numbered without a gap over the whole home.

One struct for all: the ten named keys stand on every line, null where they do not apply; what a type needs beyond them
stands behind and is left out where it is unset. Fields are only ever added.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from orchestrd.model.ids import SessionId
from orchestrd.model.words import Authority, Receipt


class EventType(StrEnum):
    """Every kind of event."""

    STATE_CHANGED = "state_changed"  # from, to: states; creation is from null; source: the reaction; text: what stayed
    ACTIVITY_CHANGED = "activity_changed"  # from, to: activities; source, text
    LIVENESS_CHANGED = "liveness_changed"  # from, to: livenesses; source, text
    STUCK_CHANGED = "stuck_changed"  # to is `stuck`: at work without progress; from `stuck`: progress, or no more work
    MESSAGE_QUEUED = "message_queued"  # message
    MESSAGE_SETTLED = "message_settled"  # message, receipt, error
    DECISION_CHANGED = "decision_changed"  # from, to: ids of what it waits for; text: what is asked
    DECISION_ANSWERED = "decision_answered"  # message: the id of the decision; text: the choice; receipt, error
    CHANGE_CHANGED = "change_changed"  # from, to: words of the pull request; source: the forge; text: what else is new
    REACTION_FIRED = "reaction_fired"  # source: its name; to: the act; message: the key of the attempt; text
    REACTION_FAILED = "reaction_failed"  # source; message: the attempt that came to nothing; error
    REACTION_ESCALATED = "reaction_escalated"  # source; text: why a person is told
    REACTION_CLEARED = "reaction_cleared"  # source: its condition holds no more, and its budget is new
    NOTICE_TOLD = "notice_told"  # message: its key; to: the channels, null: there is none for it; text
    NOTICE_FAILED = "notice_failed"  # message: its key; to: the channels over which it was told; error
    MERGE_SETTLED = "merge_settled"  # source: the reaction; to: merged, refused or unknown; text: the commit; error
    VERIFIED = "verified"  # to: `green` or `red`; exit_code; text: the end of its output; error
    COMMAND_RUN = "command_run"  # source: the reaction; exit_code; text: the end of its output; error
    SPAWNED_ANOTHER = "spawned_another"  # source: the reaction; to: the id of the other session; error
    KILL_FAILED = "kill_failed"  # error names what survived
    RECORD_REPLACED = "record_replaced"  # an outside edit was adopted: to, reason, activity, liveness as they are now
    RECORD_REJECTED = "record_rejected"  # an outside edit was not: error, path of the copy where there is one
    COMMAND_REJECTED = "command_rejected"  # a spooled command was not obeyed: error, path of an unreadable one
    DAEMON_STARTED = "daemon_started"  # epoch, pid
    DAEMON_STOPPED = "daemon_stopped"  # epoch, pid: a graceful stop
    PROBE_FAILING = "probe_failing"  # source (the runtime), error
    PROBE_RECOVERED = "probe_recovered"
    BREAKER_TRIPPED = "breaker_tripped"  # source (the runtime), text
    VOID = "void"  # a number whose commit never became durable: shown to nobody, meaning nothing


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. `sequence` is 0 until the store numbers it, at commit."""

    sequence: int
    at: datetime | None
    session: SessionId | None
    generation: int | None
    type: EventType
    from_: str | None = field(name="from")
    to: str | None
    reason: str | None
    authority: Authority | None
    revision: int | None
    name: str | None = None
    source: str | None = None
    text: str | None = None
    activity: str | None = None
    liveness: str | None = None
    message: str | None = None
    receipt: Receipt | None = None
    exit_code: int | None = None
    exit_signal: str | None = None
    error: str | None = None
    screen: str | None = None
    path: str | None = None
    epoch: int | None = None
    pid: int | None = None


def void(sequence: int) -> Event:
    """Fill a number whose commit never became durable."""
    return Event(
        sequence=sequence,
        at=None,
        session=None,
        generation=None,
        type=EventType.VOID,
        from_=None,
        to=None,
        reason=None,
        authority=None,
        revision=None,
    )
