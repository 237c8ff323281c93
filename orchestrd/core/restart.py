"""What a daemon owes a session that it found on disk: time for what nobody could watch, and an end to half-done acts.

An effect that was not attempted is performed (again) by the actuator and is no business of this file. A once effect
found attempted may or may not have reached the world, and nobody is left to say which: it ends unknown, and is never
repeated. Deadlines for something to be *seen* start anew, for nobody was looking; those for an act to follow do not.
What the last daemon knew of an activity becomes a witness, which is not believed for ever either.
"""

from orchestrd.model.command import Answered, CommandRun, Delivered, Input, Restarted
from orchestrd.model.effect import ONCE, Effect, EffectKind
from orchestrd.model.instant import DueName
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, Receipt

WATCHED = frozenset({DueName.START, DueName.CONTACT, DueName.STUCK, DueName.LIMIT})


def owed_after_restart(session: Session) -> tuple[Input, ...]:
    """Give the inputs that the session is owed, in order, before any deadline is looked at."""
    is_owed = session.activity is not Activity.UNKNOWN or any(due.name in WATCHED for due in session.dues)
    return (*([Restarted()] if is_owed else []), *_unsettled(session))


def _unsettled(session: Session) -> list[Delivered | Answered | CommandRun]:
    return [_unknown(effect) for effect in session.effects if effect.attempted and effect.kind in ONCE]


def _unknown(effect: Effect) -> Delivered | Answered | CommandRun:
    if effect.kind is EffectKind.RUN:
        return CommandRun(effect=effect.id, error="the daemon ended while it was running", is_unknown=True)
    kind, doing = (Answered, "answering") if effect.kind is EffectKind.ANSWER else (Delivered, "typing")
    return kind(
        effect=effect.id,
        generation=effect.generation,
        receipt=Receipt.UNKNOWN,
        error=f"the daemon ended while it was {doing}",
    )
