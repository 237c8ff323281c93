"""What no recording shows: refusals, many questions, messages that come too early, and whatever else may be said."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.hosting.talk import Talk
from tests.hosting.replaying import RECORDED, talk_of, told_of

AGENTS = ("claude", "codex")
every_agent = pytest.mark.parametrize("agent", AGENTS)
THREAD = "01a1fd71-bdac-7902-b7c6-36c7321b0f01"
READY = {
    "claude": ({"type": "control_response", "response": {"request_id": "host-initialize-1", "subtype": "success"}},),
    "codex": (
        {"id": 1, "result": {"userAgent": "orchestrd/0.169.0 (Linux)"}},
        {"id": 2, "result": {"thread": {"id": THREAD}}},
    ),
}
ASKING: dict[str, Any] = {
    "claude": {
        "type": "control_request",
        "request_id": "r1",
        "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "rm -r ."}},
    },
    "codex": {
        "id": 7,
        "method": "item/commandExecution/requestApproval",
        "params": {"threadId": THREAD, "command": "rm -r .", "reason": "Clean"},
    },
}
QUESTIONS = [
    {"id": "one", "question": "Which fruit?", "options": [{"label": "Apples"}, {"label": "Pears"}]},
    {"id": "two", "question": "How many?", "options": None},
]
ASKING_TWICE: dict[str, Any] = {
    "claude": {
        "type": "control_request",
        "request_id": "r1",
        "request": {"subtype": "can_use_tool", "tool_name": "AskUserQuestion", "input": {"questions": QUESTIONS}},
    },
    "codex": {"id": 7, "method": "item/tool/requestUserInput", "params": {"threadId": THREAD, "questions": QUESTIONS}},
}


def hear(talk: Talk, *messages: object) -> list[str]:
    """Have a talk hear messages; gives what came of them."""
    for message in messages:
        talk.hear(json.dumps(message).encode())
    return list(told_of(talk))


def begun(agent: str, **settings: Any) -> Talk:
    """Begin a talk that has got as far as taking messages."""
    talk = talk_of(agent, **settings)
    talk.begin()
    hear(talk, *READY[agent])
    return talk


def edges(told: list[str]) -> list[str]:
    return [json.loads(line.split(maxsplit=1)[1])["edge"] for line in told if line.startswith("  fact")]


def sent(told: list[str]) -> list[Any]:
    return [json.loads(line.split(maxsplit=2)[2]) for line in told if line.startswith("  to agent")]


@every_agent
def test_a_message_waits_until_the_agent_takes_one(agent: str) -> None:
    talk = talk_of(agent)
    talk.send("hello")
    talk.begin()
    before = list(told_of(talk))

    after = hear(talk, *READY[agent])

    assert "hello" not in str(before)
    assert "hello" in str(sent(after))
    assert edges(after) == []  # neither does it wait, nor has its turn begun


@every_agent
def test_messages_are_given_one_at_a_time(agent: str) -> None:
    talk = begun(agent)

    talk.send("first")
    talk.send("second")

    assert "second" not in str(list(told_of(talk)))


@every_agent
def test_a_session_that_may_nothing_refuses_at_once(agent: str) -> None:
    talk = begun(agent, is_denying=True)

    told = hear(talk, ASKING[agent])

    assert edges(told) == ["turn"]
    assert any(word in str(sent(told)) for word in ("deny", "decline"))
    assert talk.asked is None


@every_agent
def test_a_session_that_may_nothing_answers_no_question_either(agent: str) -> None:
    talk = begun(agent, is_denying=True)

    told = hear(talk, ASKING_TWICE[agent])

    assert len(sent(told)) == 1
    assert talk.asked is None


@every_agent
@pytest.mark.parametrize("reply", ["", "perhaps", "allow please", "other", "ALLOW\0"])
def test_what_is_none_of_the_choices_is_no_answer(agent: str, reply: str) -> None:
    talk = begun(agent)
    hear(talk, ASKING[agent])

    talk.answer(reply if reply != "allow please" else "allowed please")
    told = list(told_of(talk))

    assert (sent(told), edges(told)) == ([], [])
    assert talk.asked is not None


@every_agent
def test_nothing_is_answered_while_nothing_is_asked(agent: str) -> None:
    talk = begun(agent)

    talk.answer("allow")

    assert sent(list(told_of(talk))) == []


def test_a_refusal_may_say_why() -> None:
    talk = begun("claude")
    hear(talk, ASKING["claude"])

    talk.answer('deny "not the \\"pears\\""')

    (response,) = sent(list(told_of(talk)))
    assert response["response"]["response"] == {"behavior": "deny", "message": 'not the "pears"'}


@every_agent
def test_questions_are_asked_one_after_the_other_and_answered_together(agent: str) -> None:
    talk = begun(agent)
    first = hear(talk, ASKING_TWICE[agent])
    talk.answer("2")
    second = list(told_of(talk))
    talk.answer('other "a dozen"')
    last = list(told_of(talk))

    assert (edges(first), edges(second), edges(last)) == (["turn", "asked"], ["asked"], ["answered"])
    assert (sent(first), sent(second)) == ([], [])
    assert "Pears" in str(sent(last))
    assert "a dozen" in str(sent(last))


@every_agent
def test_whoever_answers_no_question_is_not_asked_the_next_one(agent: str) -> None:
    talk = begun(agent)
    hear(talk, ASKING_TWICE[agent])

    talk.answer("deny")

    assert edges(list(told_of(talk))) == ["answered"]


def test_of_two_things_that_are_asked_at_once_the_second_follows_the_first() -> None:
    talk = begun("claude")
    told = hear(talk, ASKING["claude"], {**ASKING["claude"], "request_id": "r2"})
    first = talk.asked

    talk.answer("allow")

    assert edges(told) == ["turn", "asked"]
    assert edges(list(told_of(talk))) == ["asked"]
    assert talk.asked not in (None, first)


def test_what_the_agent_asks_no_more_cannot_be_answered() -> None:
    talk = begun("claude")
    hear(talk, ASKING["claude"])

    told = hear(talk, {"type": "control_cancel_request", "request_id": "r1"})

    assert edges(told) == ["answered"]
    assert talk.asked is None


@every_agent
def test_an_interrupt_that_comes_before_the_turn_has_begun_is_not_lost(agent: str) -> None:
    began: dict[str, Any] = {
        "claude": {"type": "system", "subtype": "init"},
        "codex": {"method": "turn/started", "params": {"threadId": THREAD, "turn": {"id": "t1"}}},
    }
    talk = begun(agent)
    talk.send("hello")
    list(told_of(talk))

    talk.interrupt()
    early = list(told_of(talk))
    late = hear(talk, began[agent])

    assert sent(early) == []
    assert "interrupt" in str(sent(late))


def test_without_its_states_a_turn_of_claude_begins_and_ends_by_what_else_it_says() -> None:
    talk = begun("claude")
    talk.send("hello")
    list(told_of(talk))

    told = hear(talk, {"type": "system", "subtype": "init"}, {"type": "result", "is_error": False, "result": "Done."})

    assert edges(told) == ["turn", "over"]


def test_a_subscription_that_is_used_up_names_its_reset_time() -> None:
    info = {"status": "rejected", "resetsAt": 1_795_257_055, "rateLimitType": "five_hour"}
    talk = begun("claude")
    talk.send("hello")
    list(told_of(talk))

    told = hear(
        talk,
        {"type": "system", "subtype": "init"},
        {"type": "rate_limit_event", "rate_limit_info": info},
        {"type": "result", "is_error": True, "result": "You have hit your limit"},
    )

    assert json.loads(told[-1].split(maxsplit=1)[1])["until"] == 1_795_257_055
    assert edges(told) == ["turn", "limited"]


@every_agent
def test_an_error_after_which_it_tries_again_is_told_and_ends_nothing(agent: str) -> None:
    retry: dict[str, Any] = {
        "claude": {"type": "system", "subtype": "api_retry", "attempt": 2, "max_retries": 10, "error": "overloaded"},
        "codex": {"method": "error", "params": {"willRetry": True, "error": {"message": "overloaded"}}},
    }
    talk = begun(agent)

    told = hear(talk, retry[agent])

    assert edges(told) == ["turn", "retry"]
    assert "tries again: overloaded" in str(told)


@every_agent
def test_a_conversation_that_was_summarised_is_told_so(agent: str) -> None:
    item = {"type": "contextCompaction", "id": "i1"}
    summarised: dict[str, Any] = {
        "claude": {"type": "system", "subtype": "compact_boundary"},
        "codex": {"method": "item/completed", "params": {"threadId": THREAD, "item": item}},
    }

    assert "the conversation so far was summarised" in str(hear(begun(agent), summarised[agent]))


def test_what_a_subagent_says_is_not_told() -> None:
    said = {"type": "assistant", "parent_tool_use_id": "t1", "message": {"content": "psst"}}

    assert hear(begun("claude"), said) == []


def test_why_it_could_not_begin_is_told() -> None:
    told = hear(begun("claude"), {"type": "result", "is_error": True, "errors": ["No conversation found"]})

    assert edges(told) == []
    assert "! No conversation found" in str(told)


def test_too_many_requests_are_a_limit_of_codex_too() -> None:
    error = {"message": "later", "codexErrorInfo": {"responseTooManyFailedAttempts": {"httpStatusCode": 429}}}
    talk = begun("codex")

    told = hear(
        talk,
        {"method": "turn/started", "params": {"threadId": THREAD, "turn": {"id": "t1"}}},
        {"method": "turn/completed", "params": {"threadId": THREAD, "turn": {"status": "failed", "error": error}}},
    )

    assert edges(told) == ["turn", "limited"]


@pytest.mark.parametrize(
    ("subtype", "answer"),
    [("request_user_dialog", "cancelled"), ("elicitation", "cancel"), ("hook_callback", "this host cannot do")],
)
def test_what_a_host_cannot_show_is_answered_all_the_same(subtype: str, answer: str) -> None:
    talk = begun("claude")

    told = hear(talk, {"type": "control_request", "request_id": "r1", "request": {"subtype": subtype}})

    assert answer in str(sent(told))


def test_a_thread_of_codex_that_is_not_there_leaves_nothing_to_host() -> None:
    talk = talk_of("codex", conversation=THREAD)
    talk.begin()

    told = hear(talk, READY["codex"][0], {"id": 2, "error": {"code": -32600, "message": "no rollout found"}})

    assert any(message.get("method") == "thread/resume" for message in sent(told))
    assert talk.is_hopeless
    assert "no rollout found" in str(told)


def test_a_turn_that_codex_does_not_start_has_failed() -> None:
    talk = begun("codex")
    talk.send("hello")
    list(told_of(talk))

    told = hear(talk, {"id": 3, "error": {"message": "no"}})

    assert edges(told) == ["failed"]
    assert not talk.is_hopeless


@pytest.mark.parametrize(
    ("method", "params", "reply"),
    [
        ("item/fileChange/requestApproval", {"itemId": "i1"}, {"decision": "accept"}),
        (
            "item/permissions/requestApproval",
            {"permissions": {"network": {"enabled": True}, "fileSystem": None}},
            {"permissions": {"network": {"enabled": True}}, "scope": "turn"},
        ),
        ("mcpServer/elicitation/request", {"message": "Go on?"}, {"action": "accept", "content": {}, "_meta": None}),
    ],
)
def test_all_that_codex_asks_can_be_allowed(method: str, params: dict[str, Any], reply: object) -> None:
    item = {"type": "fileChange", "id": "i1", "changes": [{"path": "prices.md"}]}
    talk = begun("codex")
    hear(talk, {"method": "item/started", "params": {"threadId": THREAD, "item": item}})
    told = hear(talk, {"id": 9, "method": method, "params": {"threadId": THREAD, **params}})

    talk.answer("allow")

    assert edges(told) == ["asked"]
    assert sent(list(told_of(talk))) == [{"id": 9, "result": reply}]


def test_what_codex_asks_a_host_that_cannot_do_it_is_answered() -> None:
    (answer,) = sent(hear(begun("codex"), {"id": 9, "method": "attestation/generate", "params": {}}))

    assert answer["error"]["code"] == -32601


def test_what_other_threads_of_codex_do_is_no_turn_of_this_one() -> None:
    talk = begun("codex")

    told = hear(talk, {"method": "turn/started", "params": {"threadId": "another", "turn": {"id": "t1"}}})

    assert edges(told) == []


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"type": "commandExecution", "command": "false", "status": "failed", "exitCode": 1}, "* run: false: failed"),
        ({"type": "commandExecution", "command": "true", "status": "completed", "exitCode": 0}, "* run: true: ok"),
        ({"type": "fileChange", "changes": [{"path": "a"}], "status": "declined"}, "* edit: a: failed: refused"),
        ({"type": "mcpToolCall", "server": "s", "tool": "t", "status": "completed"}, "* s: t: ok"),
        ({"type": "webSearch", "query": "apples", "status": "completed"}, "* search: apples: ok"),
        ({"type": "dynamicToolCall", "tool": "t", "status": "failed", "error": {"message": "no"}}, "* t: failed: no"),
    ],
)
def test_what_codex_has_done_is_told(item: dict[str, Any], said: str) -> None:
    told = hear(begun("codex"), {"method": "item/completed", "params": {"threadId": THREAD, "item": item}})

    assert said in "\n".join(told)


def test_what_the_agent_prints_beside_its_protocol_is_shown() -> None:
    talk = begun("codex")

    talk.hear(b"\x1b[31mwarning\x1b[0m: no bubblewrap \xff")

    assert [line.strip() for line in told_of(talk)] == ["log       warning: no bubblewrap \N{REPLACEMENT CHARACTER}"]


# ---- whatever an agent may say ---------------------------------------------------------------------------------------

# The words of both protocols, as they were recorded: names of fields, and what stands in them.
WORDS = st.sampled_from(
    sorted(
        {word for agent in AGENTS for word in re.findall(r'"([\w/]{2,40})"', (RECORDED / f"{agent}.txt").read_text())}
    )
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), WORDS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=6)),
    max_leaves=30,
)


@every_agent
@given(messages=st.lists(VALUES, max_size=6), replies=st.lists(st.text(max_size=12), max_size=2))
def test_nothing_that_is_said_raises_and_all_that_comes_of_it_can_be_written(
    agent: str, messages: list[object], replies: list[str]
) -> None:
    talk = begun(agent)
    talk.send("hello")

    for message in messages:
        talk.hear(json.dumps(message).encode())
    for reply in (*replies, "allow", "1"):
        talk.answer(reply)

    assert all(isinstance(line, str) for line in told_of(talk))


@every_agent
@given(line=st.binary(max_size=200))
def test_no_bytes_raise(agent: str, line: bytes) -> None:
    talk = begun(agent)

    talk.hear(line)

    list(told_of(talk))
