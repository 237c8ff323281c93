"""Messages to the real Claude Code: a mebibyte arrives whole, a command is one, a key is never typed twice."""

import pytest

from orchestrd.client import calls
from orchestrd.model.document import SendRequest
from orchestrd.model.errors import ConflictError
from orchestrd.model.limits import MESSAGE_BYTES_MAX
from orchestrd.model.words import Authority, Receipt
from orchestrd.testing.model.moves import Answer, think
from tests.acceptance.claude_sessions import ClaudeSessions
from tests.acceptance.processes import until
from tests.standin.claude import needs_claude

pytestmark = needs_claude

FIRST = "Count the apples"
LINE = "Count this elephant 🐘 and that Gürteltier.\n"
LARGE = LINE * (MESSAGE_BYTES_MAX // len(LINE.encode()))


def test_a_message_of_a_mebibyte_to_a_busy_agent_arrives_whole_at_its_next_turn(claude: ClaudeSessions) -> None:
    home, model = claude.home, claude.model
    model.script(think(), Answer())
    session = claude.spawn(FIRST)
    home.reach(session, "working")

    queued = home.send(session, LARGE, "m1")
    model.release()
    until(lambda: len(model.heard) == 2, "the second prompt is asked")
    home.reach(session, "waiting")

    assert queued.receipt is Receipt.QUEUED
    assert model.heard[1] == LARGE.rstrip("\n")
    settled = [event for event in home.journal() if event.message == "m1" and event.receipt is not None]
    assert [event.receipt for event in settled] == [Receipt.SUBMITTED]


def test_a_key_is_answered_again_and_never_typed_twice(claude: ClaudeSessions) -> None:
    home, model = claude.home, claude.model
    session = claude.spawn(FIRST)
    home.reach(session, "waiting")

    first = home.send(session, "Sell one", "deploy-42")
    home.reach(session, "waiting")
    again = home.send(session, "Sell one", "deploy-42")
    with pytest.raises(ConflictError, match="deploy-42"):
        home.send(session, "Sell two", "deploy-42")

    assert (first.receipt, again.receipt) == (Receipt.SUBMITTED, Receipt.SUBMITTED)
    assert list(model.heard) == [FIRST, "Sell one"]


def test_a_command_is_typed_as_one_and_a_text_that_looks_like_one_is_refused(claude: ClaudeSessions) -> None:
    home, model = claude.home, claude.model
    session = claude.spawn(FIRST)
    home.reach(session, "waiting")

    refused = home.send(session, "/cost", "m1")
    typed = home.ask(
        calls.send(session, SendRequest(message="m2", text="/cost", authority=Authority.USER, is_command=True))
    )
    until(lambda: "Total cost" in claude.screen(session) or "Usage" in claude.screen(session), "the command has run")

    assert refused.receipt is Receipt.REFUSED
    assert refused.hint == f"orch send {session} --command /cost"
    assert typed.receipt in (Receipt.TYPED, Receipt.SUBMITTED)
    assert list(model.heard) == [FIRST]
