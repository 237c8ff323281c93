"""The ports by which the daemon finds out itself what is in a workspace: it runs commands, and compares files."""

from typing import Protocol

from msgspec import Struct

from orchestrd.model.session import Session, Workspace


class CommandEnd(Struct, frozen=True, kw_only=True):
    """How a command ended. No exit code: it could not be run, was ended by a signal, or did not end in time.

    Then `error` says so. `output` is the end of what it has written, of bounded length, without control characters.
    """

    exit_code: int | None = None
    output: str = ""
    error: str | None = None


class CommandRunner(Protocol):
    """Runs commands of sh where a session works, with its environment and the mark of its run, a few at once.

    What is wrong with a command is in what comes back: nothing is raised. When a call is over, however it is, and be it
    cancelled, nothing that it has started lives; when the daemon is killed, neither.
    """

    async def run(self, session: Session, command: str) -> CommandEnd:
        """Run a command to its end, bounded in time and in what is kept of its output."""
        ...


class Tree(Struct, frozen=True, kw_only=True):
    """What git says of the files of a workspace. Where there is no repository nothing is uncommitted, and no head.

    `is_clean`: nothing is changed, staged or untracked, ignored files and those that were brought along aside. Where it
    is not, or nobody knows (null), `error` says what is, or why. `beginning` is the commit that a worktree was made at;
    null: it is none, or git has kept no log of that.
    """

    head: str | None = None
    beginning: str | None = None
    is_clean: bool | None = None
    error: str | None = None


class Trees(Protocol):
    """Compares the files of workspaces with what is committed. Raises nothing."""

    async def tree(self, workspace: Workspace) -> Tree:
        """Look at one workspace."""
        ...
