"""What the channels answered, in lines."""

from orchestrd.model.notice_document import ChannelReply, NoticeReply
from orchestrd.render.notices import reply_lines


def test_each_channel_has_a_line_and_one_that_was_not_told_says_why_and_what_to_do() -> None:
    told = (
        ChannelReply(channel="phone", kind="ntfy", is_told=True),
        ChannelReply(channel="desk", kind="desktop", is_told=False, error="no \x1b[31mbus", hint="try this"),
        ChannelReply(channel="page", kind="command", is_told=False, error="it ended with 3"),
    )

    lines = reply_lines(NoticeReply(channels=told)).splitlines()

    assert lines[0] == "phone  ntfy     told"
    assert lines[1].startswith("desk   desktop  not told: no ")
    assert "\x1b" not in lines[1]
    assert lines[2] == "                try: try this"
    assert lines[3] == "page   command  not told: it ended with 3"
