"""A day of the real OpenCode: every edge is told, decisions are answered without a keystroke, and it comes back."""

from collections.abc import Iterator

import pytest

from benchmarks.agents.installed import PINNED
from orchestrd.model.words import Receipt
from orchestrd.testing.model import Answer, Ask, Run
from orchestrd.testing.model.moves import think
from tests.acceptance.daemon import Home
from tests.acceptance.opencode_sessions import START_S, OpenCodeSessions
from tests.standin.claude import needs

pytestmark = needs("opencode")

ASKED = "Count the apples"
# In this order, whatever a busy machine adds.
DAY = ("working", "blocked", "working", "waiting", "working", "waiting")


@pytest.fixture
def opencode(home: Home) -> Iterator[OpenCodeSessions]:
    """Give a home with a daemon, for sessions of the real OpenCode."""
    home.start(is_measured=False)
    sessions = OpenCodeSessions(home)
    yield sessions
    sessions.close()


@pytest.mark.timeout(240)  # it starts twice, which takes long beside others
def test_it_works_asks_is_answered_waits_is_interrupted_and_comes_back_with_its_conversation(
    opencode: OpenCodeSessions,
) -> None:
    opencode.model.script(Run(command="touch sold"), Answer(text="Three."), think())
    session = opencode.spawn(ASKED)
    decision = opencode.asked(session)

    given = opencode.answer(session, decision.id, "allow")
    opencode.model.wait_until("waiting", request=2, within_s=START_S)
    opencode.home.reach(session, "waiting")
    waited = opencode.home.show(session)
    sent = opencode.home.send(session, "And the pears?")
    opencode.model.wait_until("working", request=3, within_s=START_S)
    opencode.home.reach(session, "working")
    opencode.interrupt(session)
    opencode.home.reach(session, "waiting")
    opencode.home.stop(session)
    opencode.home.until_over(session)
    opencode.model.script(Answer(text="Four."))
    opencode.home.revive(session)
    opencode.home.reach(session, "waiting", within_s=START_S)
    opencode.home.send(session, "And the plums?", "m2")
    opencode.model.wait_until("waiting", request=4, within_s=START_S)

    assert (decision.text, [choice.key for choice in decision.choices]) == (
        "bash: touch sold",
        ["allow", "always", "deny"],
    )
    assert given.receipt is sent.receipt is Receipt.SUBMITTED
    assert (opencode.worktree(session) / "sold").exists()
    assert (waited.activity_text, waited.agent_version) == ("Three.", PINNED["opencode"])
    assert opencode.model.heard == [ASKED, "And the pears?", "And the plums?"]
    told = iter(opencode.told(session))
    assert [word for word in DAY if not any(word == said for said, _ in told)] == []


def test_without_a_plugin_its_screen_tells_and_its_question_is_answered_by_keys(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = home.place / "config" / "orchestrd" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("[daemon]\nhooks = false\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home.place / "config"))
    home.start(is_measured=False)
    opencode = OpenCodeSessions(home)
    try:
        opencode.model.script(Ask(question="Which fruit?", choices=("Apple", "Pear")), Answer())
        session = opencode.spawn(ASKED)
        decision = opencode.asked(session)

        given = opencode.answer(session, decision.id, "2")
        opencode.model.wait_until("waiting", request=2, within_s=START_S)
        home.reach(session, "waiting")
    finally:
        opencode.close()

    assert given.receipt is Receipt.SUBMITTED
    assert "Pear" in str(opencode.model.requests[-1]["messages"][-1]["content"])
    assert {source for _, source in opencode.told(session)} == {"screen"}
