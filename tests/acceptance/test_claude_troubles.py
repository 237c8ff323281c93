"""What can go wrong around the real Claude Code, and what is said then: true reasons, and nothing that nobody knows."""

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from orchestrd.client.goals import GoalWish
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.model.words import Receipt, Until
from orchestrd.testing.model.moves import Refusal, Run, think
from tests.acceptance.claude_sessions import ClaudeSessions
from tests.acceptance.command_line import ORCH, PATIENCE_S
from tests.acceptance.processes import until
from tests.standin.claude import needs_claude

pytestmark = needs_claude

FIRST, SECOND = "Count the apples", "Sell one of them"
HELD = think()


def working(claude: ClaudeSessions) -> SessionId:
    """Begin a session whose agent is at work until it is released."""
    claude.model.script(HELD)
    session = claude.spawn(FIRST)
    claude.model.wait_until("working")
    claude.home.reach(session, "working")
    return session


# ---- ends ------------------------------------------------------------------------------------------------------------


def test_an_agent_that_is_killed_is_told_as_killed(claude: ClaudeSessions) -> None:
    session = working(claude)

    os.kill(claude.agent(session).pid, signal.SIGKILL)
    ended = claude.home.until_over(session)[session]

    assert (ended.state, ended.reason, ended.exit_signal) == ("failed", "signal", "SIGKILL")
    assert not list(claude.home.processes(session))


@pytest.mark.parametrize("is_watched", [True, False])
def test_a_tmux_server_that_is_killed_takes_its_sessions_along_and_that_is_said(
    claude: ClaudeSessions, *, is_watched: bool
) -> None:
    session = working(claude)
    if not is_watched:
        claude.home.daemons[-1].kill()

    os.kill(int(claude.tmux("display-message", "-p", "#{pid}")), signal.SIGKILL)
    if not is_watched:
        claude.home.start(is_measured=False)
    ended = claude.home.until_over(session)[session]

    assert (ended.state, ended.reason) == ("failed", "terminal_lost")
    assert not list(claude.home.processes(session))

    revived = claude.home.revive(session)
    claude.home.reach(session, "waiting")

    assert revived.generation == 2


# ---- a witness is lost -----------------------------------------------------------------------------------------------


def test_without_its_hooks_all_is_told_all_the_same_and_the_row_says_that_they_are_missing(
    claude: ClaudeSessions,
) -> None:
    claude.user.write_settings(disableAllHooks=True)
    claude.model.script(HELD, Run(command="touch sold"))

    session = claude.spawn(FIRST)
    claude.model.wait_until("working")
    claude.home.reach(session, "working")
    claude.model.release()
    claude.model.wait_until("waiting")
    claude.home.reach(session, "waiting")
    reply = claude.home.send(session, SECOND)
    claude.model.wait_until("blocked")
    claude.home.reach(session, "blocked")

    assert reply.receipt is Receipt.SUBMITTED
    assert claude.model.heard == [FIRST, SECOND]
    until(lambda: claude.home.show(session).notice, "the row says that no hook was heard")


def test_hooks_that_are_lost_in_the_middle_leave_nothing_working_for_ever(claude: ClaudeSessions) -> None:
    session = working(claude)

    Path(claude.home.layout.run_directory(session, 1), "hooks.jsonl").unlink()
    claude.model.release()
    claude.model.wait_until("waiting")

    claude.home.reach(session, "waiting")


def test_a_turn_whose_end_no_hook_tells_meets_its_goal_all_the_same(claude: ClaudeSessions) -> None:
    claude.user.write_settings(disableAllHooks=True)

    session = claude.spawn(FIRST, goal=GoalWish(until=Until.TURN))
    ended = claude.home.until_over(session)[session]

    assert (ended.state, ended.reason) == ("completed", "turn_done")


# ---- a person steps in -----------------------------------------------------------------------------------------------


def test_an_interrupt_is_told_and_meets_no_goal(claude: ClaudeSessions) -> None:
    claude.model.script(HELD)
    session = claude.spawn(FIRST, goal=GoalWish(until=Until.TURN))
    claude.model.wait_until("working")
    claude.home.reach(session, "working")
    until(lambda: "esc to interrupt" in claude.screen(session), "Claude Code hears an interrupt")

    claude.press(session, "Escape")
    claude.model.wait_until("waiting")
    claude.home.reach(session, "waiting")
    claude.restart()

    assert claude.home.reach(session, "waiting").state == "running"


