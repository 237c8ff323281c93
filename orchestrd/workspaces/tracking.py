"""What git knows of a worktree: its commit, its index, what it does not track, and the commits nobody else holds.

Invariant: nothing is written, not even an index that could be refreshed.
"""

import asyncio
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from shlex import quote

from msgspec import Struct

from orchestrd.model.errors import RefusedError
from orchestrd.model.limits import CLEAN_GIT_S, FORGOTTEN_MAX, GIT_NOTES_BYTES_MAX
from orchestrd.workspaces.git import Answer, Git
from orchestrd.workspaces.locating import Located

GITLINK = "160000"  # the mode of a commit of another repository
SKIPPED = "S"  # the tag of what a sparse checkout leaves out
BRANCHES = "refs/heads/"
UNTOLD = frozenset({"index", "FETCH_HEAD"})  # of its own directory: no commits, or somebody else's
ELSEWHERE = frozenset({"modules"})  # repositories of submodules

_DOING = (
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
    ("sequencer", "cherry-pick"),
)
_COMMIT = re.compile(rb"\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b")


class Staged(Struct, frozen=True):
    """One entry of the index. `stage` is 0, or tells the sides of a conflict apart."""

    path: str
    mode: str
    blob: str
    stage: int
    is_skipped: bool

    @property
    def entry(self) -> str:
        """Its mode and blob, as a tree has them."""
        return f"{self.mode} {self.blob}"


class Tracked(Struct, frozen=True, kw_only=True):
    """What git says of one worktree at one moment. Trees are given as path -> `mode blob`."""

    head: str | None
    branch: str | None
    committed: dict[str, str]
    staged: tuple[Staged, ...]
    untracked: frozenset[str]
    ignored: frozenset[str]  # directories end in a slash
    algorithm: str
    has_modes: bool  # false where git was told that the file system knows of no executables
    doing: str | None
    unheld: int
    forgotten: tuple[str, ...]


async def track(git: Git, located: Located, base: str | None) -> Tracked:
    """Ask git about a worktree. Raises OrchestrdError where it does not answer or does not understand it."""
    path = located.path
    await refuse_strayed(git, path)
    head = await _head(git, path)
    tree = await git.must(path, "ls-tree", "-r", "-z", "--full-tree", head, limit_s=CLEAN_GIT_S) if head else None
    index = await git.must(path, "ls-files", "--stage", "-t", "-z", limit_s=CLEAN_GIT_S)
    others = ("ls-files", "--others", "--exclude-standard", "-z")
    untracked = await git.must(path, *others, limit_s=CLEAN_GIT_S)
    ignored = await git.must(path, *others, "--ignored", "--directory", limit_s=CLEAN_GIT_S)
    branch = (await git.ask(path, "symbolic-ref", "-q", "HEAD")).text or None
    return Tracked(
        head=head,
        branch=branch.removeprefix(BRANCHES) if branch else None,
        committed=await asyncio.to_thread(read_tree, tree) if tree else {},
        staged=await asyncio.to_thread(_read_index, index),
        untracked=frozenset(untracked.fields),
        ignored=frozenset(ignored.fields),
        algorithm=(await git.must(path, "rev-parse", "--show-object-format")).text,
        has_modes=(await git.ask(path, "config", "--type=bool", "core.fileMode")).text != "false",
        doing=await asyncio.to_thread(_doing, located.admin),
        unheld=await _unheld(git, located, head, base, has_branch=(branch or "").startswith(BRANCHES)),
        forgotten=await _forgotten(git, located, head, branch),
    )


async def refuse_strayed(git: Git, path: str, environment: Mapping[str, str] | None = None) -> None:
    """Raise RefusedError where git takes the files of a worktree to be somewhere else.

    With `extensions.worktreeConfig` a `core.worktree` of the repository counts for each of its worktrees: whatever is
    done in one is then done to the files of another.
    """
    top = (await git.must(path, "rev-parse", "--show-toplevel", environment=environment)).text
    if not await asyncio.to_thread(os.path.samefile, top, path):
        raise RefusedError(
            f"git takes {top} to be the files of {path}: core.worktree is set for every worktree of its repository",
            code="strayed",
            hint=f"git -C {quote(path)} config --show-origin core.worktree",
        )


def read_tree(listing: Answer) -> dict[str, str]:
    """Read what `ls-tree -r -z` says."""
    tree: dict[str, str] = {}
    for line in listing.fields:
        told, _, path = line.partition("\t")
        mode, _, blob = told.split(" ")
        tree[path] = f"{mode} {blob}"
    return tree


