"""What git complains of, told as what it means here and with the next command; other words of it are passed on.

They are read in git's own language (LC_ALL=C), and a sentence that is not known costs nothing but its hint.
"""

import re
from shlex import quote

from msgspec import Struct

from orchestrd.model.errors import OrchestrdError, RefusedError, TransientError
from orchestrd.model.limits import ERROR_CHARS_MAX


class Complaint(Struct, frozen=True):
    """A pattern in git's words; how to tell it, with its groups and the directory; the next command."""

    pattern: str
    kind: type[OrchestrdError]
    code: str
    told: str
    hint: str


KNOWN = (
    Complaint(
        r"dubious ownership in repository at '(?P<place>[^']*)'",
        RefusedError,
        "foreign_repository",
        "the repository {place} belongs to another user, and git will not touch it",
        "git config --global --add safe.directory {place}",
    ),
    Complaint(
        r"'(?P<branch>[^']*)' is already (?:checked out|used by worktree) at '(?P<place>[^']*)'",
        RefusedError,
        "branch_taken",
        "the branch {branch} is checked out in {place}",
        "git -C {place} switch --detach",
    ),
    Complaint(
        r"'refs/heads/(?P<branch>[^']*)' exists; cannot create '(?P<wanted>[^']*)'",
        RefusedError,
        "branch_in_the_way",
        "a branch called {branch} is in the way of {wanted}",
        "git -C {directory} branch -m {branch} {branch}-1",
    ),
    Complaint(
        r"(?P<said>[^\n]*No space left on device)",
        TransientError,
        "disk_full",
        "the disk is full: {said}",
        "df -h {directory}",
    ),
    Complaint(
        r"(?:not a git repository|cannot change to)",
        RefusedError,
        "no_repository",
        "there is no git repository in {directory}",
        "orch spawn --workspace none",
    ),
    Complaint(
        r"(?P<said>[^\n]*(?:\.lock': File exists|could not lock [^\n]*: File exists))",
        TransientError,
        "repository_locked",
        "another program holds the repository {directory} locked: {said}",
        "git -C {directory} status",
    ),
)


def told(directory: str, verb: str, said: str, code: int) -> OrchestrdError:
    """Make an error of what git said when it did not do what it was called for."""
    words = "; ".join(filter(None, (line.strip() for line in said.splitlines())))[-ERROR_CHARS_MAX:]
    for complaint in KNOWN:
        if found := re.search(complaint.pattern, said):
            facts = {"directory": directory, "said": words} | found.groupdict()
            hint = complaint.hint.format(**{name: quote(fact) for name, fact in facts.items()})
            return complaint.kind(complaint.told.format(**facts), code=complaint.code, hint=hint)
    hint = f"git -C {quote(directory)} status"
    return RefusedError(
        f"git {verb} failed in {directory}: {words or f'exit code {code}'}", code="git_failed", hint=hint
    )
