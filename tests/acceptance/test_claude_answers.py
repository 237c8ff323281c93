"""Decisions of the real Claude Code, answered by `orch answer`'s own way: without a keystroke, and never twice."""

from orchestrd.client import calls
from orchestrd.client.policies import PolicyWish
from orchestrd.model.decision import Decision
from orchestrd.model.document import AnswerReply, AnswerRequest
from orchestrd.model.words import Permission, Receipt
from orchestrd.testing.model.moves import Answer, Ask, Run, think
from tests.acceptance.claude_sessions import ClaudeSessions
from tests.acceptance.processes import until
from tests.standin.claude import needs_claude

pytestmark = needs_claude

ASKED = "Count the apples"


def asked(claude: ClaudeSessions, session: str) -> Decision:
    """Wait until the session is blocked on a decision that is held, and give it."""
    claude.model.wait_until("blocked")
    claude.home.reach(session, "blocked")
    until(lambda: claude.home.show(session).decision is not None, "it is told what it asks")
    decision = claude.home.show(session).decision
    assert decision is not None
    return decision


def answer(claude: ClaudeSessions, session: str, decision: str, choice: str, text: str | None = None) -> AnswerReply:
    return claude.home.ask(calls.answer(session, AnswerRequest(decision=decision, choice=choice, text=text)))


def results(claude: ClaudeSessions) -> str:
    """Give what the model was last told of its tools."""
    return str(claude.model.requests[-1]["messages"][-1]["content"])


def test_what_is_allowed_is_done_once_and_nothing_is_asked_any_more(claude: ClaudeSessions) -> None:
    claude.model.script(Run(command="touch sold; sleep 0.2"), Answer())
    session = claude.spawn(ASKED)
    decision = asked(claude, session)

    given = answer(claude, session, decision.id, "allow")
    claude.model.wait_until("waiting", request=2)
    claude.home.reach(session, "waiting")
    again = answer(claude, session, decision.id, "allow")
    other = answer(claude, session, decision.id, "deny")

    assert decision.text.startswith("Bash: touch sold; sleep 0.2\n")
    assert [choice.key for choice in decision.choices] == ["allow", "always", "deny"]
    assert given.receipt is again.receipt is Receipt.SUBMITTED
    assert other.receipt is Receipt.REFUSED
    assert (claude.worktree(session) / "sold").exists()
    assert claude.home.show(session).decision is None
    assert claude.told(session) == ["working", "blocked", "working", "waiting"]


def test_what_is_refused_with_a_message_is_told_to_the_model_and_its_turn_goes_on(claude: ClaudeSessions) -> None:
    claude.model.script(Run(command="touch sold"), Answer())
    session = claude.spawn(ASKED)
    decision = asked(claude, session)

    given = answer(claude, session, decision.id, "deny", 'Sell "nothing" today')
    claude.model.wait_until("waiting", request=2)
    claude.home.reach(session, "waiting")

    assert given.receipt is Receipt.SUBMITTED
    assert 'Sell "nothing" today' in results(claude)
    assert not (claude.worktree(session) / "sold").exists()


def test_a_question_is_answered_by_one_of_its_options(claude: ClaudeSessions) -> None:
    claude.model.script(Ask(question="Which fruit?", choices=("Apple", "Pear")), Answer())
    session = claude.spawn(ASKED)
    decision = asked(claude, session)

    given = answer(claude, session, decision.id, "2")
    claude.model.wait_until("waiting", request=2)

    assert (decision.kind, decision.text) == ("question", "Which fruit?")
    assert [choice.label for choice in decision.choices][:2] == ["Apple: We sell apple", "Pear: We sell pear"]
    assert given.receipt is Receipt.SUBMITTED
    assert '"Which fruit?"="Pear"' in results(claude)


def test_an_answer_that_comes_behind_that_of_a_person_is_refused(claude: ClaudeSessions) -> None:
    claude.model.script(Run(command="touch sold"), think())
    session = claude.spawn(ASKED)
    decision = asked(claude, session)
    claude.press(session, "Enter")
    claude.model.wait_until("working", request=2)

    late = answer(claude, session, decision.id, "deny")
    claude.model.release()
    claude.model.wait_until("waiting")

    assert late.receipt is Receipt.REFUSED
    assert "does not ask this any more" in str(late.error)
    assert (claude.worktree(session) / "sold").exists()


def test_a_session_that_asks_is_stopped_at_once_and_leaves_nothing_behind(claude: ClaudeSessions) -> None:
    claude.model.script(Run(command="touch sold"))
    session = claude.spawn(ASKED)
    asked(claude, session)

    claude.home.stop(session)
    ended = claude.home.until_over(session)[session]

    assert (ended.state, ended.reason, ended.left_behind) == ("cancelled", "stopped", 0)
    assert not list(claude.home.processes(session))


def test_an_answer_outlives_the_daemon_that_was_asked(claude: ClaudeSessions) -> None:
    claude.model.script(Run(command="touch sold"), Answer())
    session = claude.spawn(ASKED)
    decision = asked(claude, session)

    claude.restart()
    given = answer(claude, session, decision.id, "allow")
    claude.model.wait_until("waiting", request=2)

    assert given.receipt is Receipt.SUBMITTED
    assert (claude.worktree(session) / "sold").exists()


def test_a_dialog_of_its_start_is_answered_by_keys(claude: ClaudeSessions) -> None:
    claude.user.prepare()  # nobody has trusted anything yet
    session = claude.spawn(ASKED)
    claude.home.reach(session, "blocked")
    until(lambda: claude.home.show(session).decision is not None, "it is told what it asks")
    decision = claude.home.show(session).decision
    assert decision is not None

    wrong = answer(claude, session, "0123456789abcdef", "1")
    given = answer(claude, session, decision.id, "1")
    claude.model.wait_until("waiting", request=1)
    late = answer(claude, session, decision.id, "2")

    assert (decision.kind, decision.way) == ("dialog", "keys")
    assert "trust" in decision.text
    assert wrong.receipt is late.receipt is Receipt.REFUSED
    assert given.receipt is Receipt.SUBMITTED
    assert claude.model.heard == [ASKED]


def test_what_a_session_may_do_is_done_and_what_it_may_not_is_refused_unasked(claude: ClaudeSessions) -> None:
    moves = (Run(command="touch sold", asks=False), Answer())
    claude.model.script(*moves)
    allowed = claude.spawn(ASKED, policy=PolicyWish(allow=("Bash(touch sold:*)",)))
    claude.model.wait_until("waiting", request=2)
    claude.home.reach(allowed, "waiting")
    claude.model.script(*moves)
    denied = claude.spawn(ASKED, policy=PolicyWish(permission=Permission.DENY))
    claude.model.wait_until("waiting", request=4)
    claude.home.reach(denied, "waiting")

    assert (claude.worktree(allowed) / "sold").exists()
    assert not (claude.worktree(denied) / "sold").exists()
    assert "has been denied" in results(claude)
    assert "blocked" not in [*claude.told(allowed), *claude.told(denied)]
