"""Preserving a worktree: its whole state as one commit under `refs/orch/preserve/<id>` of its repository.

The tree of that commit is what lies on disk, untracked files included, byte for byte. Its parents are the commit the
worktree stands at, then whatever else only the worktree has: its index where that is like neither, what git has noted
where it is in the middle of something, commits that no branch holds, and last what the ref held before. So nothing that
was ever preserved is overwritten.

Invariant: when this returns, the ref is there, everything behind it is on disk, and the worktree was just so both
before and after. Nothing is removed here.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial

from msgspec import Struct

from orchestrd.core.cleaning import CHANGED, preserve_ref
from orchestrd.model.errors import FaultError, TransientError
from orchestrd.model.limits import CLEAN_GIT_S
from orchestrd.model.worktree import Preserved, Worktree
from orchestrd.workspaces.git import Answer, Git
from orchestrd.workspaces.scratch import Scratch
from orchestrd.workspaces.surveying import Survey, stamped_walk
from orchestrd.workspaces.tracking import Staged, existing, notes, read_tree

Ask = Callable[..., Awaitable[Answer]]

EMPTY_BLOBS = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)


async def preserve(git: Git, scratch: Scratch, survey: Survey) -> Preserved:
    """Preserve what was surveyed. Raises TransientError where it has changed meanwhile, OrchestrdError as git does."""
    work = _Work(git, scratch, survey)
    await work.begin()
    tree = await work.working_state()
    head = [survey.tracked.head] if survey.tracked.head else []
    parents = [*head, *await work.index_state(), *await work.notes_state(), *survey.tracked.forgotten]
    ref = preserve_ref(survey.located.place.name)
    async with git.alone(survey.located.common):
        commit = await work.commit_to(ref, tree, parents)
    await work.verify(ref, commit)
    _, stamp = await asyncio.to_thread(stamped_walk, survey.located)
    if stamp != survey.worktree.stamp:
        raise TransientError(f"{survey.located.path} changes while it is preserved", code=CHANGED)
    return Preserved(worktree=survey.worktree, ref=ref, commit=commit)


class _Work:
    """The steps of preserving one worktree."""

    def __init__(self, git: Git, scratch: Scratch, survey: Survey) -> None:
        self._git = git
        self._scratch = scratch
        self._survey = survey
        self._located = survey.located
        self._objects = ""

    async def begin(self) -> None:
        """Make the scratch repository over the objects of the real one."""
        path = self._located.path
        answer = await self._git.must(path, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        self._objects = answer.text
        await asyncio.to_thread(self._scratch.fill, self._survey.tracked.algorithm)

    async def working_state(self) -> str:
        """Store the files as they are; gives the tree, which has just what was surveyed."""
        unstored = self._survey.unstored
        known = {path: entry for path, entry in self._survey.files.items() if path not in unstored}
        ask = self._with("index", self._located.path)
        await _enter(ask, known)
        await _store(ask, sorted(unstored))
        tree = await _tree(ask)
        if read_tree(await ask("ls-tree", "-r", "-z", "--full-tree", tree)) != self._survey.files:
            raise TransientError(f"{self._located.path} changes while it is preserved", code=CHANGED)
        return tree

    async def index_state(self) -> list[str]:
        """Give a commit of the index, where it is like neither the commit below it nor the working state."""
        tracked = self._survey.tracked
        index = {_side(one): one.entry for one in tracked.staged}
        if index in (tracked.committed, self._survey.files):
            return []
        ask = self._with("staged", self._located.path)
        if any(one.blob in EMPTY_BLOBS for one in tracked.staged):
            await ask(
                "hash-object", "-w", "--stdin"
            )  # what is only intended to be added has a blob that was never made
        await _enter(ask, index)
        return [await self._part(await _tree(ask), "the index")]

    async def notes_state(self) -> list[str]:
        """Give a commit of what git has noted, where it is in the middle of something."""
        if self._survey.tracked.doing is None:
            return []
        ask = self._with("notes", self._located.admin)
        await _store(ask, await asyncio.to_thread(notes, self._located.admin))
        return [await self._part(await _tree(ask), f"what git noted of the {self._survey.tracked.doing}")]

    async def commit_to(self, ref: str, tree: str, parents: list[str]) -> str:
        """Have the ref hold this state, over what it held before; one that it holds already stays."""
        path = self._located.path
        before = (await self._git.ask(path, "rev-parse", "--verify", "-q", ref)).text
        if before:
            held = await self._read(before)
            if held.tree == tree and held.parents[: len(parents)] == parents and len(held.parents) <= len(parents) + 1:
                return before
            parents = [*parents, before]
        commit = await _commit(self._with("index", path), tree, parents, _message(self._survey.worktree))
        words = (
            "update-ref",
            "--create-reflog",
            "-m",
            "orch clean: preserved",
            ref,
            commit,
            before or "0" * len(commit),
        )
        await self._git.must(path, *words)
        return commit

    async def verify(self, ref: str, commit: str) -> None:
        """Make sure of what all the rest relies on. Raises FaultError."""
        path, survey = self._located.path, self._survey
        held = await self._git.must(path, "rev-parse", "--verify", "-q", ref)
        blobs = {survey.files[file].partition(" ")[2] for file in survey.unstored}
        stored = await existing(self._git, path, sorted(blobs), "blob")
        if held.text != commit or stored.keys() != blobs:
            raise FaultError(f"{ref} does not hold what was just stored", code="not_preserved")
        directories = {f"{self._objects}/{name[:2]}" for name in (*blobs, commit)} | {self._objects}
        await asyncio.to_thread(_sync, [*directories, os.path.dirname(f"{self._located.common}/{ref}")])

    def _with(self, index: str, work_tree: str, at: str | None = None) -> Ask:
        """Give git over the scratch repository; what it commits is dated `at`, or now."""
        environment = self._scratch.environment(index, work_tree, self._objects)
        if at is not None:
            environment |= {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
        return partial(self._git.must, work_tree, environment=environment, limit_s=CLEAN_GIT_S)

    async def _part(self, tree: str, what: str) -> str:
        """Commit a part of it, dated like the commit below, so that the same part is always the same commit."""
        head = self._survey.tracked.head
        below = await self._read(head) if head else None
        ask = self._with("index", self._located.path, f"@{below.at if below else 0} +0000")
        return await _commit(ask, tree, [head] if head else [], f"orchestrd: {what}\n")

    async def _read(self, commit: str) -> "_Commit":
        told = (await self._git.must(self._located.path, "cat-file", "commit", commit)).text
        head = [line.partition(" ") for line in told.partition("\n\n")[0].split("\n")]
        committer = next(value for word, _, value in head if word == "committer")
        return _Commit(
            tree=next(value for word, _, value in head if word == "tree"),
            parents=[value for word, _, value in head if word == "parent"],
            at=int(committer.rsplit(" ", 2)[1]),
        )


class _Commit(Struct, frozen=True):
    tree: str
    parents: list[str]
    at: int  # seconds since 1970


async def _enter(ask: Ask, files: Mapping[str, str]) -> None:
    """Put blobs that are stored already into an index."""
    if files:
        given = os.fsencode("".join(f"{entry}\t{path}\0" for path, entry in files.items()))
        await ask("update-index", "-z", "--index-info", given=given)


async def _store(ask: Ask, paths: Iterable[str]) -> None:
    """Store files as they are, and put them into an index."""
    if given := os.fsencode("".join(f"{path}\0" for path in paths)):
        await ask("update-index", "--add", "-z", "--stdin", given=given)


async def _tree(ask: Ask) -> str:
    """Write an index as a tree. What is left out of a partial clone is left out here too."""
    return (await ask("write-tree", "--missing-ok")).text


async def _commit(ask: Ask, tree: str, parents: Iterable[str], message: str) -> str:
    said = [word for parent in parents for word in ("-p", parent)]
    return (await ask("commit-tree", tree, *said, given=message.encode("utf-8", "backslashreplace"))).text


def _side(staged: Staged) -> str:
    """Name an entry of the index in a tree: the sides of a conflict lie beside each other."""
    return f"{staged.path}.stage{staged.stage}" if staged.stage else staged.path


def _message(worktree: Worktree) -> str:
    """Say in the commit what it is, and what it does not hold."""
    lines = [
        f"orchestrd: the worktree of {worktree.place.name} as it was",
        "",
        f"worktree: {worktree.place.path!a}",
        f"branch: {worktree.branch or '(detached)'}",
        f"in the middle of: {worktree.doing or '-'}",
        f"staged: {worktree.staged}, modified: {worktree.modified}, untracked: {worktree.untracked} (files)",
        f"ignored by git, and not in here: {worktree.ignored_files} files, {worktree.ignored_bytes} bytes",
        *(f"  {one.path!a}: {one.files} files, {one.bytes} bytes" for one in worktree.ignored),
    ]
    return "\n".join(lines) + "\n"


def _sync(directories: Iterable[str]) -> None:
    """Make the names durable that git has given its files; the files it has synced itself."""
    for directory in directories:
        with suppress(FileNotFoundError):  # it is in a pack, or the refs are kept otherwise
            descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
