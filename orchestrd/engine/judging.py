"""What the reactions of this daemon come to for a session: asked, and nothing done about it."""

from collections.abc import Callable, Sequence

from orchestrd.core.judging import judged, known_reaction
from orchestrd.model.reaction import Reaction, Seen
from orchestrd.model.reaction_document import JudgedSession, KnownReactions
from orchestrd.model.session import Session
from orchestrd.ports import Clock


class Judging:
    """Judges as the reactor does: by the same reactions, and by what was seen since the daemon started."""

    def __init__(
        self, reactions: Callable[[], Sequence[Reaction]], seen: Callable[[Session], Seen], clock: Clock
    ) -> None:
        self._reactions = reactions
        self._seen = seen
        self._clock = clock

    def known(self) -> KnownReactions:
        """Tell which reactions there are."""
        return KnownReactions(reactions=tuple(map(known_reaction, self._reactions())))

    def judge(self, session: Session) -> JudgedSession:
        """Say what each of them comes to for a session, now."""
        return judged(self._reactions(), session, self._seen(session), self._clock.now(), is_recorded=False)
