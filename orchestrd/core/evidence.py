"""What an agent is doing, from what its witnesses say; and who is believed when they differ.

A witness seldom knows one activity: a spinner in a title means working, or retrying at a usage limit; its absence means
waiting or blocked. So a testimony names every activity its word agrees with, and words are fused by narrowing each
other down. Where two words cannot both be true,

- the newer one is believed, if it is newer by more than WITNESS_LAG_S: the other has missed an edge, and no witness
  sees all of them (hooks miss every interrupt and every answered dialog; a state file may stop being written);
- else the one of higher rank, by the order of its agent: within that time both tell of the same edge, and one is late.
  But where both still stand WITNESS_LAG_S later, none was late: the older one has missed an edge, unless it is looked
  at anew and the newer one was only heard (a hook may be slow, and tell of what is over already).

So one lost edge is outlived by whoever goes on looking or hears of the next one, whichever of the two it was. A word
that was only heard is believed for as long as its agent trusts its witness, or as what is looked at agrees with it; a
usage limit until it ends, or LIMIT_TRUSTED_S where nobody told when. When nothing is left, nobody knows.

Silence means nothing; and `blocked` is never what merely remains of two vague words: somebody must have said just that.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.model.agent import Trust
from orchestrd.model.limits import (
    HEARD_PROMPTS_MAX,
    LIMIT_TRUSTED_S,
    WITNESS_LAG_S,
    WITNESSES_MAX,
    WORKING_TRUSTED_S,
)
from orchestrd.model.observation import Evidence, Heard, Testimony
from orchestrd.model.session import Session
from orchestrd.model.words import Activity

# Observers. How much each is believed is for its agent to say.
SESSION_FILE = "session_file"  # the agent's own account of its state, kept for each process
HOST = "host"  # whoever hosts it by its structured protocol
PROVIDER = "provider"  # of its model, of a usage limit, as its host was told
PLUGIN = "plugin"  # of ours inside the agent
HOOK = "hook"  # lines its hooks append to hooks.jsonl
REPORT = "report"  # the same, by `orch report`
OSC = "osc"  # what it tells its terminal of its state
TITLE = "title"  # of its terminal
TRANSCRIPT = "transcript"  # of its conversation
SCREEN = "screen"  # what its terminal shows
RECORD = "record"  # the last verdict of an earlier daemon, and believed least
TYPING = "typing"  # no witness, but the source of an activity that is open: a message is being typed right now
SILENCE = "silence"  # no witness either: whoever spoke last does so no more
LOOKED_AT = frozenset({SESSION_FILE, TITLE, SCREEN})  # seen anew at each look; the others are heard of once
_A_LIMIT = frozenset({Activity.LIMITED})
_A_DECISION = frozenset({Activity.BLOCKED})
TELLS_MOST = (HOST, PLUGIN, HOOK, REPORT, SCREEN, TRANSCRIPT, SESSION_FILE, RECORD)  # whose text a person wants to read
_RANK_OF_RECORD = WITNESSES_MAX + 1


class Verdict(Struct, frozen=True, kw_only=True):
    """What the witnesses come to. `agreeing` are believed, highest rank first; `overruled` are not."""

    activity: Activity
    source: str  # who stands for all that agree
    at: datetime  # since when, by its word
    text: str | None = None
    limited_until: datetime | None = None  # of a usage limit, where anybody told
    agreeing: tuple[str, ...] = ()
    overruled: tuple[str, ...] = ()


def ranked(said: Testimony, witnesses: Sequence[Trust]) -> Testimony:
    """Mark a word with what its agent makes of its witness; one that the agent does not name is believed least."""
    for rank, trust in enumerate(witnesses):
        if trust.observer == said.observer:
            return replace(said, rank=rank, trusted_s=trust.trusted_s)
    return said


def recorded(session: Session, now: datetime) -> Testimony:
    """Take the verdict of an earlier daemon for one more witness. What is at rest stays so; a turn goes on or not."""
    since = session.activity_since or now
    unwatched_s = max(0.0, (now - since).total_seconds())
    return Testimony(
        observer=RECORD,
        allows=(session.activity,),
        at=since,
        text=session.activity_text,
        limited_until=session.limited_until,
        rank=_RANK_OF_RECORD,
        trusted_s=unwatched_s + WORKING_TRUSTED_S if session.activity is Activity.WORKING else None,
    )


def still_limited(session: Session, evidence: Evidence, now: datetime) -> Testimony:
    """Take what is on record of a usage limit for a witness: nobody need tell of it again for it to go on."""
    told = (said.text for said in evidence.testimonies if frozenset(said.allows) == _A_LIMIT)
    return Testimony(
        observer=RECORD,
        allows=(Activity.LIMITED,),
        at=now,
        text=next(told, session.activity_text),
        limited_until=session.limited_until,
        rank=_RANK_OF_RECORD,
    )


def hear(evidence: Evidence, testimony: Testimony, now: datetime) -> Evidence:
    """Take in the last word of one witness; one that says nothing any more is no witness.

    What was only heard and is overruled by it has been overtaken, and is forgotten: or it would be believed again as
    soon as the newer word is taken back. So is all that was heard of an agent that has gone, whatever else of its run
    goes on: a shell that stands in its terminal waits for nothing of ours.
    """
    others = tuple(known for known in evidence.testimonies if known.observer != testimony.observer)
    if testimony.prompt is not None:
        heard = Heard(at=testimony.at or now, text=one_spaced(testimony.prompt))
        evidence = replace(evidence, prompts=(*evidence.prompts, heard)[-HEARD_PROMPTS_MAX:])
    if testimony.is_farewell:
        seen = tuple(known for known in others if known.observer in LOOKED_AT)
        return replace(evidence, testimonies=seen, gone_at=testimony.at or now)
    if not testimony.allows:
        return replace(evidence, testimonies=others)
    if testimony.observer not in LOOKED_AT and _is_of_who_has_gone(testimony, evidence):
        return evidence
    dated = replace(testimony, at=testimony.at or now, prompt=None, text=_text_of(testimony, evidence))
    kept = (known for known in others if known.observer in LOOKED_AT or not _overrules(dated, known, now))
    return replace(evidence, testimonies=(*kept, dated)[-WITNESSES_MAX:])


def judge(testimonies: Sequence[Testimony], now: datetime, after: datetime | None = None) -> Verdict | None:
    """Fuse what is known into one verdict; null where nobody says anything. `after`: older words do not count."""
    believable = [said for said in testimonies if after is None or _at(said) >= after]
    believable = [said for said in believable if not _is_stale(said, believable, now)]
    standing = by_rank(said for said in believable if not any(_overrules(other, said, now) for other in believable))
    if not standing:
        return None
    allowed, agreeing = frozenset(Activity), []
    for said in standing:
        if both := _shared(allowed, frozenset(said.allows)):
            allowed = both
            agreeing.append(said)
    names = tuple(said.observer for said in agreeing)
    speaker = next((said for said in agreeing if frozenset(said.allows) == allowed), agreeing[0])
    activity = _only(allowed, agreeing)
    return Verdict(
        activity=activity,
        source=speaker.observer,
        at=_at(speaker),
        text=_text(agreeing),
        limited_until=_limit_end(agreeing) if activity is Activity.LIMITED else None,
        agreeing=names,
        overruled=tuple(said.observer for said in testimonies if said.observer not in names),
    )


def by_rank(testimonies: Iterable[Testimony]) -> list[Testimony]:
    """Order testimonies, the one that is believed most first."""
    return sorted(testimonies, key=lambda said: (said.rank, said.observer))


def rule_of(verdict: Verdict) -> str:
    """Say why a verdict is what it is."""
    names = ", ".join(verdict.agreeing)
    if verdict.activity is Activity.UNKNOWN:
        said = f"{names} cannot tell what exactly it is, and nobody else can"
    elif len(verdict.agreeing) == 1:
        said = f"{names} said {verdict.activity}, the newest word there is"
    else:
        said = f"{names} agree on {verdict.activity}"
    return f"{said}; older, or of lower rank: {', '.join(verdict.overruled)}" if verdict.overruled else said


def was_heard(evidence: Evidence, text: str, since: datetime) -> bool:
    """Tell whether the agent was seen to take this text, alone or behind a draft that stood in its box already."""
    wanted = one_spaced(text)
    return any(heard.at >= since and heard.text.endswith(wanted) for heard in evidence.prompts)


def one_spaced(text: str) -> str:
    """Write a text so that only its words count: a terminal may wrap it, an agent trim it."""
    return " ".join(text.split())


def _is_of_who_has_gone(said: Testimony, evidence: Evidence) -> bool:
    return evidence.gone_at is not None and said.at is not None and said.at <= evidence.gone_at


def _text_of(said: Testimony, evidence: Evidence) -> str | None:
    """Give its text. One that was heard to say the same again, and tells less, takes no text away."""
    if said.text or said.observer in LOOKED_AT or said.is_turn_over:
        return said.text
    same = (known for known in evidence.testimonies if (known.observer, known.allows) == (said.observer, said.allows))
    return next((known.text for known in same), said.text)


def _at(said: Testimony) -> datetime:
    assert said.at is not None, "what was heard has its time"
    return said.at


def _age_s(said: Testimony, now: datetime) -> float:
    return (now - _at(said)).total_seconds()


def _overrules(newer: Testimony, older: Testimony, now: datetime) -> bool:
    """Tell whether one word shows that another has missed an edge."""
    lead_s = (_at(newer) - _at(older)).total_seconds()
    if lead_s <= 0 or _agree(newer, older):
        return False
    may_be_late = newer.observer not in LOOKED_AT and older.observer in LOOKED_AT
    return lead_s > WITNESS_LAG_S or (not may_be_late and _age_s(newer, now) > WITNESS_LAG_S)


def _agree(one: Testimony, other: Testimony) -> bool:
    return bool(_shared(frozenset(one.allows), frozenset(other.allows)))


def _shared(one: frozenset[Activity], other: frozenset[Activity]) -> frozenset[Activity]:
    """Give what two words have in common. A limit they merely do not exclude, at work or at rest, is nothing."""
    both = one & other
    return both if both != _A_LIMIT or _A_LIMIT in (one, other) else frozenset()


def _is_stale(said: Testimony, all_said: Sequence[Testimony], now: datetime) -> bool:
    """Tell whether a word is believed no longer; what is looked at is said anew by each look, or taken back."""
    if frozenset(said.allows) == _A_LIMIT:
        return now >= said.limited_until if said.limited_until else _age_s(said, now) > LIMIT_TRUSTED_S
    if said.observer in LOOKED_AT or said.trusted_s is None or _age_s(said, now) <= said.trusted_s:
        return False
    return not any(seen.observer in LOOKED_AT and _agree(seen, said) for seen in all_said)


def _only(allowed: frozenset[Activity], agreeing: Sequence[Testimony]) -> Activity:
    """Name what is left. A limit is never guessed, nor is a decision; what may be two different things is not known."""
    certain = allowed - _A_LIMIT or allowed
    if certain == _A_DECISION and all(frozenset(said.allows) != _A_DECISION for said in agreeing):
        return Activity.UNKNOWN
    return next(iter(certain)) if len(certain) == 1 else Activity.UNKNOWN


def _limit_end(agreeing: Sequence[Testimony]) -> datetime | None:
    """Give when the limit ends by the one who told last; one who only saw that there is a limit tells nothing of it."""
    told = [said for said in agreeing if said.limited_until is not None]
    return max(told, key=_at).limited_until if told else None


def _text(agreeing: Sequence[Testimony]) -> str | None:
    by_observer = {said.observer: said.text for said in agreeing}
    return next((text for name in TELLS_MOST if (text := by_observer.get(name))), None)
