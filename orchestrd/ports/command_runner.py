"""The port of the commands that the daemon itself runs in the workspace of a session: verifications and reactions."""

from typing import Protocol

from msgspec import Struct

from orchestrd.model.session import Session


class CommandEnd(Struct, frozen=True, kw_only=True):
    """How a command ended. No exit code: it could not be run, was ended by a signal, or did not end in time.

    Then `error` says so. `output` is the end of what it has written, of bounded length, without control characters.
    """

    exit_code: int | None = None
    output: str = ""
    error: str | None = None


class Tree(Struct, frozen=True, kw_only=True):
    """What git says of the files of a workspace. Where there is no repository nothing is uncommitted, and no head.

    `is_clean`: nothing is changed, staged or untracked, ignored files aside; null: nobody knows, and `error` says why.
    """

    head: str | None = None
    is_clean: bool | None = None
    error: str | None = None


class CommandRunner(Protocol):
    """Runs commands of sh where a session works, with its environment and the mark of its run, a few at once.

    What is wrong with a command is in what comes back: nothing is raised. When a call is over, however it is, and be it
    cancelled, nothing that it has started lives; when the daemon is killed, neither.
    """

    async def run(self, session: Session, command: str) -> CommandEnd:
        """Run a command to its end, bounded in time and in what is kept of its output."""
        ...

    async def tree(self, session: Session) -> Tree:
        """Look at what is committed in its workspace, and whether that is all."""
        ...
