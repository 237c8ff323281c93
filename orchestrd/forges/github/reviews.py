"""What reviewers say: what they have decided, and what of their remarks is not settled.

GitHub decides by the rules of the base branch, and says nothing where those ask for no review: then the newest decision
of each reviewer counts here. A remark is a thread that nobody has resolved, or a review that asks for changes. A reply
in such a thread by somebody else than the author of the pull request makes it a new remark.
"""

from collections.abc import Iterator, Mapping

from orchestrd.forges.github.answers import Actor, CommentNode, Comments, Details, Part, ReviewNode, ThreadNode
from orchestrd.forges.github.plain import passage
from orchestrd.model.change import Remark, Review
from orchestrd.model.limits import REMARKS_MAX

_DECISIONS = {
    "APPROVED": Review.APPROVED,
    "CHANGES_REQUESTED": Review.CHANGES_REQUESTED,
    "REVIEW_REQUIRED": Review.REQUIRED,
}
_GONE = "ghost"  # as GitHub shows whoever has no account any more


def decision(details: Details, part: Part) -> Review:
    """Say what was decided."""
    if details.review_decision is not None:
        return _DECISIONS.get(details.review_decision, Review.UNKNOWN)
    if part.is_lost("reviewDecision") or _reviews(details) is None:
        return Review.UNKNOWN
    states = {review.state for review in _reviews(details) or ()}
    if "CHANGES_REQUESTED" in states:
        return Review.CHANGES_REQUESTED
    if "APPROVED" in states:
        return Review.APPROVED
    if part.is_lost("reviewRequests"):
        return Review.UNKNOWN
    return Review.REQUIRED if details.review_requests and details.review_requests.total_count else Review.NONE


def open_threads(details: Details) -> tuple[ThreadNode, ...] | None:
    """Give the threads that nobody has resolved, of those that were asked for; null where that is not known."""
    nodes = details.review_threads.nodes if details.review_threads else None
    if nodes is None or None in nodes:
        return None
    found = tuple(node for node in nodes if node is not None and not node.is_resolved)
    is_whole = details.review_threads is not None and details.review_threads.total_count <= len(nodes)
    return found if found or is_whole else None  # none of these, and older ones that were not asked for


def words_of(details: Details) -> dict[str, Remark]:
    """Give what the threads say of which that was asked, by the id of the thread."""
    author = details.author.login if details.author else ""
    nodes = (details.words.nodes if details.words else None) or ()
    found = ((node.id, _said(node, author)) for node in nodes if node is not None)
    return {thread: said for thread, said in found if said is not None}


def remarks_of(details: Details, words: Mapping[str, Remark]) -> tuple[tuple[Remark, ...] | None, int]:
    """Give what is not settled, the oldest first, and how many more there are; null where that is not known."""
    threads, reviews = open_threads(details), _reviews(details)
    if threads is None or reviews is None or any(thread.id not in words for thread in threads):
        return None, 0
    has_threads = bool(details.review_threads and details.review_threads.nodes)
    found = [*_asking(reviews, alone=not has_threads), *(_placed(thread, words[thread.id]) for thread in threads)]
    return tuple(found[-REMARKS_MAX:]), max(0, len(found) - REMARKS_MAX)


def _reviews(details: Details) -> tuple[ReviewNode, ...] | None:
    nodes = details.latest_opinionated_reviews.nodes if details.latest_opinionated_reviews else None
    return None if nodes is None or None in nodes else tuple(node for node in nodes if node is not None)


def _asking(reviews: tuple[ReviewNode, ...], *, alone: bool) -> Iterator[Remark]:
    """Reviews that ask for changes; one without a word counts only where no thread says or said what is wanted."""
    for review in reviews:
        if review.state == "CHANGES_REQUESTED" and (review.body.strip() or alone):
            text = passage(review.body) or "(asks for changes, without a word)"
            yield Remark(id=review.id, author=_name(review.author), text=text, is_by_program=_is_program(review.author))


def _said(thread: ThreadNode, author: str) -> Remark | None:
    nodes = (thread.comments or Comments()).nodes or ()
    comments = [node for node in nodes if node is not None]
    if not comments:
        return None
    first = comments[0]
    replies = [comment for comment in comments[1:] if comment.author is None or comment.author.login != author]
    return Remark(
        id=f"{thread.id}#{replies[-1].id}" if replies else thread.id,
        author=_name(first.author),
        text=passage("\n\n".join(_lines(comments))),
        is_by_program=_is_program(first.author),
    )


def _lines(comments: list[CommentNode]) -> Iterator[str]:
    for place, comment in enumerate(comments):
        yield comment.body if place == 0 else f"{_name(comment.author)}: {comment.body}"


def _placed(thread: ThreadNode, said: Remark) -> Remark:
    return Remark(
        id=said.id,
        author=said.author,
        text=said.text,
        path=thread.path,
        line=thread.line,
        is_by_program=said.is_by_program,
        is_outdated=thread.is_outdated,
    )


def _name(actor: Actor | None) -> str:
    return actor.login if actor and actor.login else _GONE


def _is_program(actor: Actor | None) -> bool:
    return actor is not None and (actor.kind == "Bot" or actor.login.endswith("[bot]"))
