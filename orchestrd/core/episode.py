"""The ledger of reactions: what the budget of an episode belongs to, what is news to it, and when its next attempt is.

An entry is a value like the record it stands in: whoever counts an attempt does so in the commit that makes it.
"""

import hashlib

from msgspec.structs import replace

from orchestrd.core.condition import speaks_of_change
from orchestrd.model.change import Review
from orchestrd.model.instant import Instant
from orchestrd.model.limits import ATTEMPT_PAUSE_S, PAUSE_S_MAX, REVIVED_LASTS_S
from orchestrd.model.reaction import Act, Condition, Episode, Reaction
from orchestrd.model.session import Message, Session, attempt_key
from orchestrd.model.words import Activity

REVIVED = "revive"  # the key of what is revived
_DIGITS = 8
_LASTING_PAUSES = 2.0  # what runs for so many pauses is not what crashed
_UNSAID = "?"  # what is asked or said is not known yet; that it becomes known is no news


def episode_of(session: Session, reaction: str) -> Episode | None:
    """Give the ledger's entry of a reaction."""
    return next((episode for episode in session.episodes if episode.reaction == reaction), None)


def continued(reaction: Reaction, session: Session, now: Instant) -> Episode:
    """Give the episode as it stands now: begun, held again, or with news that has a budget of its own."""
    key, stored = key_of(reaction, session), episode_of(session, reaction.name)
    if stored is None:
        return Episode(reaction=reaction.name, key=key, since=now, key_since=now)
    held = stored
    if stored.cleared_at is not None:
        held = replace(stored, cleared_at=None, since=stored.since if stored.tries else now)
    if not _is_news(stored.key, key):
        return replace(held, key=key) if _UNSAID in stored.key else held
    is_made = stored.failures > 0 or stored.attempts > (unheard(session, stored) is not None)
    rounds = min(held.round, reaction.rounds) + 1 if is_made else held.round
    return replace(held, key=key, key_since=now, round=rounds, attempts=0, failures=0, error=None, refused=None)


def attempted(episode: Episode, now: Instant) -> Episode:
    """Count an attempt that is made now."""
    tries, attempts = episode.tries + 1, episode.attempts + 1
    return replace(episode, tries=tries, attempts=attempts, tried_at=now, in_flight=None, error=None, refused=None)


def name_of(episode: Episode) -> str:
    """Name its newest attempt, as no other is named."""
    return attempt_key(episode.reaction, digest_of(episode), episode.tries)


def digest_of(episode: Episode) -> str:
    """Tell the attempts of one episode from those of any other of its reaction."""
    return _short(episode.since.at.isoformat())


def is_under_way(session: Session, episode: Episode) -> bool:
    """Tell whether its newest attempt is: its message waits, or its effect is intended."""
    token = episode.in_flight
    if token is None:
        return False
    return any(one.id == token for one in session.messages) or any(one.id == token for one in session.effects)


def unheard(session: Session, episode: Episode) -> Message | None:
    """Give the message of its newest attempt, if nothing of that was typed yet."""
    begun = {effect.message for effect in session.effects if effect.attempted}
    waiting = (message for message in session.messages if message.id == episode.in_flight)
    return next((message for message in waiting if message.id not in begun), None)


def key_of(reaction: Reaction, session: Session) -> str:
    """Say what the budget belongs to. Behind a `/` stands what was asked or said, each by a digest of its own."""
    when, change = reaction.when, session.change
    if reaction.act is Act.REVIVE:
        return REVIVED  # a generation is just what it begins
    if change is not None and asks_what_was_said(when):
        said = None if change.remarks is None else sorted(_short(remark.id) for remark in change.remarks)
        return f"remarks/{_UNSAID if said is None else '.'.join(said)}"
    if change is not None and speaks_of_change(when):
        return change.head or change.branch.replace("/", ":")
    if when.verified is not None and session.verification is not None:
        return session.verification.at.isoformat()
    if Activity.BLOCKED in when.activity:
        return f"{session.generation}/{_short(session.decision.id) if session.decision else _UNSAID}"
    return str(session.generation)


def asks_what_was_said(when: Condition) -> bool:
    """Tell whether it is about the remarks of reviewers."""
    return when.remarks is True or Review.CHANGES_REQUESTED in when.review


def pause_left_s(reaction: Reaction, episode: Episode, now: Instant) -> float:
    """Seconds until the next attempt may be: the pause grows with each of one key, and is never very short."""
    if episode.tried_at is None:
        return 0.0
    made = episode.failures or episode.attempts
    return max(0.0, _pause_s(reaction, made) - now.since_s(episode.tried_at))


def unproven_s(reaction: Reaction, episode: Episode, now: Instant) -> float:
    """Seconds until what was revived has lasted: far longer than its pause, or a slow crash is revived for ever."""
    if episode.tried_at is None:
        return 0.0
    lasts_s = max(REVIVED_LASTS_S, _LASTING_PAUSES * _pause_s(reaction, episode.attempts))
    return max(0.0, min(lasts_s, PAUSE_S_MAX) - now.since_s(episode.tried_at))


def is_refused(reaction: Reaction, episode: Episode) -> bool:
    """Tell whether its newest attempt was refused for good, and the reaction is as it was then."""
    taken_at, tried_at = reaction.taken_at, episode.tried_at
    is_other = taken_at is not None and tried_at is not None and tried_at.at < taken_at
    return episode.refused is not None and not is_other


def _is_news(known: str, key: str) -> bool:
    """Tell whether there is another thing to react to: another subject, or something not said before."""
    subject, _, said = known.partition("/")
    newest, _, now_said = key.partition("/")
    if subject != newest:
        return True
    if not now_said or _UNSAID in (said, now_said):
        return False
    return not set(now_said.split(".")) <= set(said.split("."))


def _pause_s(reaction: Reaction, made: int) -> float:
    if made == 0:
        return ATTEMPT_PAUSE_S
    try:
        pause_s = reaction.every_s * reaction.backoff ** (made - 1)
    except OverflowError:
        pause_s = PAUSE_S_MAX
    return min(max(pause_s, ATTEMPT_PAUSE_S), PAUSE_S_MAX)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGITS]
