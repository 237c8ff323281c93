"""Putting a branch into its base inside a bare repository, without any files: trees, commits, and one move of a ref.

Invariant: the base moves from the commit that was seen to the one that was made of it, in one transaction with the ref
that remembers what was merged; or nothing moves. What a push would have run there is not passed over in silence: a
repository with hooks that watch over pushes is not merged in.
"""

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from orchestrd.core import complaints
from orchestrd.forges.sealed import apart
from orchestrd.model.errors import OrchestrdError, RefusedError, TransientError
from orchestrd.model.limits import MERGED_COMMITS_MAX
from orchestrd.model.reaction import MergeMethod, MergeOrder, Refusal
from orchestrd.ports.git import Git, GitAnswer

HOOKS = ("pre-receive", "update", "proc-receive", "post-receive", "post-update", "reference-transaction")
REFUSALS: Mapping[str, Refusal] = {  # by the code of the error
    "conflicts": Refusal.NOT_READY,
    "hooks": Refusal.PLACE,
    "moved": Refusal.MOVED,
    "not_bare": Refusal.PLACE,
    "nothing_new": Refusal.NOTHING,
    "method": Refusal.METHOD,
}
_HEADS = "refs/heads/"
_MOVED = re.compile(r"but expected|unable to resolve reference")  # the ref is elsewhere, or nowhere
_OF_GIT = "command"  # the scope of what our own command line sets


class Written(Struct, frozen=True, kw_only=True):
    """One commit as its author wrote it."""

    author: Mapping[str, str]  # as the environment of git has it
    message: str


def merged_ref(commit: str) -> str:
    """Name the ref that remembers that a commit was merged; it holds that commit."""
    return f"refs/orch/merged/{commit}"


async def refuse_hooks(git: Git, repository: str) -> None:
    """Raise RefusedError (`hooks`) where a push would run programs that a merge of ours would not."""
    told = await git.ask(repository, "config", "--show-scope", "--get-all", "core.hooksPath")
    paths = [path for scope, _, path in (line.partition("\t") for line in told.text.splitlines()) if scope != _OF_GIT]
    found = await asyncio.to_thread(_programs_in, Path(repository, paths[-1] if paths else "hooks"))
    if found:
        raise RefusedError(
            f"{repository} runs {', '.join(found)} when it is pushed to, and a merge in it would pass that over:"
            " merge it by hand, and push",
            code="hooks",
        )


async def refuse_checked_out(git: Git, repository: str) -> None:
    """Raise RefusedError (`not_bare`) where somebody works in the repository itself: their branch would be moved."""
    if (await git.must(repository, "rev-parse", "--is-bare-repository")).text != "true":
        raise RefusedError(
            f"{repository} is no bare repository, and a merge would move what is checked out there: merge it there",
            code="not_bare",
        )


async def put_into_base(git: Git, order: MergeOrder, base: str, base_commit: str) -> None:
    """Merge exactly the commit of the order. Raises OrchestrdError, and then nothing has moved."""
    makers = {MergeMethod.MERGE: _merged, MergeMethod.SQUASH: _squashed, MergeMethod.REBASE: _rebased}
    made = await makers[order.method](git, order, base_commit)
    if await tree_of(git, order.repository, made) == await tree_of(git, order.repository, base_commit):
        raise RefusedError(f"{base} has all that {order.branch} brings: there is nothing to merge", code="nothing_new")
    steps = (
        "start",
        f"update {_HEADS}{base} {made} {base_commit}",
        f"verify {_HEADS}{order.branch} {order.head}",
        f"update {merged_ref(order.head)} {order.head}",
        "commit\n",
    )
    moved = await git.ask(order.repository, "update-ref", "--stdin", given="\n".join(steps).encode())
    if moved.code != 0:
        raise _unmoved(order, base, moved)


def _unmoved(order: MergeOrder, base: str, answer: GitAnswer) -> OrchestrdError:
    """Say why the base stays where it is: a ref has moved meanwhile, or whatever else git says, such as a lock."""
    if _MOVED.search(answer.err):
        return TransientError(f"{base} or {order.branch} has moved meanwhile: {answer.err.strip()}", code="moved")
    return complaints.told(order.repository, "update-ref", answer.err, answer.code)


