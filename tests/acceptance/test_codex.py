"""A day of the real Codex: every edge is told, its dialogs are answered by keys, and it goes on where it was."""

from collections.abc import Iterator

import pytest

from orchestrd.model.words import Receipt
from orchestrd.testing.model import Answer, Refusal, Run
from orchestrd.testing.model.moves import think
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until
from tests.acceptance.real_sessions import START_S, RealSessions
from tests.standin.claude import needs

pytestmark = needs("codex")


@pytest.fixture
def codex(home: Home) -> Iterator[RealSessions]:
    """Give a home with a daemon, for sessions of the real Codex."""
    home.start(is_measured=False)
    sessions = RealSessions(home, "codex")
    yield sessions
    sessions.close()


def test_it_works_asks_is_answered_waits_is_interrupted_and_comes_back_with_its_conversation(
    codex: RealSessions,
) -> None:
    codex.model.script(Run(command="touch sold"), Answer(text="Three."), think())
    session = codex.spawn("Count the apples")
    decision = codex.asked(session)
    given = codex.answer(session, decision.id, "1")
    codex.model.wait_until("waiting", request=2)
    codex.home.reach(session, "waiting")
    waited = codex.home.show(session)
    sent = codex.home.send(session, "And the pears?\nAll of them.")
    assert sent.receipt is Receipt.SUBMITTED, sent
    codex.model.wait_until("working", request=3)
    codex.home.reach(session, "working")
    codex.press(session, "Escape")
    codex.home.reach(session, "waiting")
    codex.home.stop(session)
    codex.home.until_over(session)

    codex.model.script(Answer(text="Four."))
    codex.home.revive(session)
    codex.home.reach(session, "waiting", within_s=START_S)
    again = codex.home.send(session, "And the plums?", "m2")
    codex.model.wait_until("waiting", request=4)

    assert decision.text.startswith("touch sold\nWould you like to run the following command?\n")
    assert decision.choices[0].label == "Yes, proceed"
    assert given.receipt is Receipt.SUBMITTED
    assert (codex.worktree(session) / "sold").exists()
    assert waited.activity_text == "Three."
    assert again.receipt in (Receipt.SUBMITTED, Receipt.QUEUED)  # where it was slow to draw its box
    assert "Count the apples" in str(codex.model.requests[-1]["input"])
    assert [word for word, _ in codex.told(session)][:6] == [
        *("working", "blocked", "working", "waiting", "working", "waiting")
    ]


def test_a_command_of_its_own_is_typed_as_one_and_a_text_that_looks_like_one_is_refused(codex: RealSessions) -> None:
    session = codex.spawn("Count the apples")
    codex.model.wait_until("waiting", request=1, within_s=START_S)
    codex.home.reach(session, "waiting")

    refused = codex.home.send(session, "/status", "m1")
    typed = codex.home.send(session, "/status", "m2", is_command=True)
    until(lambda: "Token usage" in codex.screen(session), "the command has run")
    codex.home.reach(session, "waiting")
    sent = codex.home.send(session, "And the pears?", "m3")
    codex.model.wait_until("waiting", request=2)

    assert (refused.receipt, refused.hint) == (Receipt.REFUSED, f"orch send {session} --command /status")
    assert typed.receipt in (Receipt.TYPED, Receipt.SUBMITTED)
    assert sent.receipt is Receipt.SUBMITTED
    assert codex.model.heard == ["Count the apples", "And the pears?"]


def test_a_usage_limit_and_a_dialog_of_a_person_are_told_and_nothing_is_typed_into_either(codex: RealSessions) -> None:
    codex.model.script(Answer(text="Three."), Refusal(why="usage_limit"))
    session = codex.spawn("Count the apples")
    codex.model.wait_until("waiting", request=1, within_s=START_S)
    codex.home.reach(session, "waiting")
    codex.press(session, "/", "m", "o", "d", "e", "l")
    until(lambda: "choose what model" in codex.screen(session), "it offers commands")
    codex.press(session, "Enter")
    codex.home.reach(session, "blocked")
    shown = codex.screen(session)
    refused = codex.home.send(session, "1", "m1")
    assert codex.screen(session) == shown
    codex.press(session, "Escape")
    codex.home.reach(session, "waiting")

    sent = codex.home.send(session, "And the pears?", "m2")
    codex.model.wait_until("limited", request=2)
    codex.home.reach(session, "limited")
    until(lambda: codex.home.show(session).limited_until is not None, "it is told until when")

    assert refused.receipt is Receipt.REFUSED
    assert sent.receipt is Receipt.SUBMITTED
    assert codex.home.show(session).agent_version == "0.169.0"
