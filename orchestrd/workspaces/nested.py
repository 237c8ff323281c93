"""Repositories inside a worktree: submodules, clones that somebody made there, worktrees of any repository.

Invariant: one is only let go with its worktree if nothing in it is new: no change, no file that it does not track, and
no commit, on any ref or in any log of it, that its own remotes do not have. That holds also for those in what git
ignores, and for submodules whose files have gone. What such a repository ignores itself is told like all that is.
"""

import asyncio
import os
from collections.abc import Iterable
from shlex import quote

from msgspec import Struct

from orchestrd.model.limits import CLEAN_GIT_S, NESTED_MAX
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.locating import Located, Obstructed


class Inside(Struct, frozen=True):
    """The repositories inside a worktree: the commit that each stands at, and what they ignore."""

    commits: dict[str, str]
    ignored: frozenset[str]  # paths from the worktree; directories end in a slash


async def look_into(git: Git, located: Located, repositories: Iterable[str], ignored: Iterable[str]) -> Inside:
    """Look into each of these directories; raises Obstructed for one that holds work.

    Among what is `ignored` there may be things that only look like a repository: they hold no commits. And what builds
    fetch by a tag, and without any branch, is there: a tag is as good as a remote.
    """
    inside = sorted(repositories)
    roots = [f"{located.admin}/modules", *(f"{located.path}/{path}/.git/modules" for path in inside)]
    stores = await asyncio.to_thread(_stores, roots)
    if len(inside) + len(stores) > NESTED_MAX:
        raise Obstructed(
            f"it has {len(inside) + len(stores)} repositories in it", f"find {quote(located.path)} -name .git"
        )
    commits: dict[str, str] = {}
    names: set[str] = set()
    for path in inside:
        if commit := await _commit_of(git, located.path, path, must=path not in ignored):
            commits[path] = commit
            names.update(f"{path}/{name}" for name in await _ignored_in(git, f"{located.path}/{path}"))
    for store in stores:
        where = {"GIT_DIR": store, "GIT_WORK_TREE": store}  # the one it remembers may have gone
        if await _is_unheld(git, store, "--remotes", where=where):
            look = f"git --git-dir={quote(store)} log --all --reflog --not --remotes"
            raise Obstructed(f"the submodule in {store} has commits that no remote of it has", look)
    return Inside(commits, frozenset(names))


async def _commit_of(git: Git, worktree: str, inside: str, *, must: bool) -> str | None:
    path = f"{worktree}/{inside}"
    look = f"git -C {quote(path)} status"
    top = await git.ask(path, "rev-parse", "--show-toplevel", "--verify", "HEAD^{commit}")
    told = top.text.splitlines()
    if top.code != 0 or len(told) != 2 or not told[0].endswith(f"/{inside}"):
        if not must:
            return None
        raise Obstructed(f"{inside} holds a repository of its own that is not understood", look)
    if await _has_changes(git, path):
        raise Obstructed(f"the repository {inside} in it has changes that are nowhere else", look)
    if await _is_unheld(git, path, "--remotes", *(() if must else ("--tags",))):
        raise Obstructed(f"the repository {inside} in it has commits that no remote of it has", f"{look} -sb")
    return told[1]


async def _has_changes(git: Git, path: str) -> bool:
    asked = ("status", "--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=none")
    status = await git.must(path, *asked, limit_s=CLEAN_GIT_S)
    flags = await git.must(path, "ls-files", "-v", "-z", limit_s=CLEAN_GIT_S)
    return bool(status.out) or await asyncio.to_thread(_hides_any, path, flags.fields)


def _hides_any(path: str, flags: Iterable[str]) -> bool:
    """Tell whether git was told not to look at a file that is there: by a lower case, or as one it leaves out."""
    return any(line[0].islower() or (line[0] == "S" and os.path.lexists(f"{path}/{line[2:]}")) for line in flags)


async def _ignored_in(git: Git, path: str) -> list[str]:
    asked = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
    return (await git.must(path, *asked, limit_s=CLEAN_GIT_S)).fields


async def _is_unheld(git: Git, path: str, *held: str, where: dict[str, str] | None = None) -> bool:
    asked = ("rev-list", "-n", "1", "--all", "--reflog", "HEAD", "--not", *held, "--")
    return bool((await git.must(path, *asked, limit_s=CLEAN_GIT_S, environment=where)).text)


def _stores(roots: Iterable[str]) -> list[str]:
    """Find where git keeps the repositories of submodules, filled or not."""
    found: list[str] = []
    for root in roots:
        for directory, folders, files in os.walk(root):
            if "HEAD" in files and "objects" in folders:
                found.append(directory)
                folders[:] = [folder for folder in folders if folder == "modules"]
    return found
