"""A day of the real Claude Code under the real daemon: what is said of it is true at every moment, crashes or not.

The model is a stand-in that knows the truth, and each moment is held until it was seen; nothing waits for a time.
"""

from collections.abc import Callable

import pytest

from orchestrd.client.goals import GoalWish
from orchestrd.model.words import Receipt, Until
from orchestrd.testing.model.moves import Run, think
from tests.acceptance.claude_sessions import ClaudeSessions
from tests.acceptance.processes import until
from tests.standin.claude import needs_claude

pytestmark = needs_claude

FIRST, SECOND = "Count the apples", "Sell one of them"
HELD = think()


def nothing_happens(_: ClaudeSessions) -> None:
    """A day without a crash."""


def the_daemon_is_killed(claude: ClaudeSessions) -> None:
    claude.restart()


@pytest.mark.parametrize("then", [nothing_happens, the_daemon_is_killed])
def test_every_moment_of_two_turns_is_told_as_it_is(
    claude: ClaudeSessions, then: Callable[[ClaudeSessions], None]
) -> None:
    home, model = claude.home, claude.model
    model.script(HELD, Run(command="touch sold"), HELD)

    session = claude.spawn(FIRST)
    model.wait_until("working")
    home.reach(session, "working")
    then(claude)
    home.reach(session, "working")

    model.release()
    model.wait_until("waiting")
    home.reach(session, "waiting")
    then(claude)
    home.reach(session, "waiting")

    sent = home.send(session, SECOND, "m1")
    model.wait_until("blocked")
    home.reach(session, "blocked")
    then(claude)
    asking = home.reach(session, "blocked")
    screen = claude.screen(session)
    refused = home.send(session, "yes", "m2")

    assert sent.receipt is Receipt.SUBMITTED
    assert refused.receipt is Receipt.REFUSED
    assert "touch sold" in str(asking.activity_text)
    assert claude.screen(session) == screen
    assert model.truth == "blocked"

    claude.press(session, "Enter")
    model.wait_until("working", request=3)
    home.reach(session, "working")
    then(claude)
    model.release()
    model.wait_until("waiting")
    home.reach(session, "waiting")
    home.stop(session)
    ended = home.until_over(session)[session]

    assert (ended.state, ended.reason) == ("cancelled", "stopped")
    assert claude.told(session) == ["working", "waiting", "working", "blocked", "working", "waiting"]
    assert model.heard == claude.submitted(session) == [FIRST, SECOND]
    assert (claude.worktree(session) / "sold").exists()
    assert not list(home.processes(session))


def test_a_session_until_turn_completes_by_itself_when_its_turn_is_over(claude: ClaudeSessions) -> None:
    claude.model.script(Run(command="ls", asks=False), HELD)
    session = claude.spawn(FIRST, goal=GoalWish(until=Until.TURN))
    claude.model.wait_until("working", request=2)
    claude.home.reach(session, "working")

    claude.model.release()
    ended = claude.home.until_over(session)[session]

    assert (ended.state, ended.reason) == ("completed", "turn_done")
    assert claude.model.heard == [FIRST]


def test_a_goal_that_is_met_while_no_daemon_runs_is_met_for_the_next_one(claude: ClaudeSessions) -> None:
    claude.model.script(HELD)
    session = claude.spawn(FIRST, goal=GoalWish(until=Until.TURN))
    claude.model.wait_until("working")
    claude.home.reach(session, "working")

    claude.home.daemons[-1].kill()
    claude.model.release()
    claude.model.wait_until("waiting")
    claude.home.start(is_measured=False)
    ended = claude.home.until_over(session)[session]

    assert (ended.state, ended.reason) == ("completed", "turn_done")


def test_what_is_sent_to_one_that_works_is_typed_once_when_its_turn_is_over(claude: ClaudeSessions) -> None:
    claude.model.script(HELD)
    session = claude.spawn(FIRST)
    claude.model.wait_until("working")
    claude.home.reach(session, "working")

    reply = claude.home.send(session, SECOND)
    claude.restart()
    heard_before = list(claude.model.heard)
    claude.model.release()
    claude.model.wait_until("waiting", request=2)
    claude.home.reach(session, "waiting")

    assert reply.receipt is Receipt.QUEUED
    assert heard_before == [FIRST]
    assert claude.model.heard == claude.submitted(session) == [FIRST, SECOND]


def test_a_text_of_a_megabyte_arrives_whole_and_once(claude: ClaudeSessions) -> None:
    prompt = "Count these apples:\n" + "".join(f"apple {n:06d}, " for n in range(72_000)) + "and say how many"

    session = claude.spawn(prompt)
    claude.model.wait_until("waiting", request=1)
    claude.home.reach(session, "waiting")

    assert len(prompt) > 1_000_000
    assert claude.model.heard == [prompt]


def test_revive_goes_on_with_the_same_conversation(claude: ClaudeSessions) -> None:
    session = claude.spawn(FIRST)
    claude.model.wait_until("waiting", request=1)
    until(lambda: "turn_duration" in claude.transcript(), "Claude Code has written its turn down")
    claude.home.stop(session)
    before = claude.home.until_over(session)[session]

    claude.home.revive(session)
    after = claude.home.reach(session, "waiting")
    reply = claude.home.send(session, SECOND)
    claude.model.wait_until("waiting", request=2)

    assert reply.receipt is Receipt.SUBMITTED
    assert [text.strip() for text in claude.model.heard] == [
        FIRST,
        SECOND,
    ]  # from the transcript it comes with a newline
    assert (before.generation, after.generation) == (1, 2)
    assert before.conversation == after.conversation is not None