async def existing(git: Git, path: str, names: Iterable[str], kind: str) -> dict[str, tuple[str, int]]:
    """Give those of these names that are objects of a kind: each with its id and its size in bytes."""
    wanted = tuple(names)
    given = "".join(f"{name}\n" for name in wanted).encode()
    answer = await git.must(path, "cat-file", "--batch-check", given=given, limit_s=CLEAN_GIT_S) if wanted else None
    lines = [line.split(" ") for line in answer.text.split("\n")] if answer else []
    return {
        name: (words[0], int(words[2]))
        for name, words in zip(wanted, lines, strict=True)
        if len(words) == 3 and words[1] == kind
    }


async def _head(git: Git, path: str) -> str | None:
    answer = await git.ask(path, "rev-parse", "--verify", "-q", "HEAD^{commit}")
    if answer.code > 1:
        raise RefusedError(f"git does not understand {path}: {answer.err.strip()}", code="git_failed")
    return answer.text or None


def _read_index(listing: Answer) -> tuple[Staged, ...]:
    entries = []
    for line in listing.fields:
        told, _, path = line.partition("\t")
        tag, mode, blob, stage = told.split(" ")
        entries.append(Staged(path, mode, blob, int(stage), tag == SKIPPED))
    return tuple(entries)


async def _unheld(git: Git, located: Located, head: str | None, base: str | None, *, has_branch: bool) -> int:
    """Count the commits that no remote branch has, nor the base as the project knows it: HEAD is another one here.

    Where no branch holds them, a base may not either: it can be any commit. Then only what has a name counts.
    """
    if head is None:
        return 0
    held = ["--branches", "--tags"]
    if has_branch:
        known = await existing(git, located.project, [f"{base}^{{commit}}"] if base else [], "commit")
        held = [commit for commit, _ in known.values()]
    asked = ("rev-list", "--count", head, "--not", "--remotes", *held, "--")
    return int((await git.must(located.path, *asked, limit_s=CLEAN_GIT_S)).text)


async def _forgotten(git: Git, located: Located, head: str | None, branch: str | None) -> tuple[str, ...]:
    """Name the tips of what only this worktree's own notes lead to: commits made and left without a branch.

    What was amended or rebased away stands in the log of its branch, which stays.
    """
    logged = await _log_of(git, located.path, "HEAD")
    named = {*await asyncio.to_thread(_named_in, located.admin), *logged}
    commits = [commit for commit, _ in (await existing(git, located.path, named, "commit")).values()]
    if not commits:
        return ()
    kept = [f"^{commit}" for commit in await _log_of(git, located.path, branch)] if branch else []
    given = "\n".join((*commits, *kept, ""))
    held = ("--not", *([head] if head else []), "--branches", "--tags", "--remotes", "--")
    asked = ("rev-list", "--ignore-missing", "--parents", "--stdin", *held)
    answer = await git.must(located.path, *asked, given=given.encode(), limit_s=CLEAN_GIT_S)
    lines = [line.split(" ") for line in answer.text.splitlines()]
    inner = {parent for _, *parents in lines for parent in parents}
    tips = tuple(sorted({commit for commit, *_ in lines} - inner))
    if len(tips) > FORGOTTEN_MAX:
        raise RefusedError(f"{len(tips)} lines of work in it have no branch: name those that are to stay")
    return tips


async def _log_of(git: Git, path: str, ref: str) -> list[str]:
    answer = await git.ask(path, "reflog", "show", "--format=%H", ref, "--", limit_s=CLEAN_GIT_S)
    return answer.text.split() if answer.code == 0 else []


def _doing(admin: str) -> str | None:
    return next((doing for sign, doing in _DOING if os.path.lexists(f"{admin}/{sign}")), None)


def notes(admin: str) -> list[str]:
    """Name the files in which git keeps what it knows of this worktree alone."""
    found: list[str] = []
    for directory, folders, files in os.walk(admin):
        folders[:] = [folder for folder in folders if directory != admin or folder not in ELSEWHERE]
        found += [os.path.relpath(f"{directory}/{name}", admin) for name in files if not name.endswith(".lock")]
    return sorted(found)


def _named_in(admin: str) -> list[str]:
    """Give everything in those files that could be the name of a commit."""
    names: set[bytes] = set()
    for note in notes(admin):
        if note not in UNTOLD and not Path(admin, note).is_symlink():
            with Path(admin, note).open("rb") as file:
                names.update(_COMMIT.findall(file.read(GIT_NOTES_BYTES_MAX)))
    return sorted(name.decode() for name in names)
