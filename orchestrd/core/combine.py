"""Inputs that wait in one mailbox become one commit: up to and including the first that changes the state."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.core.step import USUAL, Refusal, step
from orchestrd.model.command import Input, Replaced
from orchestrd.model.event import Event, EventType
from orchestrd.model.instant import Instant
from orchestrd.model.observation import Evidence
from orchestrd.model.session import Session
from orchestrd.model.thresholds import Thresholds
from orchestrd.model.words import Receipt

ENDS_A_COMMIT = frozenset({EventType.STATE_CHANGED, EventType.RECORD_REPLACED})


class Combined(Struct, frozen=True, kw_only=True):
    """What the first of the inputs come to, as many as there are replies.

    `draft` is what to commit, or null when there is nothing worth it. With no reply at all there is a draft: the first
    input implied an earlier change, and is to be offered again after its commit.
    """

    draft: Session | None
    evidence: Evidence
    replies: tuple[Refusal | Receipt | None, ...]


def combine(
    session: Session | None,
    evidence: Evidence,
    inputs: Sequence[Input],
    now: Instant,
    thresholds: Thresholds = USUAL,
) -> Combined:
    """Step through the inputs as far as one commit may go.

    An input that implies an earlier change (an exit that implies the start) ends the commit without being taken, if
    that really changes anything: nothing is offered for ever. What another hand put on disk begins a commit of its own,
    for what was decided before it stood on another record.
    """
    newest = session
    events: list[Event] = []
    replies: list[Refusal | Receipt | None] = []
    for input_ in inputs:
        if replies and isinstance(input_, Replaced):
            break
        before = newest
        outcome = step(before, evidence, input_, now, thresholds)
        newest, evidence = outcome.session, outcome.evidence
        events += outcome.events
        if not outcome.consumed and newest != before:
            break
        replies.append(outcome.reply)
        if any(event.type in ENDS_A_COMMIT for event in outcome.events):
            break
    draft = None
    if newest is not None and (events or newest != session):
        draft = replace(newest, events=(*newest.events, *events))
    return Combined(draft=draft, evidence=evidence, replies=tuple(replies))
