"""Surveying a worktree: what lies there, byte by byte, against what git has of it.

Git's own word for "clean" is not enough to delete by: it may have been told not to look (`--assume-unchanged`), and a
filter may turn different bytes into the same blob. So every file that git does not ignore is read and hashed as it is;
it counts as unmodified if git has these very bytes, or would write them out again.

Invariant: every file of the walk is preserved, or ignored and counted; if one is neither, the survey is obstructed.
Nothing is written but into a scratch directory.
"""

import asyncio
import os
import stat
from shlex import quote

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.core.cleaning import CHANGED
from orchestrd.model.errors import TransientError
from orchestrd.model.limits import CLEAN_GIT_S, IGNORED_TOLD_MAX
from orchestrd.model.worktree import Ignored, Worktree
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.locating import Located, Obstructed
from orchestrd.workspaces.nested import look_into
from orchestrd.workspaces.scratch import Scratch
from orchestrd.workspaces.tracking import GITLINK, Staged, Tracked, track
from orchestrd.workspaces.walking import SHARED_INDEX, Walk, blob_id, git_mode


class Survey(Struct, frozen=True, kw_only=True):
    """A worktree as it was at one moment. `files` is its whole working state as a tree: path -> `mode blob`."""

    located: Located
    tracked: Tracked
    files: dict[str, str]
    unstored: frozenset[str]  # of these the repository may not have the bytes
    worktree: Worktree


class Sifted(Struct, frozen=True):
    """What is in a walk, by what git makes of it."""

    kept: tuple[str, ...]
    ignored: tuple[Ignored, ...]


async def survey(git: Git, scratch: Scratch, located: Located, base: str | None) -> Survey:
    """Look at everything. Raises Obstructed, TransientError where it changes meanwhile, OrchestrdError as git does."""
    walk, stamp = await asyncio.to_thread(stamped_walk, located)
    tracked = await track(git, located, base)
    hidden = {path for path in walk.repositories if _ignored_under(f"{path}/", tracked) is not None}
    inside = await look_into(git, located, walk.repositories, hidden)
    tracked = replace(tracked, ignored=tracked.ignored | inside.ignored)
    sifted = await asyncio.to_thread(_sift, walk, tracked, located.project)
    files = await asyncio.to_thread(_as_it_is, walk, tracked, sifted.kept)
    files |= _as_noted(walk, tracked, inside.commits)
    written_so = await _as_written_out(git, scratch, walk, tracked, files)
    seen = Worktree(place=located.place, stamp=stamp, project=located.project, disk_bytes=walk.disk_bytes)
    return Survey(
        located=located,
        tracked=tracked,
        files=files | written_so,
        unstored=frozenset(
            path for path in sifted.kept if path not in written_so and files[path] != tracked.committed.get(path)
        ),
        worktree=_told(seen, tracked, files | written_so, sifted.ignored),
    )


def stamped_walk(located: Located, path: str | None = None) -> tuple[Walk, str]:
    """Walk over a worktree, wherever it lies now, and over what git notes about it; the stamp tells of any change."""
    walk = Walk(path or located.path)
    return walk, f"{walk.stamp}.{Walk(located.admin, SHARED_INDEX).stamp}"


# ---- what is kept, what is ignored -----------------------------------------------------------------------------------


def _sift(walk: Walk, tracked: Tracked, project: str) -> Sifted:
    """Tell all files apart. Raises Obstructed for one of which git says nothing."""
    ours = {staged.path for staged in tracked.staged} | tracked.committed.keys() | tracked.untracked
    kept: list[str] = []
    ignored: dict[str, tuple[int, int]] = {}
    for path in walk.modes:
        if path in ours:
            kept.append(path)
        elif (top := _ignored_under(path, tracked)) is not None:
            files, size = ignored.get(top, (0, 0))
            ignored[top] = (files + 1, size + walk.sizes[path])
        elif not any(path.startswith(f"{repository}/") for repository in walk.repositories):
            raise _of_which_git_says_nothing(f"{walk.top}/{path}")
    brought = {path for path in walk.modes if _is_brought(walk, path, project)}
    kept = [path for path in kept if path not in brought or path not in tracked.untracked]
    told = (
        Ignored(path=path, files=files, bytes=size) for path, (files, size) in ignored.items() if path not in brought
    )
    return Sifted(tuple(kept), tuple(sorted(told, key=lambda one: (-one.bytes, one.path))))


def _of_which_git_says_nothing(path: str) -> Exception:
    if not os.path.lexists(path):
        return TransientError(f"{path} has gone while it was looked at", code=CHANGED)
    return Obstructed(f"git says nothing of {path}", f"ls -la {quote(path)}")


