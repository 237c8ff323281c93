"""Troubles: what does not work at the moment, in the words of the part that failed; a part that works takes it back."""

from orchestrd.model.errors import OrchestrdError


class Troubles:
    """The parts of this daemon that failed when they were last tried, one word each."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}  # in the order of failing

    def failed(self, part: str, error: BaseException) -> None:
        """A part has failed."""
        self._words.pop(part, None)
        self._words[part] = error.message if isinstance(error, OrchestrdError) else f"{part} failed: {error!r}"

    def works(self, part: str) -> None:
        """A part has done its work."""
        self._words.pop(part, None)

    def has(self, part: str) -> bool:
        """Tell whether a part failed when it was last tried."""
        return part in self._words

    @property
    def newest(self) -> str | None:
        """What failed last and has not worked since; null when all works."""
        return next(reversed(self._words.values()), None)
