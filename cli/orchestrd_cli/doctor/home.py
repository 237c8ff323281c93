"""The home and what it is made of: directories that are ours, and that nobody else can enter.

Secrets lie in it, and whoever can reach the daemon's socket drives every agent. Mending takes rights away from others
and gives the owner back their own; it never follows a symbolic link, and never touches what belongs to another user.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from shlex import quote

from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.model.finding import Finding, Level
from orchestrd_cli.doctor.subject import FIX, Subject, Surroundings, fail, named, ok

OTHERS = 0o077
ROOT = 0  # who can have made a home for somebody else by mistake, with sudo
PRIVATE_DIRECTORY, PRIVATE_FILE = 0o700, 0o600


class Entry(Struct, frozen=True, kw_only=True):
    """One thing in the home that should be private, as it is."""

    path: str
    mode: int
    uid: int

    @property
    def wanted(self) -> int:
        """The permissions it should have."""
        return PRIVATE_DIRECTORY if stat.S_ISDIR(self.mode) else PRIVATE_FILE

    @property
    def is_private(self) -> bool:
        """Tell whether only its owner has it, and fully."""
        return stat.S_IMODE(self.mode) & (OTHERS | self.wanted) == self.wanted


class Facts(Struct, frozen=True, kw_only=True):
    """The home first, if it is there, then what is in it; `uid` is who asks. `obstacle`: why it cannot be made."""

    home: str
    uid: int
    entries: tuple[Entry, ...] = ()
    obstacle: str = ""


def look(surroundings: Surroundings) -> Facts:
    """Look at the modes of everything that should be private."""
    layout = surroundings.layout
    try:
        found = _entry(layout.home, os.stat(layout.home))  # noqa: PTH116 - strings, as all of the layout
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return Facts(home=layout.home, uid=surroundings.uid, obstacle=_obstacle(layout.home))
    inside = tuple(_inside(layout)) if stat.S_ISDIR(found.mode) else ()
    return Facts(home=layout.home, uid=surroundings.uid, entries=(found, *inside))


def judge(facts: Facts) -> Iterator[Finding]:
    """Judge the modes."""
    if facts.obstacle:
        yield fail("home", f"{facts.home} cannot be made", facts.obstacle, "export ORCH_HOME=DIRECTORY")
        return
    if not facts.entries:
        yield ok("home", f"{facts.home} is not there yet: the first session makes it")
        return
    if not stat.S_ISDIR(facts.entries[0].mode):
        yield fail("home", f"{facts.home} is no directory", next_="export ORCH_HOME=DIRECTORY")
        return
    owner = facts.entries[0].uid
    if owner not in (facts.uid, ROOT):
        told = f"{facts.home} belongs to uid {owner}, and you are uid {facts.uid}"
        yield fail("home", told, "no daemon of yours runs in it: be that user", "export ORCH_HOME=DIRECTORY")
        return
    foreign = [entry.path for entry in facts.entries if entry.uid != facts.uid]
    open_ = [entry for entry in _ours(facts) if not entry.is_private]
    if foreign:
        yield fail(
            "home",
            f"not yours: {named(foreign)}",
            "a daemon of yours cannot write there; was orch run as another user, or with sudo?",
            f"sudo chown -R {facts.uid} {quote(facts.home)}",
        )
    if open_:
        yield _not_private(open_, is_reachable=bool(facts.entries[0].mode & OTHERS))
    if not foreign and not open_:
        yield ok("home", f"{facts.home}, private")


def mend(facts: Facts) -> Iterator[str]:
    """Make private what is ours."""
    for entry in _ours(facts):
        if not entry.is_private:
            os.chmod(entry.path, entry.wanted)  # noqa: PTH101 - as above
            yield f"{entry.path} was {_shown(entry)}, and is {entry.wanted:04o} now"


def _not_private(entries: list[Entry], *, is_reachable: bool) -> Finding:
    """What is open in a home that nobody can enter is a blemish; else others read secrets, or cannot work at all."""
    is_usable = all(entry.mode & entry.wanted == entry.wanted for entry in entries)
    return Finding(
        subject="home",
        level=Level.FAIL if is_reachable or not is_usable else Level.WARN,
        told=f"wrong modes: {named([f'{entry.path} {_shown(entry)}' for entry in entries])}",
        cause="only you should get into it, and fully: secrets lie there, and the socket that drives every agent",
        next=FIX,
        can_fix=True,
    )


def _ours(facts: Facts) -> Iterable[Entry]:
    return (entry for entry in facts.entries if entry.uid == facts.uid)


def _shown(entry: Entry) -> str:
    return f"{stat.S_IMODE(entry.mode):04o}"


def _obstacle(home: str) -> str:
    """Say why a home that is not there cannot be made, if it cannot: the nearest directory above does not take it."""
    above = home
    while not os.path.exists(above):  # noqa: PTH110 - as above
        above = os.path.dirname(above)  # noqa: PTH120 - as above
    if not os.path.isdir(above):  # noqa: PTH112 - as above
        return f"{above} is no directory"
    return "" if os.access(above, os.W_OK | os.X_OK) else f"you may not write to {above}"


def _inside(layout: Layout) -> Iterator[Entry]:
    for path in layout.directories()[1:]:
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISDIR(found.st_mode):
            yield _entry(path, found)
    yield from _secrets(layout.secrets)


def _secrets(directory: str) -> Iterator[Entry]:
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    yield _entry(entry.path, entry.stat(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return  # not there yet, or its mode is a finding of its own


def _entry(path: str, found: os.stat_result) -> Entry:
    return Entry(path=path, mode=found.st_mode, uid=found.st_uid)


SUBJECT = Subject(name="home", look=look, judge=judge, mend=mend)
