"""How each agent is asked for what a move means, as its own tools want it."""

import pytest

from orchestrd.testing.model.moves import (
    Answer,
    Ask,
    Cut,
    Delegate,
    Edit,
    Hang,
    Move,
    Read,
    Refusal,
    Run,
    ToolUse,
    Truth,
    Write,
    think,
)
from orchestrd.testing.model.replying import reply_of_subagent, reply_that_waits, reply_to
from orchestrd.testing.model.tools import CannotDo, arranged
from orchestrd.testing.model.writing import Asked, Call, Purpose

DECLARED = {
    "claude": {"Bash", "Read", "Write", "Edit", "AskUserQuestion", "Agent"},
    "codex": {"exec_command", "apply_patch", "request_user_input", "spawn_agent", "view_image"},
    "opencode": {"bash", "read", "write", "edit", "question", "task"},
    "gemini": {"run_shell_command", "read_file", "write_file", "replace", "ask_user", "invoke_agent"},
}
EVERY_USE: tuple[ToolUse, ...] = (
    Run(command="ls"),
    Read(path="prices"),
    Write(path="prices", text="1"),
    Edit(path="prices", old="1", new="2"),
    Ask(question="Which fruit?", choices=("Apples", "Pears")),
    Delegate(prompt="How many?"),
)
WORK: Purpose = "work"


def asked(*tools: str) -> Asked:
    return Asked(purpose=WORK, model="m", is_streamed=True, tools=frozenset(tools))


@pytest.mark.parametrize("agent", DECLARED)
@pytest.mark.parametrize("move", EVERY_USE, ids=lambda move: type(move).__name__)
def test_each_agent_is_asked_by_its_own_tool_for_whatever_it_can_do(agent: str, move: ToolUse) -> None:
    call = arranged(move, asked(*DECLARED[agent]))

    assert isinstance(call, Call)
    assert call.name in DECLARED[agent]
    told = str(call.input)
    assert any(word in told for word in ("ls", "prices", "Which fruit?", "How many?"))


def test_a_command_that_asks_leaves_the_sandbox_and_one_that_does_not_stays_in_it() -> None:
    calls = [arranged(Run(command="ls", asks=asks), asked("exec_command")) for asks in (True, False)]

    assert [isinstance(call, Call) and "sandbox_permissions" in call.input for call in calls] == [True, False]


def test_a_patch_is_one_text() -> None:
    call = arranged(Edit(path="prices", old="1", new="2"), asked("apply_patch"))

    assert isinstance(call, Call)
    assert call.is_text
    assert call.input["input"] == "*** Begin Patch\n*** Update File: prices\n@@\n-1\n+2\n*** End Patch\n"


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (Run(command="touch sold"), "```bash\ntouch sold\n```"),
        (Write(path="prices", text="1"), "prices\n```\n<<<<<<< SEARCH\n=======\n1\n>>>>>>> REPLACE\n```"),
        (Edit(path="prices", old="1", new="2"), "prices\n```\n<<<<<<< SEARCH\n1\n=======\n2\n>>>>>>> REPLACE\n```"),
    ],
)
def test_an_agent_without_tools_reads_what_to_do_in_the_text(move: ToolUse, words: str) -> None:
    assert words in str(arranged(move, asked()))


@pytest.mark.parametrize(("move", "tools"), [(Read(path="prices"), ()), (Run(command="ls"), ("view_image",))])
def test_what_an_agent_cannot_do_is_told(move: ToolUse, tools: tuple[str, ...]) -> None:
    with pytest.raises(CannotDo):
        arranged(move, asked(*tools))


# ---- what it makes true ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("move", "truth"),
    [
        (Answer(), "waiting"),
        (think(for_s=1), "waiting"),
        (Run(command="ls"), "blocked"),
        (Run(command="ls", asks=False), "working"),
        (Read(path="prices", asks=True), "blocked"),
        (Refusal(why="rate_limit"), "working"),
        (Refusal(why="usage_limit"), "limited"),
        (Refusal(why="overloaded"), "working"),
        (Refusal(why="overloaded", leaves="waiting"), "waiting"),
        (Refusal(why="bad_request"), "waiting"),
        (Cut(), "working"),
        (Hang(), "working"),
    ],
)
def test_what_is_sent_tells_what_is_so_after_it(move: Move, truth: Truth) -> None:
    assert reply_to(asked("Bash", "Read"), 1, move).truth == truth


def test_an_agent_that_does_not_ask_again_waits_when_its_answer_breaks_off() -> None:
    gemini = Asked(purpose=WORK, model="m", is_streamed=True, is_asked_again=False)

    assert reply_to(gemini, 1, Cut()).truth == "waiting"


def test_a_text_that_asks_for_nothing_is_an_answer_whatever_is_done_with_it() -> None:
    edit = Edit(path="prices", old="1", new="2", asks=False)

    assert reply_to(asked(), 1, edit).truth == "waiting"


def test_a_move_that_the_agent_has_no_means_for_is_refused_and_told_of() -> None:
    reply = reply_to(asked("view_image"), 1, Run(command="ls"))

    assert (reply.move, reply.truth) == (Refusal(why="bad_request"), "waiting")
    assert "view_image" in reply.why


def test_the_end_of_a_subagent_is_not_the_end_of_its_agents_turn() -> None:
    reply = reply_of_subagent(2, Delegate(prompt="How many?", result="Three", lasts_s=1.5))

    assert (reply.content, reply.truth, reply.move.hold_s) == ("Three", "working", 1.5)


def test_an_agent_is_told_to_wait_for_its_subagents_where_that_is_a_call_of_its_own() -> None:
    reply = reply_that_waits(2, ["a1", "a2"])

    assert isinstance(reply.content, Call)
    assert reply.content.input["targets"] == ["a1", "a2"]
    assert reply.truth == "working"


def test_a_usage_limit_says_when_it_ends_even_where_nobody_has_said_it() -> None:
    told = [move.retry_after_s for move in (Refusal(why="usage_limit"), Refusal(why="rate_limit"))]

    assert told == [3_600, None]
