"""Notices as JSON, for programs: what a webhook is posted and a command reads. Its schema is `notices`."""

from collections.abc import Sequence

import msgspec

from orchestrd.core.notice_words import plain
from orchestrd.model.notice import Notice, Notices


def notice_body(notices: Sequence[Notice]) -> bytes:
    """Write them down, plain and bounded, what matters most first as they were given."""
    return msgspec.json.encode(Notices(notices=tuple(map(plain, notices))))
