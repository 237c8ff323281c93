"""`orch notify` at the command line: what is asked of the daemon, what is printed, and the exit code."""

import json
from collections.abc import Callable

import msgspec
import pytest

from orchestrd.model.limits import NOTICE_TEXT_CHARS_MAX
from orchestrd.model.notice import Priority
from orchestrd.model.notice_document import ChannelReply, NoticeReply, NoticeRequest
from tests.cli.fake_daemon import FakeDaemon, Result, whole

Orch = Callable[..., Result]
TOLD = ChannelReply(channel="phone", kind="ntfy", is_told=True)
FAILED = ChannelReply(channel="desk", kind="desktop", is_told=False, error="no session bus", hint="try this")


def answers(daemon: FakeDaemon, *channels: ChannelReply) -> None:
    daemon.answers("/v1/notices", whole(msgspec.json.encode(NoticeReply(channels=channels))))


def asked(daemon: FakeDaemon) -> NoticeRequest:
    """Give what the daemon was asked last."""
    return msgspec.json.decode(daemon.bodies[-1], type=NoticeRequest)


def test_each_channel_has_a_line_and_one_that_was_not_told_makes_it_fail(daemon: FakeDaemon, orch: Orch) -> None:
    answers(daemon, TOLD, FAILED)

    done = orch("notify", "hello")

    assert done.code == 1
    assert done.out.splitlines() == [
        "phone  ntfy     told",
        "desk   desktop  not told: no session bus",
        "                try: try this",
    ]


def test_where_all_were_told_it_succeeds(daemon: FakeDaemon, orch: Orch) -> None:
    answers(daemon, TOLD)

    done = orch("notify", "--json", "hello")

    assert done.code == 0
    assert json.loads(done.out)["channels"][0]["is_told"] is True


def test_words_are_one_text_and_the_options_choose_who_is_told(daemon: FakeDaemon, orch: Orch) -> None:
    answers(daemon, TOLD)

    orch("notify", "-c", "phone", "-c", "desk", "-p", "urgent", "is", "anybody there?")

    said = asked(daemon)
    assert (said.text, said.channels, said.priority) == ("is anybody there?", ("phone", "desk"), Priority.URGENT)
    assert said.key.startswith("notify.")


@pytest.mark.parametrize("text", [" ", "x" * (NOTICE_TEXT_CHARS_MAX + 1)])
def test_a_text_that_says_nothing_or_too_much_is_refused(orch: Orch, text: str) -> None:
    done = orch("notify", text)

    assert done.code == 2
    assert f"give a text of 1 to {NOTICE_TEXT_CHARS_MAX} characters" in done.err
