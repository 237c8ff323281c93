"""What GitHub answers, as it comes: every field may be missing, and a field with an error is not one that is empty.

GraphQL answers in part: what failed is null, and `errors` name its path. `Part.is_lost` tells such a null from one that
is meant, and is asked wherever null would mean "there is none".
"""

from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from orchestrd.model.errors import TransientError

T = TypeVar("T")
Path = tuple[str | int, ...]


class Answer(Struct, kw_only=True, rename="camel", frozen=True):
    """Base of all that is read: names as GitHub writes them."""


class Actor(Answer, frozen=True, kw_only=True):
    """Who has written something; null where the account is gone."""

    login: str = ""
    kind: str = msgspec.field(default="", name="__typename")


class Count(Answer, frozen=True, kw_only=True):
    """A list of which only the length was asked."""

    total_count: int = 0


class Standing(Answer, frozen=True, kw_only=True):
    """A pull request, in short."""

    number: int
    state: str
    is_draft: bool = False
    is_cross_repository: bool = False
    title: str = ""
    url: str | None = None
    updated_at: str = ""
    base_ref_name: str | None = None
    head_ref_oid: str | None = None


class OfBranch(Answer, frozen=True, kw_only=True):
    """The pull requests of a branch, the newest first."""

    nodes: tuple[Standing | None, ...] | None = None
    total_count: int = 0


class Workflow(Answer, frozen=True, kw_only=True):
    """A workflow of GitHub Actions."""

    name: str = ""


class WorkflowRun(Answer, frozen=True, kw_only=True):
    """A run of it, and what set it off."""

    event: str = ""
    workflow: Workflow | None = None


class Suite(Answer, frozen=True, kw_only=True):
    """What a check belongs to. Without a workflow it is not one of GitHub Actions."""

    workflow_run: WorkflowRun | None = None


class Context(Answer, frozen=True, kw_only=True):
    """A check run or a commit status, by `kind`: each has the fields of its own."""

    kind: str = msgspec.field(default="", name="__typename")
    database_id: int | None = None
    name: str = ""
    status: str = ""
    conclusion: str | None = None
    started_at: str | None = None
    details_url: str | None = None
    check_suite: Suite | None = None
    context: str = ""
    state: str = ""
    description: str | None = None
    target_url: str | None = None
    created_at: str | None = None


class Contexts(Answer, frozen=True, kw_only=True):
    """All checks of a commit."""

    nodes: tuple[Context | None, ...] | None = None
    total_count: int = 0


class Rollup(Answer, frozen=True, kw_only=True):
    """What the checks of a commit come to."""

    state: str = ""
    contexts: Contexts | None = None


class ReviewNode(Answer, frozen=True, kw_only=True):
    """The newest review of somebody in which they decided something."""

    id: str
    state: str = ""
    body: str = ""
    author: Actor | None = None


class Reviews(Answer, frozen=True, kw_only=True):
    """Those of everybody."""

    nodes: tuple[ReviewNode | None, ...] | None = None


class CommentNode(Answer, frozen=True, kw_only=True):
    """A comment in a thread."""

    id: str
    body: str = ""
    author: Actor | None = None


class Comments(Answer, frozen=True, kw_only=True):
    """Those of a thread, the oldest first."""

    nodes: tuple[CommentNode | None, ...] | None = None


class ThreadNode(Answer, frozen=True, kw_only=True):
    """A thread of comments on a line."""

    id: str
    is_resolved: bool = False
    is_outdated: bool = False
    path: str | None = None
    line: int | None = None
    comments: Comments | None = None


class Threads(Answer, frozen=True, kw_only=True):
    """The newest of a pull request."""

    nodes: tuple[ThreadNode | None, ...] | None = None
    total_count: int = 0


class Details(Answer, frozen=True, kw_only=True):
    """What is known of an open pull request beside its standing."""

    number: int
    head_ref_oid: str | None = None
    updated_at: str = ""
    mergeable: str = "UNKNOWN"
    merge_state_status: str = "UNKNOWN"
    review_decision: str | None = None
    author: Actor | None = None
    review_requests: Count | None = None
    status_check_rollup: Rollup | None = None
    latest_opinionated_reviews: Reviews | None = None
    review_threads: Threads | None = None
    words: Threads | None = None


class RateLimit(Answer, frozen=True, kw_only=True):
    """What the request has cost, and what is left."""

    cost: int
    limit: int
    remaining: int
    reset_at: datetime


class Fault(Answer, frozen=True, kw_only=True):
    """Something that failed, and where."""

    message: str = ""
    type: str = ""
    path: Path = ()


class Data(Answer, frozen=True, kw_only=True):
    """What was asked for."""

    rate_limit: RateLimit | None = None
    repository: dict[str, Raw] | None = None


class Whole(Answer, frozen=True, kw_only=True):
    """A whole answer."""

    data: Data | None = None
    errors: tuple[Fault, ...] = ()


class Part(Struct, frozen=True):
    """What a request said under one name: its JSON, null where there is none, and what failed in it."""

    raw: Raw | None
    faults: tuple[Fault, ...] = ()

    def read(self, kind: type[T]) -> T | None:
        """Read it as this; null where it is null, or not of this form."""
        try:
            return None if self.raw is None else msgspec.json.decode(self.raw, type=kind | None)
        except msgspec.ValidationError:
            return None

    def is_lost(self, *path: str) -> bool:
        """Tell whether a null here is one of which GitHub said that something failed: in it, at it, or above it."""
        return any(fault.path[: len(path)] == path or path[: len(fault.path)] == fault.path for fault in self.faults)

    @property
    def why(self) -> str | None:
        """The first thing that failed in it, in GitHub's words."""
        return next((fault.message for fault in self.faults), None)


def parts_of(whole: Whole) -> dict[str, Part]:
    """Take an answer apart by the names that were asked for; the paths of what failed begin at that name then."""
    repository = (whole.data.repository if whole.data else None) or {}
    faults: dict[str, list[Fault]] = {}
    for fault in whole.errors:
        if len(fault.path) > 1:
            faults.setdefault(str(fault.path[1]), []).append(msgspec.structs.replace(fault, path=fault.path[2:]))
    return {name: Part(raw, tuple(faults.get(name, ()))) for name, raw in repository.items()}


def decoded(body: bytes, kind: type[T], what: str) -> T:
    """Read a body. Raises TransientError where it is not what GitHub answers."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TransientError(f"what was answered is no {what} of GitHub: {error}", code="bad_answer") from error


def fields_of(body: bytes) -> dict[str, Any]:
    """Read what may be an object; empty where it is none."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
