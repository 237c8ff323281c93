"""What no recording shows: refusals, many questions, and messages that come too early."""

import json
from typing import Any

import pytest

from tests.hosting.replaying import talk_of, told_of
from tests.hosting.talking import ASKING, ASKING_TWICE, READY, THREAD, begun, edges, every_agent, hear, sent


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


@pytest.mark.parametrize(
    ("subtype", "answer"),
    [("request_user_dialog", "cancelled"), ("elicitation", "cancel"), ("hook_callback", "this host cannot do")],
)
def test_what_a_host_cannot_show_is_answered_all_the_same(subtype: str, answer: str) -> None:
    talk = begun("claude")

    told = hear(talk, {"type": "control_request", "request_id": "r1", "request": {"subtype": subtype}})

    assert answer in str(sent(told))


def test_what_the_agent_prints_beside_its_protocol_is_shown() -> None:
    talk = begun("codex")

    talk.hear(b"\x1b[31mwarning\x1b[0m: no bubblewrap \xff")

    assert [line.strip() for line in told_of(talk)] == ["log       warning: no bubblewrap \N{REPLACEMENT CHARACTER}"]
