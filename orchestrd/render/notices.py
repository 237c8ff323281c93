"""What the channels answered, for a person who tries them."""

from orchestrd.model.notice_document import ChannelReply, NoticeReply
from orchestrd.render.text import visible


def reply_lines(reply: NoticeReply) -> str:
    """Say of each channel whether it was told, and where not, why and what to do."""
    names = max(len(visible(one.channel)) for one in reply.channels)
    kinds = max(len(one.kind) for one in reply.channels)
    indent = " " * (names + 2 + kinds + 2)
    return "".join(
        f"{visible(one.channel):<{names}}  {one.kind:<{kinds}}  {line}"
        for one in reply.channels
        for line in [_told(one, indent)]
    )


def _told(one: ChannelReply, indent: str) -> str:
    if one.is_told:
        return "told\n"
    hint = f"{indent}try: {visible(one.hint)}\n" if one.hint else ""
    return f"not told: {visible(one.error or '')}\n{hint}"
