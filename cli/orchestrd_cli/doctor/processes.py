"""Processes that bear the mark of a run of this home which is over: nothing of it should live.

They are named, and never ended from here: one of them may be an agent with work that nobody else has.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from shlex import quote

import psutil
from msgspec import Struct

from orchestrd.client.inspection import Records, records_of
from orchestrd.core.layout import Layout
from orchestrd.model.finding import Finding
from orchestrd_cli.doctor.runs import Mark, mark_in, why_over
from orchestrd_cli.doctor.subject import Subject, Surroundings, fail, named, ok


class Marked(Struct, frozen=True, kw_only=True):
    """One living process of a run of this home."""

    pid: int
    name: str
    mark: Mark


class Facts(Struct, frozen=True, kw_only=True):
    """What lives, and the records as they were read after it was seen."""

    layout: Layout
    marked: tuple[Marked, ...]
    records: Records
    now: datetime


def look(surroundings: Surroundings) -> Facts:
    """Look at the environment of every process that may be asked; then at the records; then who is still there."""
    seen = list(_marked(surroundings.layout))
    records = records_of(surroundings.layout)
    there = tuple(one for process, one in seen if process.is_running())
    return Facts(layout=surroundings.layout, marked=there, records=records, now=surroundings.now)


def judge(facts: Facts) -> Iterator[Finding]:
    """Name what should be no more, by run; and what only its record has left, which is not to be killed for that."""
    strays: dict[str, list[Marked]] = {}
    orphans: dict[str, list[Marked]] = {}
    for one in facts.marked:
        if one.mark.session in facts.records.set_aside:
            orphans.setdefault(one.mark.session, []).append(one)
        elif why := why_over(one.mark, facts.records, facts.now):
            strays.setdefault(why, []).append(one)
    for why, ones in strays.items():
        yield fail("processes", f"left over: {_told(ones)}", why, f"kill {' '.join(str(one.pid) for one in ones)}")
    for session, ones in orphans.items():
        yield _orphaned(facts, session, ones)
    if not strays and not orphans:
        yield ok(
            "processes", f"{len(facts.marked)} live, and none is left over" if facts.marked else "none is left over"
        )


def _orphaned(facts: Facts, session: str, ones: list[Marked]) -> Finding:
    kept = quote(facts.records.set_aside[session])
    return fail(
        "processes",
        f"of session {session}, whose record is not in its place: {_told(ones)}",
        "the record was set aside in quarantine; where it is sound, the session goes on once it is back",
        f"chmod 600 {kept} && mv -n {kept} {quote(facts.layout.record(session))}",
    )


def _told(ones: list[Marked]) -> str:
    return named([f"{one.pid} {one.name}" for one in ones])


def _marked(layout: Layout) -> Iterator[tuple[psutil.Process, Marked]]:
    home, own = os.path.realpath(layout.home), os.getpid()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environ = process.environ()
            mark = mark_in(environ)
            if mark is not None and process.pid != own and _is_of(home, environ, process):
                yield process, Marked(pid=process.pid, name=process.name(), mark=mark)


def _is_of(home: str, environ: Mapping[str, str], process: psutil.Process) -> bool:
    """Tell whether a process is of this home: it says so, or is the launcher in a run directory there."""
    said = environ.get("ORCH_HOME")
    if said is None:
        said = "".join(process.cmdline()[-1:]).rpartition("/runs/")[0]
    return os.path.realpath(said) == home


SUBJECT = Subject(name="processes", look=look, judge=judge)
