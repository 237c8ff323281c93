"""The records of sessions: whether each can be read, and which sessions nobody has in hand any more."""

from collections.abc import Iterator
from shlex import quote

from orchestrd.client.inspection import Records, records_of
from orchestrd.model.finding import Finding
from orchestrd.model.words import State
from orchestrd.render import counted
from orchestrd_cli.doctor.subject import Subject, Surroundings, fail, named, ok, warn


def look(surroundings: Surroundings) -> Records:
    """Read them all."""
    return records_of(surroundings.layout)


def judge(records: Records) -> Iterator[Finding]:
    """Judge them."""
    lost = [session for session in records.sessions.values() if session.state is State.LOST]
    for path in records.damaged:
        cause = "it is damaged or may not be read; a daemon that runs writes its last commit again, one that starts"
        cause += " sets what is damaged aside in quarantine, whole, and is refused by what may not be read"
        yield fail("records", f"{path} cannot be read", cause, f"head -c 300 {quote(path)}")
    if records.shown_only:
        cause = f"{next(iter(records.shown_only.values()))}; such sessions are shown, and never touched"
        told = f"written by a newer orchestrd: {named(sorted(records.shown_only))}"
        yield warn("records", told, cause, "pipx upgrade orchestrd")
    for session in lost:
        told = f"session {session.id} is lost ({session.reason})"
        yield warn("records", told, session.error or "nobody knows whether it lives", f"orch explain {session.id}")
    if not (records.damaged or records.shown_only or lost):
        yield ok("records", f"{counted(len(records.sessions), 'session')}, all readable")


SUBJECT = Subject(name="records", look=look, judge=judge)
