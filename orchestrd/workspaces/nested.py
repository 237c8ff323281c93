"""Repositories inside a worktree: submodules that are filled, and clones that somebody made there.

Invariant: one is only let go with its worktree if nothing in it is new: no change, no file that it does not track, and
no commit on any ref of it that its own remotes do not have.
"""

from shlex import quote

from orchestrd.model.limits import CLEAN_GIT_S, NESTED_MAX
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.locating import Obstructed


async def commits_of(git: Git, worktree: str, inside: list[str]) -> dict[str, str]:
    """Give the commit that each of these stands at. Raises Obstructed for one that holds work."""
    if len(inside) > NESTED_MAX:
        raise Obstructed(f"it has {len(inside)} repositories in it", f"find {quote(worktree)} -name .git")
    return {path: await _commit_of(git, worktree, path) for path in inside}


async def _commit_of(git: Git, worktree: str, inside: str) -> str:
    path = f"{worktree}/{inside}"
    look = f"git -C {quote(path)} status"
    top = await git.ask(path, "rev-parse", "--show-toplevel", "--verify", "HEAD^{commit}")
    told = top.text.splitlines()
    if top.code != 0 or len(told) != 2 or not told[0].endswith(f"/{inside}"):
        raise Obstructed(f"{inside} holds a repository of its own that is not understood", look)
    if await _has_changes(git, path):
        raise Obstructed(f"the repository {inside} in it has changes that are nowhere else", look)
    unheld = await git.must(
        path, "rev-list", "-n", "1", "--all", "HEAD", "--not", "--remotes", "--", limit_s=CLEAN_GIT_S
    )
    if unheld.text:
        raise Obstructed(f"the repository {inside} in it has commits that no remote of it has", f"{look} -sb")
    return told[1]


async def _has_changes(git: Git, path: str) -> bool:
    asked = ("status", "--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=none")
    status = await git.must(path, *asked, limit_s=CLEAN_GIT_S)
    flags = await git.must(path, "ls-files", "-v", "-z", limit_s=CLEAN_GIT_S)
    return bool(status.out) or any(line[:1].islower() for line in flags.fields)  # lower case: not to be looked at