async def _merged(git: Git, order: MergeOrder, base_commit: str) -> str:
    tree = await _tree_of_both(git, order.repository, base_commit, order.head)
    message = f"Merge branch '{order.branch}'\n"
    return await _committed(git, order.repository, tree, (base_commit, order.head), message)


async def _squashed(git: Git, order: MergeOrder, base_commit: str) -> str:
    tree = await _tree_of_both(git, order.repository, base_commit, order.head)
    commits = await _commits(git, order, base_commit)
    written = [await _written(git, order.repository, commit) for commit, *_ in commits]
    first, *others = [one.message for one in written]
    message = "\n".join([_subject(first), "", *map(_item, (first, *others))]) if others else first
    return await _committed(git, order.repository, tree, (base_commit,), message, author=written[-1].author)


async def _rebased(git: Git, order: MergeOrder, base_commit: str) -> str:
    """Make each commit anew on top of the base; what that has already is left out."""
    repository, onto = order.repository, base_commit
    for commit, *parents in await _commits(git, order, base_commit):
        if len(parents) != 1:
            raise RefusedError(
                f"{order.branch} has merges in it, and cannot be rebased: merge or squash it", code="method"
            )
        onto_tree = await tree_of(git, repository, onto)
        beside = await _committed(git, repository, onto_tree, (parents[0],), "beside\n")
        tree = await _tree_of_both(git, repository, beside, commit)  # their merge base is the parent of both
        if tree != onto_tree:
            written = await _written(git, repository, commit)
            onto = await _committed(git, repository, tree, (onto,), written.message, author=written.author)
    return onto


async def _commits(git: Git, order: MergeOrder, base_commit: str) -> list[list[str]]:
    """Name what the branch brings, the oldest first, each commit with its parents."""
    asked = ("rev-list", "--reverse", "--topo-order", "--parents", f"{base_commit}..{order.head}")
    commits = [line.split(" ") for line in (await git.must(order.repository, *asked)).text.splitlines()]
    if len(commits) > MERGED_COMMITS_MAX:
        told = f"{order.branch} brings {len(commits)} commits: merge it, which takes none of them apart"
        raise RefusedError(told, code="method")
    return commits


async def _written(git: Git, repository: str, commit: str) -> Written:
    asked = ("log", "-1", "--date=raw", "--format=%an%x00%ae%x00%ad%x00%B", commit)
    name, email, date, message = (await git.must(repository, *asked)).text.split("\0", 3)
    author = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email, "GIT_AUTHOR_DATE": f"@{date}"}
    return Written(author=author, message=message)


async def _tree_of_both(git: Git, repository: str, ours: str, theirs: str) -> str:
    async with apart(git, repository, is_kept=True) as environment:
        merged = await git.ask(repository, "merge-tree", "--write-tree", ours, theirs, environment=environment)
    if merged.code == 1:
        raise RefusedError("it has conflicts with its base", code="conflicts")
    if merged.code != 0:
        raise RefusedError(f"git cannot merge it: {merged.err.strip()}", code="git_failed")
    return merged.text.partition("\n")[0]


async def tree_of(git: Git, repository: str, commit: str) -> str:
    """Name the tree of a commit: what its files are."""
    return (await git.must(repository, "rev-parse", f"{commit}^{{tree}}")).text


async def _committed(
    git: Git,
    repository: str,
    tree: str,
    parents: Sequence[str],
    message: str,
    *,
    author: Mapping[str, str] | None = None,
) -> str:
    options = [word for parent in parents for word in ("-p", parent)]
    made = await git.must(
        repository, "commit-tree", tree, *options, "-F", "-", given=message.encode(), environment=author
    )
    return made.text


def _item(message: str) -> str:
    return f"* {_subject(message)}"


def _subject(message: str) -> str:
    return message.partition("\n")[0]


def _programs_in(folder: Path) -> list[str]:
    return [name for name in HOOKS if (folder / name).is_file() and os.access(folder / name, os.X_OK)]
