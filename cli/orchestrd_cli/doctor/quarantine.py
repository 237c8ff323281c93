"""What was set aside: files whose content was not what it should be. They are named, and never deleted by orchestrd."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from shlex import quote

from msgspec import Struct

from orchestrd.client.inspection import rejections
from orchestrd.model.finding import Finding
from orchestrd.model.limits import NAMED_MAX
from orchestrd.render import age, counted
from orchestrd_cli.doctor.subject import Subject, Surroundings, ok, warn


class Kept(Struct, frozen=True, kw_only=True):
    """One file in quarantine, since when, and why, where the journal still says it."""

    path: str
    at: datetime
    why: str = ""


class Facts(Struct, frozen=True, kw_only=True):
    """All of them, newest first."""

    directory: str
    kept: tuple[Kept, ...]
    now: datetime


def look(surroundings: Surroundings) -> Facts:
    """List the quarantine; only where something is in it is the journal asked for the reasons."""
    directory = surroundings.layout.quarantine
    try:
        with os.scandir(directory) as entries:
            found = {entry.path: entry.stat(follow_symlinks=False).st_ctime for entry in entries}
    except FileNotFoundError:
        found = {}
    whys = {event.path: event.error or "" for event in rejections(surroundings.layout)} if found else {}
    kept = [
        Kept(path=path, at=datetime.fromtimestamp(at_s, tz=UTC), why=whys.get(path, ""))
        for path, at_s in sorted(found.items(), key=lambda item: -item[1])
    ]
    return Facts(directory=directory, kept=tuple(kept), now=surroundings.now)


def judge(facts: Facts) -> Iterator[Finding]:
    """Name the newest with their reasons, and count the rest."""
    for kept in facts.kept[:NAMED_MAX]:
        why = f"{kept.why or 'the journal does not say why any more'}; orchestrd never deletes it"
        told = f"{kept.path}, set aside {age(kept.at, facts.now)} ago"
        yield warn("quarantine", told, why, f"less {quote(kept.path)}")
    if len(facts.kept) > NAMED_MAX:
        more = counted(len(facts.kept) - NAMED_MAX, "older file")
        yield warn("quarantine", f"and {more}", next_=f"ls -lt {quote(facts.directory)}")
    if not facts.kept:
        yield ok("quarantine", "empty: nothing was rejected")


SUBJECT = Subject(name="quarantine", look=look, judge=judge)
