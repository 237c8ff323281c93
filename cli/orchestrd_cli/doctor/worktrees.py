"""Worktrees without a session: they take room, and may hold work that nobody looks for any more.

Only `orch clean` removes a worktree, and preserves first what is in it and nowhere else.
"""

import os
from collections.abc import Iterator
from shlex import quote

from msgspec import Struct

from orchestrd.client.inspection import is_archived, records_of
from orchestrd.core.layout import Layout
from orchestrd.model.finding import Finding
from orchestrd.model.ids import is_session_id
from orchestrd.model.limits import PLACES_MAX
from orchestrd.model.words import State
from orchestrd.render import counted
from orchestrd_cli.doctor.subject import Subject, Surroundings, named, ok, warn

ASIDE = (".leaving", ".gone")  # what a clean that was cut off has left
MAKING = ".making"  # what is being made, or was left half made


class Facts(Struct, frozen=True, kw_only=True):
    """Paths, by what is wrong with them; `total` counts all worktrees."""

    total: int = 0
    ownerless: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    half_made: tuple[str, ...] = ()


def look(surroundings: Surroundings) -> Facts:
    """List what lies two levels below the root; then see which sessions there are."""
    layout = surroundings.layout
    places = list(_places(layout.worktrees))[:PLACES_MAX]
    making = [f"{layout.worktrees}/{MAKING}/{name}" for name in _listed(f"{layout.worktrees}/{MAKING}")]
    records = records_of(layout)
    being_made = {session.id for session in records.sessions.values() if session.state is State.STARTING}
    plain = [path for path in places if not _name(path).startswith(".")]
    return Facts(
        total=len(plain),
        ownerless=tuple(path for path in plain if not records.knows(_name(path)) and not _was_put_away(layout, path)),
        aside=tuple(path for path in places if _name(path).endswith(ASIDE)),
        half_made=tuple(path for path in making if _name(path) not in being_made),
    )


def judge(facts: Facts) -> Iterator[Finding]:
    """Name them."""
    if facts.ownerless:
        told = f"{counted(len(facts.ownerless), 'worktree')} without a session: {named(facts.ownerless)}"
        yield warn("worktrees", told, "a clean tells what is in them, and loses nothing", "orch clean --dry-run")
    if facts.aside:
        told = f"left by a clean that was cut off: {named(facts.aside)}"
        yield warn("worktrees", told, "the next clean goes on with it, and so does the next daemon", "orch clean")
    for path in facts.half_made:
        cause = "its session has not got as far as to begin; when it is revived it is made anew"
        yield warn("worktrees", f"half made: {path}", cause, f"orch revive {quote(_name(path))}")
    if not (facts.ownerless or facts.aside or facts.half_made):
        total = counted(facts.total, "worktree")
        yield ok("worktrees", f"{total}, and none is left over" if facts.total else "none is left over")


def _places(root: str) -> Iterator[str]:
    for project in _listed(root):
        if not project.startswith("."):
            yield from (f"{root}/{project}/{name}" for name in _listed(f"{root}/{project}"))


def _listed(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208 - names, in bulk
    except (FileNotFoundError, NotADirectoryError):
        return []


def _was_put_away(layout: Layout, path: str) -> bool:
    return is_session_id(_name(path)) and is_archived(layout, _name(path))


def _name(path: str) -> str:
    return path.rpartition("/")[2]


SUBJECT = Subject(name="worktrees", look=look, judge=judge)
