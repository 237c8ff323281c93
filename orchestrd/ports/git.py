"""The port of git: how whoever asks it from the daemon calls it, off the loop and bounded."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from orchestrd.model.limits import GIT_S


class GitAnswer(Protocol):
    """What one git said: its exit code (minus the signal that ended it), its output, and its words on stderr."""

    @property
    def code(self) -> int:
        """Give its exit code."""
        ...

    @property
    def text(self) -> str:
        """Give its output, without the newline at its end."""
        ...

    @property
    def err(self) -> str:
        """Give its words on stderr."""
        ...


class Git(Protocol):
    """Calls git, a bounded number at once; no hook and no other program of a repository runs, but for its filters."""

    def alone(self, repository: str) -> asyncio.Lock:
        """Give the lock of a repository, to be held while its refs or worktrees are changed."""
        ...

    async def ask(
        self,
        directory: str,
        *arguments: str,
        limit_s: float = GIT_S,
        given: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> GitAnswer:
        """Run git there, with `given` on its stdin and `environment` beside the usual; any exit code is an answer.

        Raises OrchestrdError where it does not answer in time, says too much, or is not there.
        """
        ...

    async def must(
        self,
        directory: str,
        *arguments: str,
        limit_s: float = GIT_S,
        given: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> GitAnswer:
        """Run git where nothing but success will do. Raises what `ask` does, and OrchestrdError with git's words."""
        ...
