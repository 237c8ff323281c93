"""What git says of worktrees, read out of its own files: no git is started for a look, but for what files do not tell.

The URL of a remote takes a git, for much may stand in the way of what a file says of it; it is asked once, and again
when the configuration of the repository has changed. A repository whose branches are no files (`reftable`) is asked for
its commits as well.

Invariant: whatever an agent has put in the place of these files, a look ends: only regular files are read, and of each
no more than a bound.
"""

import asyncio
import math
import os
import re
import stat
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.model.errors import OrchestrdError
from orchestrd.model.limits import (
    CHECKOUT_REPOSITORIES_MAX,
    CHECKOUT_RETRY_S,
    GIT_NOTES_BYTES_MAX,
    REPOSITORY_LOOK_S,
)
from orchestrd.ports.checkouts import Checkout, WantedCheckout
from orchestrd.workspaces.git import Answer, Git
from orchestrd.workspaces.locating import NOTE_BYTES_MAX

HEADS, REMOTES = "refs/heads/", "refs/remotes/"
ELSEWHERE = "refs/heads/.invalid"  # what HEAD says where branches are no files
NO_SUCH_REMOTE = 2  # the exit code of `git remote`; any other failure says nothing of whether there is one
_COMMIT = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
_NOTHING = Checkout()

Stamp = tuple[int, ...]  # changes when a file does


class Found(Struct, frozen=True):
    """A worktree as its files tell, but for its remote: where its repository is, and what that is set to."""

    common: str
    settings: Stamp
    checkout: Checkout
    is_elsewhere: bool  # its branches are no files


class Packed(Struct, frozen=True):
    """The refs that a repository has put into one file, as they were when it had this stamp."""

    stamp: Stamp
    refs: dict[str, str]


class Told(Struct, frozen=True):
    """The URL of a remote, as a repository with these settings has it; and when, on the loop's clock, to ask again."""

    settings: Stamp
    asked_again_s: float
    url: str | None = None
    is_none: bool = False  # there is no such remote


