"""What every reaction comes to for one session: the dry run behind `orch reactions test` and `why`. Pure.

It asks the very function that the daemon goes by, so that what is told here is what would be done.
"""

from collections.abc import Iterable

from orchestrd.core.condition_words import asked_by, done_by
from orchestrd.core.duration import duration_of
from orchestrd.core.episode import episode_of
from orchestrd.core.reaction import judge
from orchestrd.model.instant import Instant
from orchestrd.model.reaction import Reaction, Seen
from orchestrd.model.reaction_document import JudgedReaction, JudgedSession, KnownReaction
from orchestrd.model.session import Session


def known_reaction(reaction: Reaction, origins: Iterable[str] = ()) -> KnownReaction:
    """Tell of a reaction, in words too."""
    lasting = f", lasting {duration_of(reaction.after_s)}" if reaction.after_s else ""
    return KnownReaction(
        reaction=reaction,
        asked=f"{asked_by(reaction.when)}{lasting}",
        done=done_by(reaction),
        origins=tuple(dict.fromkeys(origins)),
    )


def judged(
    reactions: Iterable[Reaction], session: Session, seen: Seen, now: Instant, *, is_recorded: bool
) -> JudgedSession:
    """Judge each of them."""
    return JudgedSession(
        session=session.id,
        name=session.spec.name,
        at=now.at,
        is_recorded=is_recorded,
        judged=tuple(_judged(reaction, session, seen, now) for reaction in reactions),
    )


def judged_record(reactions: Iterable[Reaction], session: Session, now: Instant, *, is_last: bool) -> JudgedSession:
    """Judge each of them by a record alone, as if all that it says had been seen just now."""
    seen = Seen(looked_at=now.at, change_at=now.at, is_last=is_last)
    return judged(reactions, session, seen, now, is_recorded=True)


def _judged(reaction: Reaction, session: Session, seen: Seen, now: Instant) -> JudgedReaction:
    found = judge(reaction, session, seen, now)
    return JudgedReaction(
        reaction=reaction,
        kind=found.kind,
        why=found.why,
        key=found.key,
        again_in_s=found.again_in_s,
        episode=episode_of(session, reaction.name),
    )
