"""A managed worktree as it is found on disk: facts that were seen, none of them a judgement."""

from msgspec import Struct


class Place(Struct, frozen=True, kw_only=True):
    """A directory where worktrees are kept: `<root>/<project>/<name>`; `name` is the id of a session."""

    name: str
    path: str


class Obstacle(Struct, frozen=True, kw_only=True):
    """Why something about a worktree keeps it from being taken apart, and the next command."""

    why: str
    hint: str = ""


class Ignored(Struct, frozen=True, kw_only=True):
    """A file that git ignores, or a directory of nothing else; what is in it is counted."""

    path: str
    files: int
    bytes: int


class Worktree(Struct, frozen=True, kw_only=True):
    """What was seen of one worktree. Counts are files, or commits where they say so; bytes are what the disk gives."""

    place: Place
    stamp: str = ""  # changes with every file there, and with what git notes about it
    obstacle: Obstacle | None = None
    is_empty: bool = False  # a directory with nothing in it
    disk_bytes: int = 0
    project: str | None = None  # where its repository is, as `git -C` takes it
    branch: str | None = None
    head: str | None = None
    doing: str | None = None  # what git is in the middle of there: `rebase`, `merge`
    staged: int = 0
    modified: int = 0
    untracked: int = 0
    unheld: int = 0  # commits that neither a remote branch nor the base holds
    forgotten: int = 0  # commits that nothing but this worktree's own log remembers
    ignored: tuple[Ignored, ...] = ()  # the largest of them
    ignored_files: int = 0
    ignored_bytes: int = 0


class Preserved(Struct, frozen=True, kw_only=True):
    """A worktree whose whole state is held by a ref of its repository, verified."""

    worktree: Worktree
    ref: str
    commit: str


class Removal(Struct, frozen=True, kw_only=True):
    """What became of an attempt to remove a worktree. `freed_bytes` is null where it is still there."""

    freed_bytes: int | None = None
    obstacle: Obstacle | None = None
    has_changed: bool = False  # it is not as it was when it was looked at
