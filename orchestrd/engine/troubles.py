"""Troubles: what does not work at the moment, in the words of the part that failed; a part that works takes it back.

However long it lasts, it is logged when it begins and when it ends.
"""

from orchestrd.engine.tasks import OnError
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.limits import TROUBLES_MAX


class Troubles:
    """The parts of this daemon that failed when they were last tried, one word each."""

    def __init__(self, on_error: OnError) -> None:
        self._on_error = on_error
        self._words: dict[str, str] = {}  # in the order of failing

    def failed(self, part: str, error: BaseException) -> None:
        """A part has failed."""
        if self._words.pop(part, None) is None:
            self._on_error(part, error)
        self._words[part] = error.message if isinstance(error, OrchestrdError) else f"{part} failed: {error!r}"

    def works(self, part: str) -> None:
        """A part has done its work, or has none any more."""
        if self._words.pop(part, None) is not None:
            self._on_error(part, None)

    def has(self, part: str) -> bool:
        """Tell whether a part failed when it was last tried."""
        return part in self._words

    @property
    def newest(self) -> str | None:
        """What failed last and has not worked since; null when all works."""
        return next(iter(self.told), None)

    @property
    def told(self) -> tuple[str, ...]:
        """All that failed and has not worked since, the newest first; each once, at most TROUBLES_MAX of them."""
        return tuple(dict.fromkeys(reversed(self._words.values())))[:TROUBLES_MAX]
