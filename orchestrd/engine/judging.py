"""What the reactions of this daemon come to for a session: asked, and nothing done about it."""

from collections.abc import Mapping

from orchestrd.core.coming import to_come, with_waits
from orchestrd.core.judging import judged, known_reaction
from orchestrd.engine.courier import Courier
from orchestrd.engine.reactor import Reactor
from orchestrd.model.reaction_document import JudgedSession, KnownReactions
from orchestrd.model.session import Session
from orchestrd.ports import Clock


class Judging:
    """Judges as the reactor does: by the same reactions, and by what was seen since the daemon started."""

    def __init__(self, reactor: Reactor, courier: Courier, clock: Clock) -> None:
        self._reactor = reactor
        self._courier = courier
        self._clock = clock

    def known(self) -> KnownReactions:
        """Tell which reactions there are."""
        return KnownReactions(reactions=tuple(map(known_reaction, self._reactor.reactions)))

    def judge(self, session: Session) -> JudgedSession:
        """Say what each of them comes to for a session, now."""
        seen = self._reactor.seen(session)
        told = judged(self._reactor.reactions, session, seen, self._clock.now(), is_recorded=False)
        return with_waits(told, self.waiting(session))

    def waiting(self, session: Session) -> Mapping[str, str]:
        """Say what for its notices wait, by their effects; those that are being told now are left out."""
        return self._courier.waiting(session.id)

    def to_come(self, session: Session) -> tuple[str, ...]:
        """Say what of its reactions waits for its time."""
        return to_come(self.judge(session), session)
