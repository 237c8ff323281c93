"""One line of the journal as one line for a person: number, time, session, and what happened to it."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from orchestrd.model.document import Gap
from orchestrd.model.event import Event, EventType
from orchestrd.model.words import Authority
from orchestrd.render.text import NONE, moment, visible, why

REPORT = "report"  # the source that an agent itself is


def event_line(line: bytes) -> str:
    """Tell a journal line, or a gap line, to a person; a line of a newer orchestrd is shown as it stands."""
    try:
        return _told(msgspec.json.decode(line, type=Event))
    except msgspec.MsgspecError:
        return _gap(line) or visible(line.decode("utf-8", "replace").rstrip("\n"))


def _told(event: Event) -> str:
    at = NONE if event.at is None else moment(event.at)
    run = ".".join(str(part) for part in (event.session, event.generation) if part is not None) or NONE
    return visible(f"{event.sequence:>6}  {at:<20}  {run:<10}  {_SENTENCES[event.type](event)}{_details(event)}")


def _change(event: Event) -> str:
    return f"{event.to}" if event.from_ is None else f"{event.from_} -> {event.to}"


def _state(event: Event) -> str:
    because = why(event.reason, event.exit_code, event.exit_signal)
    return f"{_change(event)} ({because})" if because else _change(event)


def _activity(event: Event) -> str:
    """A report is the plain case; any other source is named."""
    source = "" if event.source in (None, REPORT) else f" ({event.source})"
    return _change(event) + source + (f": {event.text}" if event.text else "")


def _pull_request(event: Event) -> str:
    return f"pull request {event.to if event.from_ == event.to else _change(event)}"


def _verified(event: Event) -> str:
    return f"verification {event.to}" + ("" if event.exit_code is None else f" (exit code {event.exit_code})")


def _command(event: Event) -> str:
    ended = "did not end by itself" if event.exit_code is None else f"ended with exit code {event.exit_code}"
    return f"command of reaction {event.source} {ended}"


def _spawned(event: Event) -> str:
    return f"reaction {event.source} began {'no session' if event.to is None else f'session {event.to}'}"


def _details(event: Event) -> str:
    said: dict[str, Any] = {
        "by": _actor(event),
        "text:": event.text if event.type is not EventType.ACTIVITY_CHANGED else None,
        "error:": event.error,
        "copy:": event.path,
    }
    told = "; ".join(f"{what} {value}" for what, value in said.items() if value is not None)
    return f"; {told}" if told else ""


def _actor(event: Event) -> str | None:
    """Name who has done it; null: the daemon, as ever. What a reaction does it may do because a user has said so."""
    if event.type is EventType.STATE_CHANGED and event.source is not None:
        return f"reaction {event.source}"
    return event.authority if event.authority is not Authority.DAEMON else None


def _gap(line: bytes) -> str | None:
    try:
        gap = msgspec.json.decode(line, type=Gap)
    except msgspec.MsgspecError:
        return None
    return f"  gap: events {gap.from_} to {gap.to} are no longer kept"


_SENTENCES: Mapping[EventType, Callable[[Event], str]] = {
    EventType.STATE_CHANGED: _state,
    EventType.ACTIVITY_CHANGED: _activity,
    EventType.LIVENESS_CHANGED: lambda event: f"liveness {_change(event)}",
    EventType.STUCK_CHANGED: lambda event: "stuck: it works without progress" if event.to else "not stuck any more",
    EventType.MESSAGE_QUEUED: lambda event: f"message {event.message} accepted",
    EventType.MESSAGE_SETTLED: lambda event: f"message {event.message} {event.receipt}",
    EventType.DECISION_CHANGED: lambda event: "asks for a decision" if event.to else "asks for no decision any more",
    EventType.DECISION_ANSWERED: lambda event: f"answer {event.receipt}",
    EventType.CHANGE_CHANGED: _pull_request,
    EventType.REACTION_FIRED: lambda event: f"reaction {event.source}: {event.to}",
    EventType.REACTION_FAILED: lambda event: f"reaction {event.source} came to nothing",
    EventType.REACTION_ESCALATED: lambda event: f"reaction {event.source} is escalated to a person",
    EventType.REACTION_CLEARED: lambda event: f"reaction {event.source} is over: its condition holds no more",
    EventType.NOTICE_TOLD: lambda event: f"notice told over {event.to}" if event.to else "notice told to nobody",
    EventType.NOTICE_FAILED: lambda event: (
        "notice not told" if event.to is None else f"notice told over {event.to} only"
    ),
    EventType.MERGE_SETTLED: lambda event: f"merge {event.to}",
    EventType.VERIFIED: _verified,
    EventType.COMMAND_RUN: _command,
    EventType.SPAWNED_ANOTHER: _spawned,
    EventType.KILL_FAILED: lambda _: "kill failed",
    EventType.RECORD_REPLACED: lambda event: f"record replaced by another hand, now {event.to} ({event.reason})",
    EventType.RECORD_REJECTED: lambda _: "change of the record by another hand rejected",
    EventType.COMMAND_REJECTED: lambda _: "spooled command rejected",
    EventType.DAEMON_STARTED: lambda event: f"daemon {event.pid} started, epoch {event.epoch}",
    EventType.DAEMON_STOPPED: lambda event: f"daemon {event.pid} stopped, epoch {event.epoch}",
    EventType.PROBE_FAILING: lambda event: f"probe of runtime {event.source} fails",
    EventType.PROBE_RECOVERED: lambda event: f"probe of runtime {event.source} works again",
    EventType.BREAKER_TRIPPED: lambda event: f"dead samples of runtime {event.source} set aside",
    EventType.VOID: lambda _: "void: a number that was never used",
}
