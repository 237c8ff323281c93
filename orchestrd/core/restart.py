"""What a daemon owes a session that it found on disk: the end of every act that may have been half done.

An effect that was not attempted is performed (again) by the actuator and is no business of this file. A once effect
found attempted may or may not have reached the world, and nobody is left to say which: it ends unknown, and is never
repeated.
"""

from orchestrd.model.command import Delivered, Input
from orchestrd.model.effect import ONCE
from orchestrd.model.session import Session
from orchestrd.model.words import Receipt


def owed_after_restart(session: Session) -> tuple[Input, ...]:
    """Give the inputs, in order, that settle what the last daemon had begun; taking them in leaves nothing owed."""
    return tuple(
        Delivered(
            effect=effect.id,
            generation=effect.generation,
            receipt=Receipt.UNKNOWN,
            error="the daemon ended while it was typing",
        )
        for effect in session.effects
        if effect.attempted and effect.kind in ONCE
    )
