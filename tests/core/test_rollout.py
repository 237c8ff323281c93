"""A rollout of Codex as people read it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.rollout import RolloutConversation, rollout_pattern

THREAD = "01a1fd7d-f125-7d50-ac96-6314b154f232"


def told(*entries: tuple[str, dict[str, Any]]) -> list[str]:
    conversation = RolloutConversation()
    lines = [json.dumps({"type": kind, "payload": payload}).encode() for kind, payload in entries]
    return [text for line in lines for text in conversation.tell(line)] + list(conversation.unfinished())


def item(kind: str, *texts: str) -> tuple[str, dict[str, Any]]:
    content = [{"type": "text", "text": text} for text in texts]
    return "event_msg", {"type": "item_completed", "item": {"type": kind, "content": content}}


def called(name: str, **more: Any) -> tuple[str, dict[str, Any]]:
    return "response_item", {"type": "function_call", "call_id": "c1", "name": name, **more}


def output(text: object) -> tuple[str, dict[str, Any]]:
    return "response_item", {"type": "function_call_output", "call_id": "c1", "output": text}


def test_what_was_said_is_told_once_though_it_stands_there_twice() -> None:
    twice = ("response_item", {"type": "message", "role": "assistant", "content": [{"text": "Three."}]})

    assert told(item("UserMessage", "Count", "the apples"), twice, item("AgentMessage", "Three.")) == [
        "> Count\n> the apples",
        "Three.",
    ]


@pytest.mark.parametrize(
    ("call", "result", "text"),
    [
        ({"arguments": '{"cmd":"touch sold"}'}, "Process exited with code 0\nOutput:\n", "* run: touch sold: ok"),
        (
            {"arguments": '{"cmd":"false"}'},
            "Process exited with code 1\nno",
            "* run: false: failed: Process exited with code 1 no",
        ),
        ({"input": "text(1)"}, "1", "* run: text(1): ok"),
        ({"arguments": '{"questions":[{"question":"Which?"}]}'}, "a", "* run: Which?: ok"),
        ({"arguments": '{"port":1}'}, [], "* run: ok"),
    ],
)
def test_a_tool_call_is_told_with_what_came_of_it(call: dict[str, Any], result: object, text: str) -> None:
    assert told(called("run", **call), output(result)) == [text]


def test_a_call_without_a_result_is_unfinished() -> None:
    assert told(called("run", arguments='{"cmd":"sleep 9"}')) == ["* run: sleep 9: no result yet"]


def test_ends_of_turns_that_say_more_than_that_are_told() -> None:
    error = {"type": "task_complete", "error": {"message": "You've hit your usage limit."}}

    assert told(
        ("event_msg", {"type": "turn_aborted", "reason": "interrupted"}),
        ("event_msg", error),
        ("event_msg", {"type": "task_complete", "last_agent_message": "Three."}),
        ("compacted", {"message": ""}),
    ) == ["[interrupted by the user]", "! You've hit your usage limit.", "[the conversation so far was summarised]"]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [({"HOME": "/h"}, "/h/.codex"), ({"HOME": "/h", "CODEX_HOME": "/c/"}, "/c"), ({"CODEX_HOME": "/c"}, "/c")],
)
def test_it_lies_where_its_environment_and_its_id_say(environment: dict[str, str], folder: str) -> None:
    assert rollout_pattern(environment, THREAD) == f"{folder}/sessions/2026/11/*/rollout-*-{THREAD}.jsonl"
    assert rollout_pattern({"HOME": ""}, THREAD) is None


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["type", "item", "error", "content", "arguments", "name", "output", "call_id", "message"])
KINDS = st.sampled_from(["item_completed", "task_complete", "function_call", "function_call_output", "UserMessage"])


@given(payload=st.dictionaries(FIELDS, ANY_JSON | KINDS), kind=st.sampled_from(["event_msg", "response_item"]))
def test_whatever_is_written_telling_it_does_not_raise(payload: dict[str, Any], kind: str) -> None:
    told((kind, payload))


@given(line=st.binary(max_size=100))
def test_a_line_that_is_none_is_passed_over(line: bytes) -> None:
    assert list(RolloutConversation().tell(line)) == []
