"""Files that were to be there for a moment only: drafts that nobody finished, spooled commands that nobody took in.

A draft is stale when it is so old that nobody can still be writing it; then it was acknowledged to nobody.
"""

import os
import stat
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.model.finding import Finding, Level
from orchestrd.model.limits import INBOX_TMP_KEPT_S, SPOOL_TAKEN_S
from orchestrd.render import age, counted
from orchestrd_cli import holder
from orchestrd_cli.doctor.subject import FIX, Subject, Surroundings, named, ok, warn


class Left(Struct, frozen=True, kw_only=True):
    """One file, and when it was last written, in seconds since the epoch."""

    path: str
    at_s: float


class Facts(Struct, frozen=True, kw_only=True):
    """Drafts, and commands that wait to be taken in. `has_daemon`: somebody is there to do so."""

    now: datetime
    drafts: tuple[Left, ...] = ()
    spooled: tuple[Left, ...] = ()
    has_daemon: bool = False


def look(surroundings: Surroundings) -> Facts:
    """List what waits, and what was never finished."""
    layout = surroundings.layout
    drafts = [
        left
        for directory in (layout.home, layout.sessions, layout.prompts, layout.secrets)
        for left in _files(directory)
        if (name := left.path.rpartition("/")[2]).startswith(".") and name.endswith(".tmp")
    ]
    return Facts(
        now=surroundings.now,
        drafts=(*drafts, *_files(layout.inbox_tmp)),
        spooled=tuple(_files(layout.inbox_new)),
        has_daemon=_has_daemon(layout),
    )


def judge(facts: Facts) -> Iterator[Finding]:
    """Name what is stale, and what waits in vain."""
    stale = _stale(facts)
    if stale:
        yield Finding(
            subject="leftovers",
            level=Level.WARN,
            told=f"{counted(len(stale), 'file')} that nobody finished: {named([left.path for left in stale])}",
            cause="what was being written there was never accepted",
            next=FIX,
            can_fix=True,
        )
    waiting = [left for left in facts.spooled if not facts.has_daemon or _age_s(left, facts) > SPOOL_TAKEN_S]
    if waiting:
        yield _spooled(facts, waiting)
    if not stale and not waiting:
        yield ok("leftovers", "no unfinished file, no command that waits")


def mend(facts: Facts) -> Iterator[str]:
    """Remove what is stale, unless somebody has written to it since."""
    for left in _stale(facts):
        found = _left(left.path)
        if found == left:
            os.unlink(left.path)  # noqa: PTH108 - a string, as all of the layout
            yield f"{left.path} is removed"


def _spooled(facts: Facts, waiting: list[Left]) -> Finding:
    oldest = datetime.fromtimestamp(min(left.at_s for left in waiting), tz=facts.now.tzinfo)
    told = f"{counted(len(waiting), 'command')} spooled and not taken in, the oldest {age(oldest, facts.now)} ago"
    if facts.has_daemon:
        return warn("leftovers", told, "a daemon is there, and does not take them", "orch daemon logs")
    return warn("leftovers", told, "no daemon runs; they are safe on disk until one does", "orch daemon start")


def _stale(facts: Facts) -> list[Left]:
    return [left for left in facts.drafts if _age_s(left, facts) > INBOX_TMP_KEPT_S]


def _age_s(left: Left, facts: Facts) -> float:
    return facts.now.timestamp() - left.at_s


def _has_daemon(layout: Layout) -> bool:
    found = holder.find(layout)
    if found is None:
        return False
    with found:
        return True


def _files(directory: str) -> Iterator[Left]:
    """Give the plain files of a directory; a directory or a FIFO by such a name is nothing of ours."""
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - names, in bulk
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        if left := _left(f"{directory}/{name}"):
            yield left


def _left(path: str) -> Left | None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return Left(path=path, at_s=found.st_mtime) if stat.S_ISREG(found.st_mode) else None


SUBJECT = Subject(name="leftovers", look=look, judge=judge, mend=mend)
