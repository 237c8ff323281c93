"""What the reactions of this daemon come to for a session: asked, and nothing done about it."""

from orchestrd.core.judging import judged, known_reaction
from orchestrd.engine.reactor import Reactor
from orchestrd.model.reaction_document import JudgedSession, KnownReactions
from orchestrd.model.session import Session
from orchestrd.ports import Clock


class Judging:
    """Judges as the reactor does: by the same reactions, and by what was seen since the daemon started."""

    def __init__(self, reactor: Reactor, clock: Clock) -> None:
        self._reactor = reactor
        self._clock = clock

    def known(self) -> KnownReactions:
        """Tell which reactions there are."""
        return KnownReactions(reactions=tuple(map(known_reaction, self._reactor.reactions)))

    def judge(self, session: Session) -> JudgedSession:
        """Say what each of them comes to for a session, now."""
        seen = self._reactor.seen(session)
        return judged(self._reactor.reactions, session, seen, self._clock.now(), is_recorded=False)
