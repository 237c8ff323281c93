"""The change that a session works on: its branch and its pull request, as the forge tells of them.

One of the axes of a session. What the forge did not tell is unknown, which is not the same as none; who asks has to
treat it so.
"""

from enum import StrEnum

from msgspec import Struct


class Pr(StrEnum):
    """The pull request of the branch. `none` is said by the forge; `unknown`: it was not asked, or did not answer."""

    UNKNOWN = "unknown"
    NONE = "none"
    DRAFT = "draft"
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class Checks(StrEnum):
    """What the checks of its newest commit come to. `none`: it has none."""

    UNKNOWN = "unknown"
    NONE = "none"
    PENDING = "pending"
    PASSING = "passing"
    FAILING = "failing"


class Review(StrEnum):
    """What its reviewers have decided. `none`: nobody was asked, and nobody has decided anything."""

    UNKNOWN = "unknown"
    NONE = "none"
    REQUIRED = "required"
    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"


class Mergeable(StrEnum):
    """Whether it could be merged: `conflicting` with its base, `held_back` by a rule of the forge, or `clean`."""

    UNKNOWN = "unknown"
    CLEAN = "clean"
    HELD_BACK = "held_back"
    CONFLICTING = "conflicting"


class FailedCheck(Struct, frozen=True, kw_only=True):
    """A check that failed: its job, the step in it, and the end of what that has written. Anybody may have written it.

    `id` names it at its forge. The log is null until it was fetched, and empty where there is none to be had.
    """

    id: str
    name: str
    step: str | None = None
    url: str | None = None
    log: str | None = None


class Remark(Struct, frozen=True, kw_only=True):
    """What a reviewer has said that is not settled: a review that asks for changes, or a thread. Anybody may write."""

    id: str
    author: str
    text: str
    path: str | None = None
    line: int | None = None
    is_by_program: bool = False  # written by a bot
    is_outdated: bool = False  # the lines it speaks of have changed since


class Change(Struct, frozen=True, kw_only=True):
    """The branch of a session and its pull request. Of a pull request there is but one: the newest of this branch."""

    forge: str  # the name of its adapter
    repository: str  # as the forge calls it: `github.com/owner/name`, or the path of a bare repository
    branch: str
    base: str | None = None  # the branch that it is to go into
    pr: Pr = Pr.UNKNOWN
    number: int | None = None
    url: str | None = None
    title: str | None = None
    head: str | None = None  # the newest commit of it, as the forge has it: what all below is about
    checks: Checks = Checks.UNKNOWN
    failed: tuple[FailedCheck, ...] = ()  # the first of them, by name
    failed_more: int = 0  # and how many others there are
    review: Review = Review.UNKNOWN
    remarks: tuple[Remark, ...] | None = None  # the newest of them; null: unknown
    remarks_more: int = 0  # and how many others there are
    mergeable: Mergeable = Mergeable.UNKNOWN
    error: str | None = None  # why some of it is unknown
