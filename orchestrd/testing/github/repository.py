"""What a repository holds: pull requests, their checks and reviews, and issues. Tests change it as people do."""

import subprocess
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from msgspec import Struct, field

BOT = "Bot"
PERSON = "User"


class Check(Struct, kw_only=True):
    """A check run of one commit. `log` and `step` are those of the job behind it, where it has one (`is_job`)."""

    id: int
    name: str
    sha: str
    conclusion: str | None = None  # `success`, `failure`, ... as GitHub writes them; null: it runs yet
    log: str = ""
    step: str | None = None
    summary: str = ""
    is_job: bool = True
    at: float = 0.0


class Status(Struct, kw_only=True):
    """A commit status, as services write them that know nothing of check runs."""

    context: str
    sha: str
    state: str  # `success`, `pending`, `failure`, `error`


class Review(Struct, kw_only=True):
    """A review of a pull request. `state`: `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED`."""

    id: int
    author: str
    state: str
    body: str = ""
    kind: str = PERSON


class Thread(Struct, kw_only=True):
    """A thread of review comments on a line."""

    id: int
    author: str
    body: str
    path: str
    line: int | None = None
    is_resolved: bool = False
    kind: str = PERSON


class Pull(Struct, kw_only=True):
    """A pull request. `sha` is its newest commit; `mergeable` is `MERGEABLE`, `CONFLICTING` or `UNKNOWN`."""

    number: int
    branch: str
    base: str
    title: str
    sha: str
    is_draft: bool = False
    state: str = "OPEN"  # or `MERGED`, `CLOSED`
    is_from_fork: bool = False
    mergeable: str = "MERGEABLE"
    held_back: str | None = None  # `BLOCKED`, `BEHIND`, ...: the word of mergeStateStatus where it is not clean
    decision: str | None = None  # what the rules of the repository make of its reviews
    merged_sha: str | None = None
    updated_at: float = 0.0
    reviews: list[Review] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)

    def review(self, author: str, state: str, body: str = "", *, kind: str = PERSON) -> Review:
        """Write a review; its word decides, until another one is written."""
        written = Review(id=len(self.reviews) + 1, author=author, state=state, body=body, kind=kind)
        self.reviews.append(written)
        if state in ("APPROVED", "CHANGES_REQUESTED"):
            self.decision = state
        return written

    def remark(self, author: str, body: str, path: str, line: int | None = None, *, kind: str = PERSON) -> Thread:
        """Open a thread on a line."""
        thread = Thread(id=len(self.threads) + 1, author=author, body=body, path=path, line=line, kind=kind)
        self.threads.append(thread)
        return thread


class Issue(Struct, kw_only=True):
    """An issue with its comments: author and text."""

    number: int
    title: str
    body: str = ""
    author: str = "somebody"
    is_closed: bool = False
    comments: list[tuple[str, str]] = field(default_factory=list)


class Repository:
    """One repository. With `bare`, the heads of its branches are those of that bare repository on disk."""

    def __init__(self, full_name: str, clock: Callable[[], float], *, bare: Path | None = None) -> None:
        self.owner, self.name = full_name.split("/")
        self.full_name = full_name
        self.default_branch = "main"
        self.bare = bare
        self.pulls: dict[int, Pull] = {}
        self.issues: dict[int, Issue] = {}
        self.checks: list[Check] = []
        self.statuses: list[Status] = []
        self.required_approvals = 0
        self.hides_checks = False  # as from a fine-grained token: what they come to is told, and not which they are
        self._clock = clock
        self._numbers = count(1)
        self._checks = count(1001)

    # ---- what people and programs do ---------------------------------------------------------------------------------

    def pull(self, branch: str, *, sha: str = "", title: str = "A change", base: str = "", **more: object) -> Pull:
        """Open a pull request."""
        pull = Pull(
            number=next(self._numbers),
            branch=branch,
            base=base or self.default_branch,
            title=title,
            sha=sha,
            decision="REVIEW_REQUIRED" if self.required_approvals else None,
            updated_at=self._clock(),
            **more,  # type: ignore[arg-type] # the fields of a pull request
        )
        self.pulls[pull.number] = pull
        return pull

    def push(self, branch: str, sha: str) -> None:
        """Give the open pull requests of a branch another newest commit."""
        for pull in self.pulls.values():
            if pull.branch == branch and pull.state == "OPEN":
                pull.sha, pull.updated_at = sha, self._clock()

    def check(self, sha: str, name: str, conclusion: str | None = None, **more: object) -> Check:
        """Begin a check of a commit, or end it at once."""
        check = Check(
            id=next(self._checks),
            name=name,
            sha=sha,
            conclusion=conclusion,
            at=self._clock(),
            **more,  # type: ignore[arg-type] # the fields of a check
        )
        self.checks.append(check)
        return check

    def status(self, sha: str, context: str, state: str) -> Status:
        """Write a commit status; it takes the place of one with the same context."""
        self.statuses = [one for one in self.statuses if (one.sha, one.context) != (sha, context)]
        self.statuses.append(Status(sha=sha, context=context, state=state))
        return self.statuses[-1]

    def issue(self, title: str, body: str = "", **more: object) -> Issue:
        """Write an issue."""
        issue = Issue(number=next(self._numbers), title=title, body=body, **more)  # type: ignore[arg-type] # its fields
        self.issues[issue.number] = issue
        return issue

    def merge(self, pull: Pull) -> str:
        """Merge what stands at the head of a pull request now."""
        pull.merged_sha = self._merge_on_disk(pull) if self.bare else f"merged{pull.sha}"[:40].ljust(40, "0")
        pull.state, pull.updated_at = "MERGED", self._clock()
        return pull.merged_sha

    # ---- what is asked -----------------------------------------------------------------------------------------------

    def head(self, pull: Pull) -> str:
        """Give the newest commit of a pull request."""
        if self.bare is not None and pull.state == "OPEN":
            pull.sha = self._git("rev-parse", f"refs/heads/{pull.branch}")
        return pull.sha

    def checks_of(self, sha: str) -> Iterator[Check]:
        """Give the check runs of a commit, the newest of each name."""
        newest = {check.name: check for check in self.checks if check.sha == sha}
        return iter(newest.values())

    def _git(self, *words: str) -> str:
        done = subprocess.run(["git", "-C", str(self.bare), *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def _merge_on_disk(self, pull: Pull) -> str:
        base = self._git("rev-parse", f"refs/heads/{pull.base}")
        tree = self._git("merge-tree", "--write-tree", base, pull.sha)
        who = ("-c", "user.name=GitHub", "-c", "user.email=noreply@github.invalid")
        merged = self._git(*who, "commit-tree", tree, "-p", base, "-m", f"{pull.title} (#{pull.number})")
        self._git("update-ref", f"refs/heads/{pull.base}", merged, base)
        return merged