def test_what_a_person_denies_is_no_longer_asked(claude: ClaudeSessions) -> None:
    claude.model.script(Run(command="touch sold"))
    session = claude.spawn(FIRST)
    claude.model.wait_until("blocked")
    claude.home.reach(session, "blocked")
    until(lambda: "Do you want to proceed?" in claude.screen(session), "the dialog is drawn")

    claude.press(session, "Escape")

    claude.home.reach(session, "waiting")
    assert not (claude.worktree(session) / "sold").exists()


def test_a_draft_in_the_box_is_neither_sent_along_nor_lost(claude: ClaudeSessions) -> None:
    session = claude.spawn(FIRST)
    claude.model.wait_until("waiting", request=1)
    claude.home.reach(session, "waiting")
    claude.press(session, "-l", "DRAFT")
    until(lambda: "DRAFT" in claude.screen(session), "the draft is drawn")

    orch_send = [*ORCH, "send", session, SECOND]
    environment = os.environ | {"ORCH_HOME": claude.home.layout.home}
    refused = subprocess.run(
        orch_send, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    screen = claude.screen(session)
    claude.press(session, "C-u")
    until(lambda: "DRAFT" not in claude.screen(session), "the draft is deleted")
    reply = claude.home.send(session, SECOND)
    claude.model.wait_until("waiting", request=2)

    assert refused.returncode == 4
    assert "a draft stands in its box: 'DRAFT'" in refused.stderr
    assert "DRAFT" in screen
    assert reply.receipt is Receipt.SUBMITTED
    assert claude.model.heard == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ({"is_onboarded": False}, "asks for a text style"),
        ({"knows_key": False}, "asks whether to use the API key"),
        ({"is_trusted": False}, "asks whether the directory it works in is trusted"),
    ],
)
def test_a_dialog_at_the_start_is_named_and_nothing_is_typed_into_it(
    claude: ClaudeSessions, answers: dict[str, bool], asked: str
) -> None:
    trusted = [claude.repository] if answers.pop("is_trusted", True) else []
    claude.user.prepare(*trusted, **answers)

    session = claude.spawn(FIRST)
    told = claude.home.reach(session, "blocked")
    screen = claude.screen(session)
    reply = claude.home.send(session, "yes")

    assert asked in str(told.activity_text)
    assert reply.receipt is Receipt.REFUSED
    assert claude.screen(session) == screen
    assert claude.model.asked_times == 0


# ---- the model fails -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "activity", "text"),
    [(Refusal(why="bad_request"), "waiting", "400"), (Refusal(why="usage_limit"), "limited", "429")],
)
def test_an_error_of_the_model_is_told_with_its_words(
    claude: ClaudeSessions, refusal: Refusal, activity: str, text: str
) -> None:
    claude.model.script(refusal)

    session = claude.spawn(FIRST, goal=GoalWish(until=Until.TURN))
    claude.home.reach(session, activity)

    until(lambda: text in str(claude.home.show(session).activity_text), f"the row tells of {text}")
    assert claude.home.show(session).state == "running"


def test_retries_are_told_as_work_that_goes_on(claude: ClaudeSessions) -> None:
    claude.model.script(*[Refusal(why="rate_limit")] * 3, HELD)

    session = claude.spawn(FIRST)
    claude.model.wait_until("working", request=1)
    until(lambda: "tries again" in str(claude.home.show(session).activity_text), "the row tells of the retries")
    claude.model.wait_until("working", request=4)
    claude.model.release()
    claude.home.reach(session, "waiting")

    assert claude.told(session) == ["working", "waiting"]


# ---- the daemon is killed in the middle ------------------------------------------------------------------------------


def test_a_message_under_way_when_the_daemon_is_killed_is_never_typed_twice(claude: ClaudeSessions) -> None:
    session = claude.spawn(FIRST)
    claude.model.wait_until("waiting", request=1)
    claude.home.reach(session, "waiting")
    sending = threading.Thread(target=_send, args=(claude, session), name="sender")
    claude.model.script(HELD)

    sending.start()
    claude.model.wait_until("working", request=2)
    claude.restart()
    sending.join()
    claude.home.reach(session, "working")
    claude.model.release()
    claude.model.wait_until("waiting")
    claude.home.reach(session, "waiting")

    assert claude.model.heard == claude.submitted(session) == [FIRST, SECOND]
    assert [settled.id for settled in claude.home.record(session).settled] == ["m"]


def _send(claude: ClaudeSessions, session: SessionId) -> None:
    try:
        claude.home.send(session, SECOND)
    except OrchestrdError:
        return  # it was cut off: that is what this is about
