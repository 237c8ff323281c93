"""Reading an issue: its title, its body and the newest of its comments, each of them bounded."""

from math import ceil

from msgspec import Struct

from orchestrd.core.fencing import cleaned, head
from orchestrd.forges.github.answers import decoded
from orchestrd.forges.github.client import GitHubClient
from orchestrd.forges.github.hosts import split
from orchestrd.forges.github.plain import line
from orchestrd.model.errors import RefusedError
from orchestrd.model.issue import Comment, Issue
from orchestrd.model.limits import ISSUE_BODY_CHARS_MAX, ISSUE_COMMENTS_MAX

_PAGE = 100  # comments, as many as GitHub gives at once
_GONE = "ghost"  # as GitHub shows whoever has no account any more


class User(Struct, frozen=True, kw_only=True):
    """Who has written something."""

    login: str = _GONE


class Written(Struct, frozen=True, kw_only=True):
    """A comment, as REST tells of it."""

    body: str | None = None
    user: User | None = None


class Told(Struct, frozen=True, kw_only=True):
    """An issue, as REST tells of it; to GitHub a pull request is one too."""

    number: int
    title: str = ""
    body: str | None = None
    html_url: str | None = None
    state: str = "open"
    user: User | None = None
    comments: int = 0
    pull_request: dict[str, object] | None = None


async def read_issue(client: GitHubClient, repository: str, number: int) -> Issue:
    """Read it. Raises NotFoundError, RefusedError (a pull request, no token, no right), TransientError."""
    _, owner, name = split(repository)
    place, what = f"/repos/{owner}/{name}/issues/{number}", f"to read the issue {repository}#{number}"
    told = decoded((await client.get(place, what)).body, Told, "issue")
    if told.pull_request is not None:
        raise RefusedError(
            f"{repository}#{number} is a pull request, not an issue",
            code="no_issue",
            hint=f"orch spawn 'Work on pull request {number}: ...'",
        )
    comments = await _comments(client, place, what, told.comments)
    return Issue(
        id=f"{repository}#{number}",
        title=line(told.title),
        body=head(cleaned(told.body or ""), ISSUE_BODY_CHARS_MAX),
        url=told.html_url,
        author=(told.user or User()).login,
        comments=comments,
        comments_more=max(0, told.comments - len(comments)),
        is_closed=told.state == "closed",
    )


async def _comments(client: GitHubClient, place: str, what: str, count: int) -> tuple[Comment, ...]:
    """Read the newest comments: they may begin on the last page but one."""
    last = ceil(count / _PAGE)
    first = max(1, last - ceil(ISSUE_COMMENTS_MAX / _PAGE))
    found: list[Written] = []
    for page in range(first, last + 1):
        reply = await client.get(f"{place}/comments?per_page={_PAGE}&page={page}", what)
        found += decoded(reply.body, tuple[Written, ...], "list of comments")
    newest = found[-ISSUE_COMMENTS_MAX:]
    return tuple(
        Comment(author=(one.user or User()).login, text=head(cleaned(one.body or ""), ISSUE_BODY_CHARS_MAX))
        for one in newest
    )
