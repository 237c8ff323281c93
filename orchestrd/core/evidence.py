"""What an agent is doing, from what its witnesses say; and who is believed when they differ.

A witness seldom knows one activity: a spinner in a title means working, or retrying at a usage limit; its absence means
waiting or blocked. So a testimony names every activity its word agrees with, and words are fused by narrowing each
other down. Where two words cannot both be true,

- the newer one is believed, if it is newer by more than WITNESS_LAG_S: the other has missed an edge, and no witness
  sees all of them (hooks miss every interrupt and every answered dialog; a state file may stop being written);
- else the one of higher rank: within that time both tell of the same edge, and one is late.

So one lost hook or one frozen file is outlived by whoever goes on looking. What hooks only told, and that nobody who
looks agrees with, is not believed for ever either: `working` is no more than WORKING_TRUSTED_S old, and `limited`,
whose end no witness tells, no more than LIMIT_TRUSTED_S. Silence means nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.model.limits import HEARD_PROMPTS_MAX, LIMIT_TRUSTED_S, WITNESS_LAG_S, WORKING_TRUSTED_S
from orchestrd.model.observation import Evidence, Heard, Testimony
from orchestrd.model.words import Activity

SESSION_FILE, HOOK, REPORT, TITLE, TRANSCRIPT, SCREEN, RECORD = RANKS = (
    "session_file",  # the agent's own account of its state, kept for each process
    "hook",  # lines its hooks append to hooks.jsonl
    "report",  # the same, by `orch report`
    "title",  # of its terminal
    "transcript",  # of its conversation
    "screen",  # what its terminal shows
    "record",  # the last verdict of an earlier daemon
)
TYPING = "typing"  # no witness, but the source of an activity that is open: a message is being typed right now
SILENCE = "silence"  # no witness either: whoever spoke last does so no more
LOOKED_AT = frozenset({SESSION_FILE, TITLE, SCREEN})  # seen anew at each look; the others are heard of once
_A_LIMIT = frozenset({Activity.LIMITED})
TELLS_MOST = (HOOK, REPORT, SCREEN, TRANSCRIPT, SESSION_FILE, RECORD)  # whose text a person wants to read


class Verdict(Struct, frozen=True, kw_only=True):
    """What the witnesses come to. `agreeing` are believed, highest rank first; `overruled` are not."""

    activity: Activity
    source: str  # who stands for all that agree
    at: datetime  # since when, by its word
    text: str | None = None
    agreeing: tuple[str, ...] = ()
    overruled: tuple[str, ...] = ()


def hear(evidence: Evidence, testimony: Testimony, now: datetime) -> Evidence:
    """Take in the last word of one witness; one that says nothing any more is no witness.

    What was only heard and is overruled by it has been overtaken, and is forgotten: or it would be believed again as
    soon as the newer word is taken back.
    """
    others = tuple(known for known in evidence.testimonies if known.observer != testimony.observer)
    if testimony.prompt is not None:
        heard = Heard(at=testimony.at or now, text=one_spaced(testimony.prompt))
        evidence = replace(evidence, prompts=(*evidence.prompts, heard)[-HEARD_PROMPTS_MAX:])
    if not testimony.allows:
        return replace(evidence, testimonies=others)
    dated = replace(testimony, at=testimony.at or now, prompt=None)
    kept = (known for known in others if known.observer in LOOKED_AT or not _overrules(dated, known))
    return replace(evidence, testimonies=(*kept, dated))


def judge(testimonies: Sequence[Testimony], now: datetime, after: datetime | None = None) -> Verdict | None:
    """Fuse what is known into one verdict; null where nobody says anything. `after`: older words do not count."""
    believable = [said for said in testimonies if after is None or _at(said) >= after]
    believable = [said for said in believable if not _is_stale(said, believable, now)]
    standing = by_rank(said for said in believable if not any(_overrules(other, said) for other in believable))
    if not standing:
        return None
    allowed, agreeing = frozenset(Activity), []
    for said in standing:
        if both := _shared(allowed, frozenset(said.allows)):
            allowed = both
            agreeing.append(said)
    names = tuple(said.observer for said in agreeing)
    speaker = next((said for said in agreeing if frozenset(said.allows) == allowed), agreeing[0])
    return Verdict(
        activity=_only(allowed),
        source=speaker.observer,
        at=_at(speaker),
        text=_text(agreeing),
        agreeing=names,
        overruled=tuple(said.observer for said in testimonies if said.observer not in names),
    )


def by_rank(testimonies: Iterable[Testimony]) -> list[Testimony]:
    """Order testimonies, the one that is believed most first."""
    return sorted(testimonies, key=lambda said: RANKS.index(said.observer))


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


def _at(said: Testimony) -> datetime:
    assert said.at is not None, "what was heard has its time"
    return said.at


def _age_s(said: Testimony, now: datetime) -> float:
    return (now - _at(said)).total_seconds()


def _overrules(newer: Testimony, older: Testimony) -> bool:
    is_newer = (_at(newer) - _at(older)).total_seconds() > WITNESS_LAG_S
    return is_newer and not _shared(frozenset(newer.allows), frozenset(older.allows))


def _shared(one: frozenset[Activity], other: frozenset[Activity]) -> frozenset[Activity]:
    """Give what two words have in common. A limit they merely do not exclude, at work or at rest, is nothing."""
    both = one & other
    return both if both != _A_LIMIT or _A_LIMIT in (one, other) else frozenset()


def _is_stale(said: Testimony, all_said: Sequence[Testimony], now: datetime) -> bool:
    """A turn that was only heard to begin, long ago, by ear alone; or a limit of long ago, whose end nobody tells."""
    if said.observer not in (HOOK, TRANSCRIPT, RECORD):
        return False
    if said.allows == (Activity.LIMITED,):
        return _age_s(said, now) > LIMIT_TRUSTED_S
    if said.allows != (Activity.WORKING,) or _age_s(said, now) <= WORKING_TRUSTED_S:
        return False
    return not any(seen.observer in LOOKED_AT and Activity.WORKING in seen.allows for seen in all_said)


def _only(allowed: frozenset[Activity]) -> Activity:
    """Name what is left. A limit is never guessed; what may be two different things is not known."""
    certain = allowed - {Activity.LIMITED} or allowed
    return next(iter(certain)) if len(certain) == 1 else Activity.UNKNOWN


def _text(agreeing: Sequence[Testimony]) -> str | None:
    by_observer = {said.observer: said.text for said in agreeing}
    return next((text for name in TELLS_MOST if (text := by_observer.get(name))), None)
