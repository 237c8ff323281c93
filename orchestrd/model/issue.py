"""An issue: what a session is asked to work on, as somebody has written it down elsewhere."""

from msgspec import Struct


class Comment(Struct, frozen=True, kw_only=True):
    """One comment on an issue. Anybody may have written it."""

    author: str
    text: str


class Issue(Struct, frozen=True, kw_only=True):
    """One issue. `id` names it everywhere (`github.com/owner/name#12`, or the path of a file): two with it are one."""

    id: str
    title: str
    body: str = ""
    url: str | None = None
    author: str | None = None
    comments: tuple[Comment, ...] = ()  # the newest of them, the oldest first
    comments_more: int = 0  # and how many others there are
    is_closed: bool = False
