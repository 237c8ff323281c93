"""A day of the real Aider: its prompt is typed, its questions are answered by keys, and what it costs is added up."""

from collections.abc import Iterator

import pytest

from orchestrd.model.words import Receipt
from orchestrd.testing.model import Answer, Run
from orchestrd.testing.model.moves import think
from tests.acceptance.daemon import Home
from tests.acceptance.real_sessions import START_S, RealSessions
from tests.standin.claude import needs

pytestmark = needs("aider")


@pytest.fixture
def aider(home: Home) -> Iterator[RealSessions]:
    """Give a home with a daemon, for sessions of the real Aider."""
    home.start(is_measured=False)
    sessions = RealSessions(home, "aider")
    yield sessions
    sessions.close()


def test_it_is_told_its_prompt_asks_is_answered_waits_and_is_interrupted(aider: RealSessions) -> None:
    aider.model.script(Run(command="touch sold"), Answer(text="Three."), think())
    session = aider.spawn("Count the apples")
    decision = aider.asked(session)

    given = aider.answer(session, decision.id, "y")
    aider.home.reach(session, "waiting", within_s=START_S)
    sent = aider.home.send(session, "And the pears?\nAll of them.")
    aider.home.reach(session, "working")
    aider.press(session, "C-c")
    aider.home.reach(session, "waiting")

    told = aider.home.show(session)
    assert decision.text == "touch sold Run shell command?"
    assert given.receipt is Receipt.SUBMITTED
    assert sent.receipt in (Receipt.SUBMITTED, Receipt.TYPED)  # of a slow machine nobody sees it taken in time
    assert (aider.worktree(session) / "sold").exists()
    assert [word for word, _ in aider.told(session)][-3:] == ["waiting", "working", "waiting"]
    assert told.error is None
