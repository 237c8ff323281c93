"""A day of the real Gemini CLI: every edge is told, its dialogs are answered by keys, and it goes on where it was."""

import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.truth.stage import PLACE
from orchestrd.model.words import Receipt
from orchestrd.testing.model import Answer, Run
from orchestrd.testing.model.moves import think
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until
from tests.acceptance.real_sessions import START_S, RealSessions
from tests.standin.claude import needs

pytestmark = needs("gemini")
PLACES = (PLACE, Path.home())  # the second where this checkout lies below /tmp


def takes_hooks(place: Path) -> bool:
    """Tell whether Gemini CLI takes hooks out of a place: only root may have any hand in it, or in what is above."""
    ways = [way.stat() for way in (place, *place.parents) if way.exists()]
    return all(way.st_uid == 0 and not way.st_mode & (stat.S_IWGRP | stat.S_IWOTH) for way in ways)


has_hooks = pytest.mark.skipif(
    not any(map(takes_hooks, PLACES)), reason="Gemini CLI takes hooks only out of what root alone may write to"
)


@pytest.fixture
def gemini() -> Iterator[RealSessions]:
    """Give a home with a daemon, for sessions of the real Gemini CLI, where it takes hooks if there is such a place."""
    where = next(filter(takes_hooks, PLACES), PLACE)
    where.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".g", dir=where, ignore_cleanup_errors=True) as place:
        home = Home(Path(place))
        home.start(is_measured=False)
        sessions = RealSessions(home, "gemini")
        yield sessions
        sessions.close()
        home.clear()


@has_hooks
def test_it_works_asks_is_answered_waits_is_interrupted_and_comes_back_with_its_conversation(
    gemini: RealSessions,
) -> None:
    gemini.model.script(Run(command="touch sold"), Answer(text="Three."), think())
    session = gemini.spawn("Count the apples", workspace="none")
    decision = gemini.asked(session)
    given = gemini.answer(session, decision.id, "1")
    gemini.model.wait_until("waiting", request=2)
    gemini.home.reach(session, "waiting")
    until(lambda: gemini.home.show(session).activity_text == "Three.", "what it said last is told")
    sent = gemini.home.send(session, "And the pears?\nAll of them.")
    gemini.model.wait_until("working", request=3)
    gemini.home.reach(session, "working")
    gemini.press(session, "Escape")
    gemini.home.reach(session, "waiting")
    gemini.home.stop(session)
    gemini.home.until_over(session)

    gemini.model.script(Answer(text="Four."))
    gemini.home.revive(session)
    gemini.home.reach(session, "waiting", within_s=START_S)
    gemini.home.send(session, "And the plums?", "m2")
    gemini.model.wait_until("waiting", request=4)

    assert decision.text.startswith("Shell touch sold")
    assert [choice.label for choice in decision.choices][:2] == ["Allow once", "Allow for this session"]
    assert given.receipt is Receipt.SUBMITTED
    assert sent.receipt in (Receipt.SUBMITTED, Receipt.TYPED)  # of a slow machine nobody sees it taken in time
    assert repr("And the pears?\nAll of them.") in str(gemini.model.requests[2]["contents"][-1])
    assert (gemini.repository / "sold").exists()
    assert "Count the apples" in str(gemini.model.requests[-1]["contents"])
    assert [word for word, _ in gemini.told(session)][:6] == [
        "working",
        "blocked",
        "working",
        "waiting",
        "working",
        "waiting",
    ]


def test_a_worktree_that_it_does_not_trust_yet_is_a_decision(gemini: RealSessions) -> None:
    gemini.model.script(Answer(text="Three."))
    session = gemini.spawn("Count the apples")
    gemini.home.reach(session, "blocked", within_s=START_S)
    decision = gemini.home.show(session).decision
    assert decision is not None

    given = gemini.answer(session, decision.id, "1")
    gemini.model.wait_until("waiting", request=1)
    gemini.home.reach(session, "waiting")

    assert decision.text == "asks whether the directory it works in is trusted"
    assert given.receipt is Receipt.SUBMITTED