class GitCheckouts:
    """Looks at worktrees; it remembers what changes seldom of their repositories, of a bounded number of them."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._packed: dict[str, Packed] = {}
        self._urls: dict[tuple[str, str], Told] = {}

    async def look(self, wanted: Sequence[WantedCheckout], remote: str) -> Sequence[Checkout]:
        """See the port."""
        found = await asyncio.to_thread(self._read, wanted, remote)
        return [
            _NOTHING if one is None else await self._completed(one, wish.path, remote)
            for wish, one in zip(wanted, found, strict=True)
        ]

    # ---- on a thread

    def _read(self, wanted: Sequence[WantedCheckout], remote: str) -> list[Found | None]:
        _bound(self._packed)
        return [self._read_one(wish.path, remote) for wish in wanted]

    def _read_one(self, path: str, remote: str) -> Found | None:
        try:
            admin = _administration(path)
            common = os.path.normpath(os.path.join(admin, _text(f"{admin}/commondir") or "."))
            head = _symbolic(f"{admin}/HEAD")  # read first: a git would wait for a pipe that stands there
            branch = head.removeprefix(HEADS) if head and head.startswith(HEADS) and head != ELSEWHERE else None
            (branch or "").encode()  # a name that is no text cannot be told of: ValueError
            tracked = f"{REMOTES}{remote}/"
            default = (_text(f"{common}/{tracked}HEAD") or "").removeprefix("ref: ")
            return Found(
                common=common,
                settings=_stamp(f"{common}/config"),
                checkout=Checkout(
                    branch=branch,
                    head=self._commit(common, HEADS + branch) if branch else None,
                    pushed=self._commit(common, tracked + branch) if branch else None,
                    default=default.removeprefix(tracked) if default.startswith(tracked) else None,
                ),
                is_elsewhere=head == ELSEWHERE,
            )
        except (OSError, ValueError):
            return None

    def _commit(self, common: str, ref: str) -> str | None:
        """Find a ref in a file of its own, or else among those that were packed."""
        told = _text(f"{common}/{ref}")
        if told is not None:
            return told if _COMMIT.fullmatch(told) else None
        stamp = _stamp(f"{common}/packed-refs")
        packed = self._packed.get(common)
        if packed is None or packed.stamp != stamp:
            packed = self._packed[common] = Packed(stamp, _packed_refs(f"{common}/packed-refs"))
        return packed.refs.get(ref)

    # ---- asked of git

    async def _completed(self, found: Found, path: str, remote: str) -> Checkout:
        try:
            known = await self._told(found, path, remote)
            told = await self._asked(path, remote) if found.is_elsewhere else found.checkout
        except OrchestrdError:
            return found.checkout
        return replace(told, remote=known.url, lacks_remote=known.is_none)

    async def _told(self, found: Found, path: str, remote: str) -> Told:
        key, now_s = (found.common, remote), asyncio.get_running_loop().time()
        known = self._urls.get(key)
        if known is None or known.settings != found.settings or known.asked_again_s <= now_s:
            _bound(self._urls)
            later = Told(found.settings, now_s + CHECKOUT_RETRY_S)
            try:
                answer = await self._git.ask(path, "remote", "get-url", "--", remote, limit_s=REPOSITORY_LOOK_S)
            except OrchestrdError:
                self._urls[key] = later
                raise
            self._urls[key] = known = _read(answer, found) or later
        return known

    async def _asked(self, path: str, remote: str) -> Checkout:
        """Ask git for what stands in no files here."""
        tracked = f"{REMOTES}{remote}/"
        branch = (await self._git.ask(path, "symbolic-ref", "-q", "HEAD")).text.removeprefix(HEADS) or None
        default = (await self._git.ask(path, "symbolic-ref", "-q", f"{tracked}HEAD")).text.removeprefix(tracked)
        names = (f"{HEADS}{branch}", f"{tracked}{branch}") if branch else ()
        commits = [(await self._git.ask(path, "rev-parse", "-q", "--verify", name)).text or None for name in names]
        head, pushed = commits or (None, None)
        return Checkout(branch=branch, head=head, pushed=pushed, default=default or None)


def _read(answer: Answer, found: Found) -> Told | None:
    """Read what git says of a remote; null where it has failed."""
    if answer.code == NO_SUCH_REMOTE:
        return Told(found.settings, math.inf, is_none=True)
    if answer.code != 0:
        return None
    return Told(found.settings, math.inf, _absolute(answer.text.partition("\n")[0], found.common))


def _absolute(url: str, common: str) -> str:
    """Name a repository that a relative path leads to by where it is, taken from the project, for it was set there."""
    if not url.startswith(("./", "../")):
        return url
    project = os.path.dirname(common) if os.path.basename(common) == ".git" else common
    return os.path.normpath(os.path.join(project, url))


def _administration(path: str) -> str:
    """Find where git keeps what it knows of a worktree: in a linked one `.git` is a file that says so."""
    link = f"{path}/.git"
    if stat.S_ISDIR(os.stat(link).st_mode):
        return link
    word, _, target = (_text(link) or "").partition(": ")
    if word != "gitdir":
        raise ValueError(f"{link} leads nowhere")
    return os.path.join(path, target)


def _symbolic(path: str) -> str | None:
    """Give the ref that a file leads to; null where it names a commit. Raises ValueError where it is no such file."""
    text = _text(path)
    if text is None:
        raise ValueError(f"{path} is not there")
    word, _, ref = text.partition(": ")
    return ref.strip() if word == "ref" else None


def _packed_refs(path: str) -> dict[str, str]:
    lines = (line.split(" ") for line in (_text(path, GIT_NOTES_BYTES_MAX) or "").splitlines())
    return {words[1]: words[0] for words in lines if len(words) == 2 and _COMMIT.fullmatch(words[0])}


def _text(path: str, bytes_max: int = NOTE_BYTES_MAX) -> str | None:
    """Read a small file; null where there is none. A pipe or a device is none, and never waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return os.fsdecode(os.read(descriptor, bytes_max)).removesuffix("\n")
    finally:
        os.close(descriptor)


def _stamp(path: str) -> Stamp:
    """Raises ValueError where it is no file that could be read."""
    try:
        seen = os.stat(path)
    except FileNotFoundError:
        return ()
    if not stat.S_ISREG(seen.st_mode):
        raise ValueError(f"{path} is no file")
    return (seen.st_mtime_ns, seen.st_size, seen.st_ino)


def _bound(memory: dict[str, Packed] | dict[tuple[str, str], Told]) -> None:
    if len(memory) >= CHECKOUT_REPOSITORIES_MAX:
        memory.clear()
