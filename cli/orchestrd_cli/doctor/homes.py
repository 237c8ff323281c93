"""Other homes of the same user: whoever finds no sessions may be looking for them in the wrong one."""

import os
from collections.abc import Iterator
from shlex import quote

from msgspec import Struct

from orchestrd.core.layout import Layout, home_from
from orchestrd.model.finding import Finding
from orchestrd.render import counted
from orchestrd_cli.doctor.running import Running, daemons
from orchestrd_cli.doctor.subject import Subject, Surroundings, named, ok, warn


class Facts(Struct, frozen=True, kw_only=True):
    """This home, that which is used where nothing is said, and those in which a daemon runs; links resolved."""

    home: str
    sessions: int
    usual: str
    usual_sessions: int
    others: tuple[Running, ...] = ()


def look(surroundings: Surroundings) -> Facts:
    """Look for daemons in other homes, and how many sessions the usual one has."""
    home = os.path.realpath(surroundings.layout.home)
    usual = os.path.realpath(home_from({**surroundings.environ, "ORCH_HOME": ""}))
    return Facts(
        home=home,
        sessions=_sessions_in(home),
        usual=usual,
        usual_sessions=_sessions_in(usual),
        others=tuple(found for found in daemons(surroundings.uid) if found.home != home),
    )


def judge(facts: Facts) -> Iterator[Finding]:
    """Judge whether this is the home that is meant."""
    others = [f"{one.home} (daemon {one.pid})" for one in facts.others]
    if facts.home != facts.usual and facts.usual_sessions and not facts.sessions:
        told = f"this one has no sessions, and the usual one has {facts.usual_sessions}: {facts.usual}"
        yield warn(
            "homes",
            told,
            "ORCH_HOME or XDG_STATE_HOME names another here",
            f"ORCH_HOME={quote(facts.usual)} orch status",
        )
    elif facts.others and not facts.sessions:
        told = f"this one has no sessions, and a daemon of yours runs elsewhere: {named(others)}"
        meant = f"ORCH_HOME={quote(facts.others[0].home)} orch status"
        yield warn("homes", told, "ORCH_HOME or XDG_STATE_HOME may not be what that one was started with", meant)
    elif facts.others:
        yield ok("homes", f"this one has {counted(facts.sessions, 'session')}; others are in use: {named(others)}")
    else:
        yield ok("homes", "no daemon of yours runs in any other")


def _sessions_in(home: str) -> int:
    try:
        return sum(name.endswith(".json") for name in os.listdir(Layout(home).sessions))  # noqa: PTH208 - names, in bulk
    except OSError:
        return 0


SUBJECT = Subject(name="homes", look=look, judge=judge)