def _ignored_under(path: str, tracked: Tracked) -> str | None:
    """Name the topmost ignored thing that this is, or is in; null where it is not ignored."""
    if not tracked.ignored:
        return None
    end = path.find("/")
    while end >= 0:
        if path[: end + 1] in tracked.ignored:
            return path[: end + 1]
        end = path.find("/", end + 1)
    return path if path in tracked.ignored else None


def _is_brought(walk: Walk, path: str, project: str) -> bool:
    """Tell whether this is a link to the same thing in the project, as it is put there when a worktree is made."""
    if not stat.S_ISLNK(walk.modes[path]):
        return False
    return os.readlink(f"{walk.top}/{path}") == f"{project}/{path}"


# ---- the working state as a tree -------------------------------------------------------------------------------------


def _as_it_is(walk: Walk, tracked: Tracked, kept: tuple[str, ...]) -> dict[str, str]:
    """Hash every file that is kept, as it is on disk."""
    modes = {} if tracked.has_modes else {staged.path: staged.mode for staged in tracked.staged}
    found: dict[str, str] = {}
    for path in kept:
        mode = git_mode(walk.modes[path])
        if mode != "120000" and modes.get(path, "").startswith("100"):
            mode = modes[path]
        try:
            found[path] = f"{mode} {blob_id(f'{walk.top}/{path}', walk.modes[path], tracked.algorithm)}"
        except PermissionError as error:
            where = f"{walk.top}/{path}"
            raise Obstructed(f"{where} cannot be read: {error.strerror}", f"ls -la {quote(where)}") from error
        except OSError as error:
            raise TransientError(
                f"{walk.top}/{path} changes while it is looked at: {error.strerror}", code=CHANGED
            ) from error
    return found


def _as_noted(walk: Walk, tracked: Tracked, commits: dict[str, str]) -> dict[str, str]:
    """Give what is in the index and need not be on disk: repositories inside, and what a sparse checkout leaves out."""
    noted: dict[str, str] = {}
    for staged in tracked.staged:
        if staged.mode == GITLINK:
            noted[staged.path] = f"{GITLINK} {commits.get(staged.path, staged.blob)}"
        elif staged.is_skipped and staged.path not in walk.modes:
            noted[staged.path] = staged.entry
    return noted


async def _as_written_out(
    git: Git, scratch: Scratch, walk: Walk, tracked: Tracked, files: dict[str, str]
) -> dict[str, str]:
    """Find the files that only look modified: git would write these very bytes out for what is in the index.

    Line endings and filters do that. A filter that fails proves nothing: its file counts as modified.
    """
    suspects = {
        staged.path: f"{files[staged.path].partition(' ')[0]} {staged.blob}"
        for staged in tracked.staged
        if staged.stage == 0 and _may_be_converted(staged, files.get(staged.path))
    }
    if not suspects:
        return {}
    given = os.fsencode("".join(f"{path}\0" for path in suspects))
    out = f"{scratch.path}/out/"
    await git.ask(walk.top, "checkout-index", f"--prefix={out}", "-z", "--stdin", given=given, limit_s=CLEAN_GIT_S)
    return await asyncio.to_thread(_same_bytes, out, suspects, files, tracked.algorithm)


def _may_be_converted(staged: Staged, found: str | None) -> bool:
    return staged.mode.startswith("100") and found is not None and found.startswith("100") and found != staged.entry


def _same_bytes(out: str, suspects: dict[str, str], files: dict[str, str], algorithm: str) -> dict[str, str]:
    same: dict[str, str] = {}
    for path, entry in suspects.items():
        try:
            written = blob_id(out + path, stat.S_IFREG, algorithm)
        except OSError:
            continue
        if files[path].endswith(f" {written}"):
            same[path] = entry
    return same


# ---- the facts -------------------------------------------------------------------------------------------------------


def _told(seen: Worktree, tracked: Tracked, files: dict[str, str], ignored: tuple[Ignored, ...]) -> Worktree:
    staged = {one.path: one.entry for one in tracked.staged if one.stage == 0}
    conflicts = {one.path for one in tracked.staged if one.stage != 0}
    both = staged.keys() | tracked.committed.keys()
    return replace(
        seen,
        branch=tracked.branch,
        head=tracked.head,
        doing=tracked.doing,
        staged=sum(staged.get(path) != tracked.committed.get(path) for path in both - conflicts) + len(conflicts),
        modified=sum(files.get(path) != entry for path, entry in staged.items()),
        untracked=len(files.keys() - staged.keys() - conflicts),
        unheld=tracked.unheld,
        forgotten=len(tracked.forgotten),
        ignored=ignored[:IGNORED_TOLD_MAX],
        ignored_files=sum(one.files for one in ignored),
        ignored_bytes=sum(one.bytes for one in ignored),
    )
