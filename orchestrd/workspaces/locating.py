"""Finding the worktrees below the managed root, and making sure that each is what it seems.

Invariant: nothing is located but a directory of ours, exactly two levels below the real root and behind no symbolic
link, which a repository outside of it knows as one of its linked worktrees. All else is an obstacle, and stays.
"""

import os
import stat
from collections.abc import Iterator
from shlex import quote

from msgspec import Struct

from orchestrd.model.worktree import Obstacle, Place

LEAVING = ".leaving"  # set aside, and looked at once more: nothing of it has been deleted
GONE = ".gone"  # looked at for the last time: what is left of it may be deleted
NOTE_BYTES_MAX = 8 * 1024  # of the one-line files by which git finds things


class Located(Struct, frozen=True, kw_only=True):
    """A linked worktree, with where its repository keeps what it knows of it."""

    place: Place
    admin: str  # its own directory below `worktrees/` of the repository
    common: str  # the repository itself
    project: str  # what `git -C` takes for the repository

    @property
    def path(self) -> str:
        """The worktree itself."""
        return self.place.path


class Obstructed(Exception):
    """Something keeps a worktree from being taken apart; `obstacle` says what."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.obstacle = Obstacle(why=why, hint=hint)


class Empty(Exception):
    """A directory of ours with nothing in it."""


def places(root: str) -> list[Place]:
    """Name everything two levels below the root, but for what is hidden; empty where there is no root."""
    return [place for place in _entries(root) if not place.name.startswith(".")]


def projects(root: str) -> list[str]:
    """Name the directories below the root; what is hidden is none, and a symbolic link is not followed."""
    paths = [f"{root}/{name}" for name in _listed(root) if not name.startswith(".")]
    return [path for path in paths if stat.S_ISDIR(os.lstat(path).st_mode)]


def leftovers(root: str, ending: str) -> list[tuple[Place, str]]:
    """Name what a removal that was cut off has left: the place it was taken from, and where it lies now."""
    return [
        (Place(name=name, path=f"{os.path.dirname(left.path)}/{name}"), left.path)
        for left in _entries(root)
        if left.name.startswith(".") and left.name.endswith(ending)
        for name in (left.name[1 : -len(ending)],)
    ]


def aside(place: Place, ending: str) -> str:
    """Give where a worktree lies while it is being removed: beside its place, hidden."""
    directory, _, name = place.path.rpartition("/")
    return f"{directory}/.{name}{ending}"


def locate(root: str, place: Place) -> Located:
    """Find out what a place is. Raises Obstructed, Empty, or OSError where it cannot be looked at."""
    _check_directory(root, place)
    link = os.path.join(place.path, ".git")
    if not os.path.lexists(link):
        if not os.listdir(place.path):
            raise Empty
        raise Obstructed("there is no .git in it: it is no worktree of a repository", f"ls -la {quote(place.path)}")
    if not stat.S_ISREG(os.lstat(link).st_mode):
        raise Obstructed("it is a repository of its own, and no worktree of another", f"git -C {quote(place.path)} log")
    admin = _admin_of(place.path, link)
    common = os.path.realpath(os.path.join(admin, note(f"{admin}/commondir")))
    _check_registration(place, admin, common)
    if os.path.lexists(f"{admin}/locked"):
        reason = note(f"{admin}/locked") or "no reason is given"
        raise Obstructed(f"it is locked: {reason}", f"git -C {quote(place.path)} worktree unlock {quote(place.path)}")
    return Located(place=place, admin=admin, common=common, project=_project_of(common))


def _entries(root: str) -> Iterator[Place]:
    """Give what lies two levels down, in order."""
    for project in projects(root):
        yield from (Place(name=name, path=f"{project}/{name}") for name in _listed(project))


def _listed(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []


def _check_directory(root: str, place: Place) -> None:
    kind = os.lstat(place.path).st_mode
    if stat.S_ISLNK(kind):
        raise Obstructed("it is a symbolic link, which is not followed", f"ls -l {quote(place.path)}")
    if not stat.S_ISDIR(kind):
        raise Obstructed("it is no directory", f"ls -l {quote(place.path)}")
    real, below = os.path.realpath(place.path), place.path.rsplit("/", 2)[1:]
    if real != os.path.join(os.path.realpath(root), *below):
        raise Obstructed(f"it is really {real}, which is not below {root}", f"ls -l {quote(place.path)}")


def _project_of(common: str) -> str:
    return os.path.dirname(common) if os.path.basename(common) == ".git" else common


def _link_at(place: Place) -> str:
    return f"{os.path.realpath(place.path)}/.git"


def _admin_of(path: str, link: str) -> str:
    word, _, target = note(link).partition(": ")
    admin = os.path.realpath(os.path.join(path, target))
    if word != "gitdir" or not os.path.isfile(f"{admin}/commondir"):
        raise Obstructed("its repository is gone, or does not know it any more", f"cat {quote(link)}")
    return admin


def _check_registration(place: Place, admin: str, common: str) -> None:
    """A worktree that was copied, moved by hand, or that holds its own repository is not what its .git claims."""
    known_as = os.path.realpath(os.path.join(admin, note(f"{admin}/gitdir")))
    if os.path.dirname(admin) != f"{common}/worktrees" or known_as != _link_at(place):
        raise Obstructed(f"the repository {common} knows it as another one", f"git -C {quote(common)} worktree list")
    if f"{common}/".startswith(f"{os.path.realpath(place.path)}/"):
        raise Obstructed(f"it holds its own repository {common}", f"git -C {quote(common)} worktree list")


def unregistered(place: Place, gone: str) -> Located | None:
    """Find the repository that a worktree was taken from by a removal that was cut off; null where it has forgotten it.

    Where its place is taken again, what the repository knows is of the new one, and must stay.
    """
    try:
        admin = _admin_of(gone, f"{gone}/.git")
        known_as = note(f"{admin}/gitdir")
        common = os.path.realpath(os.path.join(admin, note(f"{admin}/commondir")))
    except (Obstructed, OSError):
        return None
    if os.path.lexists(place.path) or os.path.realpath(os.path.join(admin, known_as)) != _link_at(place):
        return None
    return Located(place=place, admin=admin, common=common, project=_project_of(common))


def note(path: str) -> str:
    """Read one of the small files by which git finds things."""
    with open(path, "rb") as file:
        return os.fsdecode(file.read(NOTE_BYTES_MAX)).removesuffix("\n")
