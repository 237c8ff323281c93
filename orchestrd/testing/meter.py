"""A meter over nothing but what a test says that runs take."""

from collections.abc import Mapping, Sequence

from orchestrd.model.document import Usage
from orchestrd.model.ids import SessionId
from orchestrd.model.run import Run


class ScriptedMeter:
    """Says of each run what `takes` says of its session; `asked` are the sessions that were measured last."""

    def __init__(self) -> None:
        self.takes: dict[str, Usage] = {}
        self.asked: tuple[str, ...] = ()

    async def measure(self, runs: Sequence[Run]) -> Mapping[SessionId, Usage]:
        """See the port."""
        self.asked = tuple(run.session for run in runs)
        return {run.session: self.takes[run.session] for run in runs if run.session in self.takes}
