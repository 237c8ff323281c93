"""What a person is told by a notice, in words: cleaned, for much of it is from outside, and several put into one."""

import hashlib
import re
from collections.abc import Sequence

from msgspec.structs import replace

from orchestrd.core.fencing import cleaned, head
from orchestrd.model.limits import NOTICE_TEXT_CHARS_MAX, TITLE_CHARS_MAX
from orchestrd.model.notice import Notice

_URL = re.compile(r"https?://[!-~]+")


def one_notice(notices: Sequence[Notice]) -> Notice:
    """Make one notice of all of these, what matters most first; of a single one the same, plain and bounded.

    Its key is a digest: the same for the same needs of the same sessions, and no other's.
    """
    needs = "\n".join(sorted(f"{notice.session}/{notice.key}" for notice in notices))
    key = hashlib.sha256(needs.encode()).hexdigest()[:32]
    notices = sorted(map(plain, notices), key=lambda notice: -notice.priority.rank)
    first = notices[0]
    if len(notices) == 1:
        return replace(first, key=key)
    return replace(
        first,
        key=key,
        title=head_of_line(f"{len(notices)} notices: {first.title}"),
        text=head("\n\n".join(map(_told, notices)), NOTICE_TEXT_CHARS_MAX),
        at=max(notice.at for notice in notices),
        session=None,
        reaction=None,
    )


def plain(notice: Notice) -> Notice:
    """Leave out of it what is no plain text; its title becomes one line, and all of it is bounded."""
    return replace(
        notice,
        title=head_of_line(" ".join(cleaned(notice.title).split())),
        text=head(cleaned(notice.text).strip(), NOTICE_TEXT_CHARS_MAX),
        url=notice.url if notice.url is not None and _URL.fullmatch(notice.url) else None,
    )


def within_bytes(text: str, bytes_max: int) -> str:
    """Keep the beginning of a text, so much of it that it takes no more bytes than these."""
    return text.encode("utf-8", "replace")[:bytes_max].decode("utf-8", "ignore")


def head_of_line(line: str) -> str:
    """Keep the beginning of one line."""
    return line if len(line) <= TITLE_CHARS_MAX else f"{line[: TITLE_CHARS_MAX - 1]}…"


def _told(notice: Notice) -> str:
    lines = (f"[{notice.priority.value}] {notice.title}", notice.text, notice.url or "")
    return "\n".join(filter(None, lines))
