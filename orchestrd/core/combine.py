"""Inputs that wait in one mailbox become one commit: up to and including the first that changes the state."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.core.step import Refusal, step
from orchestrd.model.command import Input
from orchestrd.model.event import Event, EventType
from orchestrd.model.instant import Instant
from orchestrd.model.observation import Evidence
from orchestrd.model.session import Session
from orchestrd.model.words import Receipt


class Combined(Struct, frozen=True, kw_only=True):
    """What `taken` of the inputs come to. `draft` is what to commit, or null when there is nothing worth it."""

    draft: Session | None
    evidence: Evidence
    replies: tuple[Refusal | Receipt | None, ...]
    taken: int


def combine(session: Session | None, evidence: Evidence, inputs: Sequence[Input], now: Instant) -> Combined:
    """Step through the inputs as far as one commit may go.

    An input that implies an earlier change (an exit that implies the start) ends the commit without being taken.
    """
    newest = session
    events: list[Event] = []
    replies: list[Refusal | Receipt | None] = []
    for input_ in inputs:
        outcome = step(newest, evidence, input_, now)
        newest, evidence = outcome.session, outcome.evidence
        events += outcome.events
        if outcome.consumed:
            replies.append(outcome.reply)
        if any(event.type is EventType.STATE_CHANGED for event in outcome.events):
            break
    draft = None
    if newest is not None and (events or newest != session):
        draft = replace(newest, events=(*newest.events, *events))
    return Combined(draft=draft, evidence=evidence, replies=tuple(replies), taken=len(replies))
