"""The lines that a host appends to hooks.jsonl, whichever agent it hosts: what each edge means (`orchestrd/hosting`).

    {"at":1795231637.024579,"host":{"edge":"over","text":"Done.", ...}}

A host is told by the agent itself, so its word is exact: of all witnesses it is believed first, until its next word.
Of a usage limit it passes on what the provider has said: when that has passed, the agent waits, as it has all the time.
"""

from msgspec import Struct

from orchestrd.agents.reports import sane_time
from orchestrd.agents.reset_times import reset_time
from orchestrd.core.conversation import conversation_id
from orchestrd.core.evidence import HOST, PROVIDER
from orchestrd.core.launch import decode_record
from orchestrd.model.agent import Trust
from orchestrd.model.decision import Decision
from orchestrd.model.observation import Testimony
from orchestrd.model.spending import Spent
from orchestrd.model.words import Activity

HOST_TRUST, PROVIDER_TRUST = Trust(HOST), Trust(PROVIDER)

_EDGES = {
    "ready": (Activity.WAITING,),
    "turn": (Activity.WORKING,),
    "words": (Activity.WORKING,),
    "tool": (Activity.WORKING,),
    "retry": (Activity.WORKING, Activity.LIMITED),
    "asked": (Activity.BLOCKED,),
    "answered": (Activity.WORKING,),
    "over": (Activity.WAITING,),
    "failed": (Activity.WAITING,),
    "interrupted": (Activity.WAITING,),
    "limited": (Activity.WAITING, Activity.LIMITED),
}


class _Fact(Struct, frozen=True, kw_only=True):
    edge: str
    text: str | None = None
    prompt: str | None = None
    conversation: str | None = None
    decision: Decision | None = None
    until: float | None = None
    spent: tuple[Spent, ...] = ()
    version: str | None = None


class _Line(Struct, frozen=True, kw_only=True):
    at: float
    host: _Fact


def read_host(line: bytes, offset: int) -> Testimony | None:
    """Tell what a line of hooks.jsonl that ends at `offset` says, or null when no host has written it."""
    told = decode_record(line, _Line) if b'"host"' in line else None
    allows = None if told is None else _EDGES.get(told.host.edge)
    if told is None or allows is None:
        return None
    fact = told.host
    return Testimony(
        observer=HOST,
        allows=allows,
        at=sane_time(told.at),
        text=fact.text,
        excerpt=f"the agent said: {fact.edge}",
        is_turn_over=fact.edge == "over",
        prompt=fact.prompt,
        conversation=conversation_id(fact.conversation or ""),
        offset=offset,
        decision=fact.decision,
        spent=fact.spent,
        version=fact.version,
    )


def read_provider(line: bytes, offset: int) -> Testimony | None:
    """Tell of the limit that such a line speaks of, before its host is heard, or null where it speaks of none.

    When it ends may be said to people only: then it is read out of the words.
    """
    told = decode_record(line, _Line) if b'"limited"' in line else None
    if told is None or told.host.edge != "limited":
        return None
    at, until = sane_time(told.at), sane_time(told.host.until)
    if until is None and told.host.text and at is not None:
        until = reset_time(told.host.text, at)
    excerpt = "its provider has refused the turn"
    allows = (Activity.LIMITED,)
    return Testimony(observer=PROVIDER, allows=allows, at=at, excerpt=excerpt, limited_until=until, offset=offset)
