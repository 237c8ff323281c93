"""The real agents without a terminal, hosted by their own protocols, on a model that knows the truth."""

import math
import os
import signal
from collections.abc import Iterator

import pytest

from benchmarks.agents.installed import why_missing
from orchestrd.client.goals import GoalWish
from orchestrd.model.errors import RefusedError
from orchestrd.model.words import Permission, Receipt, Until
from orchestrd.testing.model import Answer, Refusal, Run
from tests.acceptance.daemon import Home
from tests.acceptance.hosted_sessions import HostedSessions
from tests.acceptance.processes import until

HELD = Answer(hold_s=math.inf)
AGENTS = [
    pytest.param(name, marks=pytest.mark.skipif(why is not None, reason=why or ""))
    for name in ("claude", "codex")
    for why in [why_missing(name)]
]


@pytest.fixture(params=AGENTS)
def hosted(home: Home, request: pytest.FixtureRequest) -> Iterator[HostedSessions]:
    home.start(is_measured=False)  # it may be killed in the middle of a test
    sessions = HostedSessions(home, request.param)
    yield sessions
    sessions.model.close()


def test_a_day_without_a_terminal(hosted: HostedSessions) -> None:
    home, model = hosted.home, hosted.model
    session = hosted.spawn("Count the apples")
    home.reach(session, "waiting")

    model.script(Run(command="touch sold"))
    hosted.send(session, "Sell one")
    first = hosted.asked(session)
    allowed = hosted.answer(session, first, "allow")
    home.reach(session, "waiting")
    model.script(Run(command="touch given"))
    hosted.send(session, "Give one away")
    second = hosted.asked(session)
    mistaken = hosted.answer(session, first, "deny")
    denied = hosted.answer(session, second, "deny")
    home.reach(session, "waiting")
    model.script(Refusal(why="usage_limit"))
    hosted.send(session, "How many are left?")
    home.reach(session, "limited")

    assert (allowed, mistaken, denied) == (Receipt.SUBMITTED, Receipt.REFUSED, Receipt.SUBMITTED)
    assert ((hosted.shop / "sold").exists(), (hosted.shop / "given").exists()) == (True, False)
    turn = ["working", "blocked", "working", "waiting"]
    assert hosted.words(session) == ["working", "waiting", *turn, *turn, "working", "limited"]
    told, log = home.show(session), home.log(session)
    assert told.limited_until is not None
    assert told.tokens is not None
    assert told.tokens.input > 0
    assert told.agent_version
    assert all(line in log for line in ("> Count the apples\nDone.\n", "> Sell one\n", "= Yes, this once\n", ": ok\n"))


def test_what_a_session_may_not_do_is_refused_at_once(hosted: HostedSessions) -> None:
    hosted.model.script(Run(command="touch sold"))

    session = hosted.spawn("Sell one", permission=Permission.DENY, goal=GoalWish(until=Until.TURN))
    ended = hosted.home.until_over(session)[session]

    assert (ended.state, ended.reason) == ("completed", "turn_done")
    assert not (hosted.shop / "sold").exists()
    assert "blocked" not in hosted.words(session)
    assert not list(hosted.home.processes(session))


def test_a_turn_is_interrupted_by_a_signal_and_a_stop_leaves_nothing(hosted: HostedSessions) -> None:
    hosted.model.script(HELD, HELD)
    session = hosted.spawn("Count the apples")
    hosted.home.reach(session, "working")
    hosted.model.wait_until("working")

    os.kill(hosted.pid_of(session, "python"), signal.SIGINT)
    hosted.home.reach(session, "waiting")
    log = hosted.home.log(session)
    hosted.send(session, "Count again")
    hosted.home.stop(session)
    ended = hosted.home.until_over(session, within_s=8.0)[session]

    assert "[interrupted by the user]" in log
    assert (ended.state, ended.reason) == ("cancelled", "stopped")
    assert not list(hosted.home.processes(session))


def test_a_daemon_that_is_killed_in_mid_turn_costs_nothing(hosted: HostedSessions) -> None:
    hosted.model.script(Run(command="touch sold"))
    session = hosted.spawn("Sell one")
    before = hosted.asked(session)

    hosted.restart()
    after = hosted.asked(session)
    receipt = hosted.answer(session, after, "allow")
    hosted.home.reach(session, "waiting")

    assert (before, receipt) == (after, Receipt.SUBMITTED)
    assert (hosted.shop / "sold").exists()
    with pytest.raises(RefusedError) as refused:
        hosted.home.client.screen(session)
    assert (refused.value.code, refused.value.hint) == ("no_terminal", f"orch logs -f {session}")


def test_a_text_of_any_size_and_shape_arrives_whole(hosted: HostedSessions) -> None:
    megabyte = "".join(f"{number:07d}\n" for number in range(125_000))
    shaped = "Zähle 🍎\n\n" + "\n".join(f"  {number} 'apples' \\" for number in range(2_500)) + '\n"end"'

    session = hosted.spawn(megabyte)
    hosted.home.reach(session, "waiting")
    first = hosted.model.heard[-1]
    hosted.send(session, shaped)
    hosted.home.reach(session, "waiting")

    assert first.strip() == megabyte.strip()
    assert hosted.model.heard[-1].strip() == shaped


def test_an_agent_that_is_killed_is_told_as_killed_and_revived_it_knows_what_it_knew(hosted: HostedSessions) -> None:
    session = hosted.spawn("Count the apples")
    hosted.home.reach(session, "waiting")
    until(lambda: hosted.home.show(session).conversation, "its disk holds the conversation")

    os.kill(hosted.pid_of(session, hosted.agent), signal.SIGKILL)
    ended = hosted.home.until_over(session)[session]
    hosted.home.revive(session)
    hosted.home.reach(session, "waiting")
    hosted.send(session, "And now?")
    hosted.home.reach(session, "waiting")

    assert (ended.state, ended.reason, ended.exit_signal) == ("failed", "signal", "SIGKILL")
    heard = [text.strip() for text in hosted.model.heard]
    assert (heard[0], heard[-1], hosted.model.asked_times) == ("Count the apples", "And now?", 2)
