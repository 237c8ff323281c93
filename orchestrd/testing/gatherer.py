"""A gatherer over nothing but what a test says: what agents would have written down themselves."""

from collections.abc import Sequence

from orchestrd.model.ids import SessionId
from orchestrd.model.run import Gathered, Wanted


class ScriptedGatherer:
    """Gives each session what `found` says, as long as it says so."""

    def __init__(self) -> None:
        self.found: dict[SessionId, Gathered] = {}
        self.asked: list[Wanted] = []

    async def gather(self, wanted: Sequence[Wanted]) -> Sequence[Gathered]:
        """See the port."""
        self.asked += wanted
        return [self.found.get(want.session, Gathered()) for want in wanted]

    def forget(self, session: SessionId, generation: int) -> None:
        """See the port."""
