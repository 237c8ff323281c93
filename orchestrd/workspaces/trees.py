"""Whether all of a workspace is committed, as git tells.

What was brought into a worktree beside its commit is not the agent's work, though git may not ignore it. A directory
that is in no repository has nothing to commit.
"""

from orchestrd.core.fencing import quoted
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.limits import CHECKOUT_S, NAMED_MAX
from orchestrd.model.session import Workspace
from orchestrd.ports.command_runner import Tree
from orchestrd.workspaces.git import Answer, Git

_STATUS = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
_NO_REPOSITORY = "not a git repository"


class GitTrees:
    """Asks git."""

    def __init__(self, git: Git) -> None:
        self._git = git

    async def tree(self, workspace: Workspace) -> Tree:
        """See the port."""
        try:
            said = await self._git.ask(workspace.path, *_STATUS, limit_s=CHECKOUT_S)
            if said.code != 0:
                return _unknown(said)
            head = await self._git.ask(workspace.path, "rev-parse", "--verify", "--quiet", "HEAD")
            beginning = await self._beginning(workspace)
        except OrchestrdError as error:
            return Tree(error=error.message)
        changed = [line[3:] for line in said.fields if not _is_brought(line, workspace)]
        commit = head.text or None
        named = _named(changed) if changed else None
        return Tree(head=commit, beginning=beginning, is_clean=not changed, error=named)

    async def _beginning(self, workspace: Workspace) -> str | None:
        """Find the oldest commit that the worktree has stood at: each has a log of its own."""
        if not workspace.is_worktree:
            return None
        said = await self._git.ask(workspace.path, "rev-list", "--walk-reflogs", "HEAD", "--")
        return said.text.rpartition("\n")[2] or None


def _unknown(said: Answer) -> Tree:
    if _NO_REPOSITORY in said.err:
        return Tree(is_clean=True)
    return Tree(error=f"git status failed with exit code {said.code}: {said.err.strip()[:200]}")


def _is_brought(line: str, workspace: Workspace) -> bool:
    path = line[3:].rstrip("/")
    brought = (*workspace.copy, *workspace.link)
    return line.startswith("??") and any(path == one or path.startswith(f"{one}/") for one in brought)


def _named(changed: list[str]) -> str:
    named = ", ".join(map(quoted, changed[:NAMED_MAX]))
    more = f" and {len(changed) - NAMED_MAX} more" if len(changed) > NAMED_MAX else ""
    return f"not committed: {named}{more}"
