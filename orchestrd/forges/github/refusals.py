"""What a refusal of GitHub to merge is for, read from its status and its words. Pure.

GitHub has one status (405) for what will pass and for what will not, and tells them apart in words only. Those that are
known to last are listed here. Words that name something to wait for weigh more, for several rules may be named at once;
and of words that nobody knows nothing is said.
"""

import re

from orchestrd.model.reaction import Refusal

_MOVED = re.compile(r"branch was modified|head sha", re.IGNORECASE)
_AWAITED = re.compile(
    r"status checks?\b|review is required|approv|conversation|in progress|not mergeable|conflict|\bdraft\b"
    r"|changes (?:were|have been) requested|out-of-date|not up.to.date",
    re.IGNORECASE,
)
_METHOD = re.compile(r"(?:merges|merge commits) are not allowed|must not contain merge commits", re.IGNORECASE)
_RULE = re.compile(
    r"rule violations|not authorized to push|protected branch|merge queue|must be made through|must have verified"
    r"|branch is locked|locked branch|archived|read-only",
    re.IGNORECASE,
)


def refusal_in(status: int, words: str) -> Refusal | None:
    """Say what it is for; null where nobody knows."""
    if status in (403, 404):  # what was seen a moment ago is there, and not for this token to change
        return Refusal.RIGHT
    if status == 409:
        return Refusal.MOVED
    if status not in (405, 422):
        return None
    read = ((_MOVED, Refusal.MOVED), (_AWAITED, Refusal.NOT_READY), (_METHOD, Refusal.METHOD), (_RULE, Refusal.RULE))
    return next((refusal for pattern, refusal in read if pattern.search(words)), None)
