"""Reactions: whether one is due for a session, judged from the ledger in its record and from what was seen. Pure.

Theory. An *episode* is the time in which a condition holds. It begins when that is first known, and ends only after two
different looks have found it not to hold: a condition that flaps is one episode with one budget, and what is not known
neither begins, nor feeds, nor ends one. So:

1.  *Level, not edge.* While the condition holds the reaction is tried again, up to its budget; then a person is told,
    once an episode. Nothing has to be noticed at a certain moment, so nothing is lost with an event or a restart.
2.  *A budget has a key*: what the condition is about, most of all a commit. News of it, another commit or something
    that a reviewer had not said before, has a budget of its own, for as many rounds as are allowed. What is settled
    meanwhile is no news.
3.  *Each attempt needs facts newer than the attempt before*, and its pause, which grows with each.
4.  *One commit.* `judge` is asked twice: by the reactor, whether it is worth an input, and by `step`, which counts the
    attempt and does what follows in one. So an attempt is made exactly once, whatever crashes.

A failed attempt is not one: it is tried again with the same pauses, and a person is told if that goes on; or at once,
where it was refused for good. An attempt whose end nobody knows counts as made.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.core.acting import never, unspeakable
from orchestrd.core.branches import is_watched
from orchestrd.core.condition import Part, all_of, in_words, parts_of, speaks_of_change
from orchestrd.core.duration import duration_of
from orchestrd.core.episode import (
    REVIVED,
    asks_what_was_said,
    attempted,
    continued,
    episode_of,
    is_refused,
    is_under_way,
    pause_left_s,
    unheard,
    unproven_s,
)
from orchestrd.model.change import Checks, Mergeable, Pr, Review
from orchestrd.model.instant import Instant
from orchestrd.model.limits import ENDED_REACTS_S, FAILED_ATTEMPTS_MIN, LOGS_AWAITED_S
from orchestrd.model.reaction import Act, Condition, Episode, Reaction, Seen
from orchestrd.model.session import Session
from orchestrd.model.words import Activity

_DONE_IS_DONE = frozenset({Act.NOTIFY, Act.RUN, Act.SPAWN})


class Kind(StrEnum):
    """What a judgement comes to."""

    NOTHING = "nothing"  # its condition does not hold, or it asks for nothing here
    UNKNOWN = "unknown"  # nobody knows whether its condition holds
    WAITING = "waiting"  # for its time, or for a newer look
    HELD = "held"  # it would be done now, and cannot be: never into a dialog
    FIRE = "fire"
    ESCALATE = "escalate"  # a person is to be told
    SPENT = "spent"  # nothing more will be done, unless there is news
    CLEAR = "clear"  # its condition was seen not to hold, for the first time
    END = "end"  # and again: its episode is over


class Judgement(Struct, frozen=True, kw_only=True):
    """What `judge` finds. `why` is for people; `again_in_s`: time alone changes it then.

    `is_due`: a React would change the record. `episode` is the ledger's entry as that leaves it; null: there is none.
    """

    kind: Kind
    why: str
    key: str | None = None
    again_in_s: float | None = None
    is_due: bool = False
    episode: Episode | None = None


class _Case(Struct, frozen=True, kw_only=True):
    """All that a judgement stands on."""

    reaction: Reaction
    session: Session
    seen: Seen
    now: Instant
    parts: tuple[Part, ...]
    stored: Episode | None


def judge(reaction: Reaction, session: Session, seen: Seen, now: Instant) -> Judgement:
    """Tell whether a reaction is due for a session, and why."""
    stored = episode_of(session, reaction.name)
    if not reaction.is_on:
        kind = Kind.END if stored else Kind.NOTHING
        return Judgement(kind=kind, why="it is switched off", is_due=stored is not None)
    parts = parts_of(required(reaction), session, seen, now)
    case = _Case(reaction=reaction, session=session, seen=seen, now=now, parts=parts, stored=stored)
    verdict = all_of(parts)
    if verdict is None:
        return Judgement(kind=Kind.UNKNOWN, why=in_words(parts), episode=case.stored)
    if verdict and _is_unsaid(case):
        return Judgement(kind=Kind.UNKNOWN, why="nobody knows what its reviewers have said", episode=case.stored)
    return _where_it_holds(case) if verdict else _where_it_does_not(case)


def left_over(reactions: Sequence[Reaction], session: Session) -> tuple[Reaction, ...]:
    """Give the reactions that have an episode and are configured no more, as if they were switched off."""
    known = {reaction.name for reaction in reactions}
    gone = (episode.reaction for episode in session.episodes if episode.reaction not in known)
    return tuple(Reaction(name=name, when=Condition(), act=Act.NOTIFY, is_on=False) for name in gone)


def required(reaction: Reaction) -> Condition:
    """Give all that must be so. Nothing is merged that is not known to be open, green and free of conflicts."""
    when = reaction.when
    if reaction.act is not Act.MERGE:
        return when
    return replace(
        when,
        pr=when.pr or (Pr.OPEN,),
        checks=when.checks or (Checks.PASSING,),
        review=when.review or (Review.NONE, Review.APPROVED),
        mergeable=when.mergeable or (Mergeable.CLEAN,),
    )


# ---- where the condition does not hold


def _where_it_does_not(case: _Case) -> Judgement:
    why, episode = in_words(case.parts), case.stored
    against = [part for part in case.parts if part.is_so is False]
    if episode is None:
        waits = [part.in_s for part in against]
        again_in_s = None if None in waits else max((wait for wait in waits if wait is not None), default=None)
        return Judgement(kind=Kind.NOTHING, why=why, again_in_s=again_in_s)
    if (left_s := _lasting_s(case, episode)) > 0:
        return _stays(case, Kind.WAITING, episode, "whether that lasts is not known yet", left_s)
    looks = [part.at for part in against if part.at is not None]
    if looks and len(looks) == len(against):  # else something is certain, whoever looks
        if episode.cleared_at is None:
            clear = replace(episode, cleared_at=max(looks))
            return Judgement(kind=Kind.CLEAR, why=why, key=episode.key, is_due=True, episode=clear)
        if all(_is_no_newer(look, episode.cleared_at, case.now) for look in looks):
            return _stays(case, Kind.WAITING, episode, "another look has to find the same")
    return Judgement(kind=Kind.END, why=why, key=episode.key, is_due=True)


def _lasting_s(case: _Case, episode: Episode) -> float:
    """What was revived holds no more because of that: whether it lasts is known long after the pause."""
    return unproven_s(case.reaction, episode, case.now) if case.reaction.act is Act.REVIVE else 0.0


def _is_no_newer(look: datetime, than: datetime | None, now: Instant) -> bool:
    """Tell whether it is the same look, or an older one. A clock that was set back does not make it one for ever."""
    return than is not None and look <= than <= now.at


# ---- where it holds


def _where_it_holds(case: _Case) -> Judgement:
    if _is_long_over(case):
        return Judgement(
            kind=Kind.NOTHING, why=f"{in_words(case.parts)}, and it ended too long ago", episode=case.stored
        )
    if (not_here := never(case.reaction, case.session)) is not None:
        return Judgement(kind=Kind.NOTHING, why=f"{in_words(case.parts)}, and {not_here}", episode=case.stored)
    episode = continued(case.reaction, case.session, case.now)
    if case.reaction.act is Act.SEND and case.session.is_terminal:
        return _told_to_a_person(case, episode, "it has ended, and reads no more")
    if episode.round > case.reaction.rounds:
        return _hand_over(case, episode, f"there were {case.reaction.rounds} rounds of it already")
    if _is_overdue(case, episode):
        lasts = duration_of(case.reaction.escalate_after_s or 0.0)
        return _told_to_a_person(case, episode, f"that has been so for {lasts}")
    for rule in _RULES:
        if (judgement := rule(case, episode)) is not None:
            return judgement
    made = attempted(episode, case.now)
    return Judgement(kind=Kind.FIRE, why=in_words(case.parts), key=episode.key, is_due=True, episode=made)


def _is_unsaid(case: _Case) -> bool:
    """An agent is not told that something was said before it can be told what."""
    change, is_sent = case.session.change, case.reaction.act is Act.SEND
    return is_sent and change is not None and change.remarks is None and asks_what_was_said(case.reaction.when)


def _is_long_over(case: _Case) -> bool:
    """What ended before anybody asked is nobody's concern any more: a new reaction does not dig it up.

    An end is recorded by a daemon, which judges right then; one that finds it at its start, a moment ago or with no
    episode, has still to tell of it, which is what the time is for. Of its pull request there may be news as long
    as a forge is asked.
    """
    if not case.session.is_terminal:
        return False
    if speaks_of_change(case.reaction.when):
        return not is_watched(case.session) and _had_come(case.seen.change_at, case.reaction)
    ended_at = case.session.state_since
    is_old = not _goes_on(case) and (case.now.at - ended_at).total_seconds() > ENDED_REACTS_S
    return is_old or _had_come(ended_at, case.reaction)


def _had_come(at: datetime | None, reaction: Reaction) -> bool:
    """Tell whether something had happened before there was this reaction."""
    return at is not None and reaction.taken_at is not None and at < reaction.taken_at


def _goes_on(case: _Case) -> bool:
    """An episode of a reaction that has only told of it until now is no reason to revive it."""
    stored = case.stored
    return stored is not None and (case.reaction.act is not Act.REVIVE or stored.key == REVIVED)


def _waits_for_its_attempt(case: _Case, episode: Episode) -> Judgement | None:
    """One attempt at a time; a message that is not typed yet makes way for news."""
    if not is_under_way(case.session, episode):
        return None
    if episode.attempts == 0 and unheard(case.session, episode) is not None:
        return None
    return _stays(case, Kind.WAITING, episode, "its newest attempt is still under way")


def _waits_for_its_time(case: _Case, episode: Episode) -> Judgement | None:
    may_hand_over = case.reaction.act not in _DONE_IS_DONE and _may_tell(case, episode)
    if episode.attempts >= case.reaction.attempts and not may_hand_over:
        return None
    lasts_in_s = case.reaction.after_s - case.now.since_s(episode.since)
    pause_s = pause_left_s(case.reaction, episode, case.now)
    left_s = max(lasts_in_s, pause_s)
    if left_s <= 0:
        return None
    lasted = f", once that has lasted {duration_of(case.reaction.after_s)}" if lasts_in_s > pause_s else ""
    why = f"{_next(case, episode)} in {duration_of(left_s + 0.5)}{lasted}"
    return _stays(case, Kind.WAITING, episode, why, left_s)


def _waits_for_its_logs(case: _Case, episode: Episode) -> Judgement | None:
    """What a check has written may come with the next look; it is not waited for ever."""
    change, is_asked = case.session.change, Checks.FAILING in case.reaction.when.checks
    if case.reaction.act is not Act.SEND or change is None or not is_asked:
        return None
    left_s = LOGS_AWAITED_S - case.now.since_s(episode.key_since or episode.since)
    if left_s <= 0 or all(check.log is not None for check in change.failed):
        return None
    return _stays(case, Kind.WAITING, episode, "what they have written was not fetched yet", left_s)


def _is_refused(case: _Case, episode: Episode) -> Judgement | None:
    """What would be refused again is not tried again: a person is told at once."""
    if not is_refused(case.reaction, episode):
        return None
    return _told_to_a_person(case, episode, f"it was refused for good: {episode.error}")


def _comes_to_nothing(case: _Case, episode: Episode) -> Judgement | None:
    if episode.failures < max(case.reaction.attempts, FAILED_ATTEMPTS_MIN):
        return None
    said = f": {episode.error}" if episode.error else ""
    tried = f"attempts to run '{case.reaction.command}'" if case.reaction.act is Act.RUN else "attempts"
    return _told_to_a_person(case, episode, f"{episode.failures} {tried} came to nothing{said}")


def _is_spent(case: _Case, episode: Episode) -> Judgement | None:
    if episode.attempts < case.reaction.attempts or _is_at_it(case):
        return None
    return _hand_over(case, episode, f"{episode.attempts} of {case.reaction.attempts} attempts were made")


def _waits_for_its_agent(case: _Case, episode: Episode) -> Judgement | None:
    """An agent that was told, and works, is not told the same again meanwhile."""
    if episode.attempts == 0 or not _is_at_it(case):
        return None
    does = "is working" if case.session.activity is Activity.WORKING else "may begin to work at any moment"
    return _stays(case, Kind.WAITING, episode, f"its agent was told, and {does}")


def _waits_for_a_look(case: _Case, episode: Episode) -> Judgement | None:
    """What was true before the last attempt, or while its agent still worked, may be true no more."""
    tried_at = episode.tried_at.at if episode.tried_at is not None else None
    looks = [part.at for part in case.parts if part.at is not None]
    if any(_is_no_newer(look, tried_at, case.now) for look in looks):
        return _stays(case, Kind.WAITING, episode, "nothing was looked at since its last attempt")
    stopped_at = _stopped_at(case)
    if stopped_at is not None and any(look < stopped_at <= case.now.at for look in looks):
        return _stays(case, Kind.WAITING, episode, "what its agent did last was not looked at yet")
    return None


def _is_held(case: _Case, episode: Episode) -> Judgement | None:
    if case.reaction.act is not Act.SEND or (why := unspeakable(case.session)) is None:
        return None
    return _stays(case, Kind.HELD, episode, why)


_RULES: tuple[Callable[[_Case, Episode], Judgement | None], ...] = (
    _waits_for_its_attempt,
    _is_refused,
    _comes_to_nothing,
    _waits_for_its_time,
    _waits_for_a_look,
    _waits_for_its_logs,
    _is_spent,
    _waits_for_its_agent,
    _is_held,
)


def _stays(case: _Case, kind: Kind, episode: Episode, why: str, again_in_s: float | None = None) -> Judgement:
    """Nothing is done now. Where the ledger knows less than is known now, that is written down."""
    after_s = case.reaction.escalate_after_s
    if after_s is not None and _may_tell(case, episode):
        left_s = max(0.0, after_s - case.now.since_s(episode.since))
        again_in_s = left_s if again_in_s is None else min(again_in_s, left_s)
    told = f"{in_words(case.parts)}; {why}"
    return Judgement(
        kind=kind,
        why=told,
        key=episode.key,
        again_in_s=again_in_s,
        is_due=episode != case.stored,
        episode=episode,
    )


def _hand_over(case: _Case, episode: Episode, why: str) -> Judgement:
    """The budget is spent. That is enough of what was told, and of what is done once it has been done well."""
    if case.reaction.act in _DONE_IS_DONE:
        return _stays(case, Kind.SPENT, episode, why)
    return _told_to_a_person(case, episode, why)


def _told_to_a_person(case: _Case, episode: Episode, why: str) -> Judgement:
    if not _may_tell(case, episode):
        told = "a person was told" if episode.is_escalated else "nobody is told"
        return _stays(case, Kind.SPENT, episode, f"{why}, and {told}")
    escalated = replace(episode, is_escalated=True)
    told = f"{in_words(case.parts)}; {why}"
    return Judgement(kind=Kind.ESCALATE, why=told, key=episode.key, is_due=True, episode=escalated)


def _may_tell(case: _Case, episode: Episode) -> bool:
    """Tell whether a person is to be told of it at all, and was not yet."""
    return case.reaction.escalation is not None and not episode.is_escalated


def _is_overdue(case: _Case, episode: Episode) -> bool:
    after_s = case.reaction.escalate_after_s
    return after_s is not None and _may_tell(case, episode) and case.now.since_s(episode.since) >= after_s


def _stopped_at(case: _Case) -> datetime | None:
    """Say since when its agent waits, where it may have pushed right before."""
    is_told = case.reaction.act is Act.SEND and speaks_of_change(case.reaction.when)
    return case.session.activity_since if is_told and case.session.activity is Activity.WAITING else None


def _next(case: _Case, episode: Episode) -> str:
    if episode.attempts >= case.reaction.attempts:
        return "the last attempt has time to work, and a person may be told"
    return f"attempt {episode.attempts + 1} of {case.reaction.attempts} is made"


def _is_at_it(case: _Case) -> bool:
    """It works, or is about to: something waits to be read by it, or was typed and nobody has seen it begin."""
    may_work = bool(case.session.messages) or case.session.activity in (Activity.WORKING, Activity.UNKNOWN)
    return case.reaction.act is Act.SEND and may_work
