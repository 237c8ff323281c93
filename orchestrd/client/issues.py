"""What is asked of a session by way of an issue, made into its prompt and its name."""

from collections.abc import Callable

from msgspec import Struct

from orchestrd.core.issue import name_of, prompt_of
from orchestrd.model.issue import Issue


class IssueWish(Struct, frozen=True, kw_only=True):
    """The issue to work on, if any. `is_forced`: though another session works on it."""

    issue: Issue | None = None
    is_forced: bool = False

    @property
    def id(self) -> str | None:
        """What it is known by."""
        return None if self.issue is None else self.issue.id

    def settled(self, words: str | None, notice: Callable[[str], None]) -> tuple[str | None, str | None]:
        """Give the prompt, with the user's own words before the issue, and what the session is called by itself."""
        if self.issue is None:
            return words, None
        if self.issue.is_closed:
            notice(f"orch: issue {self.issue.id} is closed; the session works on it all the same")
        return prompt_of(self.issue, words), name_of(self.issue)
