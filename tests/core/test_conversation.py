import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.conversation import (
    Conversation,
    config_folder,
    conversation_id,
    described,
    one_line,
    readable,
    transcript_pattern,
)
from orchestrd.model.limits import CONVERSATION_CALLS_MAX, CONVERSATION_ENTRY_CHARS_MAX, TOLD_CHARS_MAX


def line(kind: str, content: object = None, **more: Any) -> bytes:
    return json.dumps({"type": kind, "message": {"content": content}, **more}).encode()


def call(name: str, number: int = 1, **given: object) -> bytes:
    return line("assistant", [{"type": "tool_use", "id": f"t{number}", "name": name, "input": given}])


def result(content: object = "done", number: int = 1, **more: object) -> bytes:
    return line("user", [{"type": "tool_result", "tool_use_id": f"t{number}", "content": content, **more}])


def told(*lines: bytes) -> list[str]:
    teller = Conversation()
    return [*(entry for one in lines for entry in teller.tell(one)), *teller.unfinished()]


def test_a_turn_is_told_as_it_went() -> None:
    said = told(
        line("user", "fix it,\nplease"),
        line("assistant", [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Let me see."}]),
        call("Bash", command="make\n test"),
        result("all green"),
        call("Write", 2, file_path="/a/b.py", content="x" * 900),
        result([{"type": "text", "text": "No\nsuch folder"}], 2, is_error=True),
        line("assistant", [{"type": "text", "text": "Done.\n\nIt works."}]),
    )

    assert said == [
        "> fix it,\n> please",
        "Let me see.",
        "* Bash: make test: ok",
        "* Write: /a/b.py: failed: No such folder",
        "Done.\n\nIt works.",
    ]


def test_what_has_no_result_yet_is_told_at_the_end() -> None:
    assert told(call("Bash", command="sleep 9")) == ["* Bash: sleep 9: no result yet"]


def test_a_result_whose_call_nobody_has_seen_is_told_all_the_same() -> None:
    assert told(result("x", is_error=True)) == ["* a tool: failed: x"]


def test_errors_interrupts_and_summaries_are_told() -> None:
    said = told(
        line("assistant", [{"type": "text", "text": "API Error: 529"}], isApiErrorMessage=True),
        line("user", [{"type": "text", "text": "[Request interrupted by user for tool use]"}]),
        line("system", subtype="compact_boundary"),
        line("user", "This session is continued from ...", isCompactSummary=True),
    )

    assert said == ["! API Error: 529", "[interrupted by the user]", "[the conversation so far was summarised]"]


@pytest.mark.parametrize(
    "noise",
    [
        line("user", "of a subagent", isSidechain=True),
        line("user", "Stop hook feedback", isMeta=True),
        line("user", "<command-name>/clear</command-name>"),
        line("user", "\n<task-notification>"),
        line("system", subtype="turn_duration"),
        line("file-history-snapshot"),
        line("user", {"text": "no list"}),
        line("user", ["no block", {"type": "image"}]),
        line("assistant", [{"type": "text", "text": " \x1b[0m"}]),
        line("user", " \x07"),
        b'{"type":"user","message":7}',
        b"[]",
        b"{",
        b"\xff",
    ],
)
def test_what_a_reader_has_no_use_for_is_passed_over(noise: bytes) -> None:
    assert told(noise) == []


def test_nothing_that_a_terminal_would_obey_is_told() -> None:
    nasty = "\x1b[31mred\x1b[0m,\x1b]0;title\x07\x1b]8;;http://x\x1b\\link,\x1bP+q\x1b\\,\x1bc,\x9b2J,\x1b(B,bell\x07\r\nend\x1b"

    assert told(line("assistant", nasty)) == ["red,link,,,2J,,bell\nend"]


def test_a_long_entry_is_cut_and_says_by_how_much() -> None:
    (said,) = told(line("assistant", "x" * (CONVERSATION_ENTRY_CHARS_MAX + 7)))

    assert said == "x" * CONVERSATION_ENTRY_CHARS_MAX + "… (7 more characters)"


def test_calls_without_a_result_are_remembered_up_to_a_bound() -> None:
    said = told(*(call("Bash", n, command=str(n)) for n in range(CONVERSATION_CALLS_MAX + 2)))

    assert len(said) == CONVERSATION_CALLS_MAX
    assert said[0] == "* Bash: 2: no result yet"


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"command": "ls", "description": "List"}, "T: ls"),
        ({"description": "look", "prompt": "around"}, "T: around"),
        ({"questions": [{"question": "Which?"}]}, "T: Which?"),
        ({"questions": [7]}, "T"),
        ({"questions": []}, "T"),
        ({"command": ["ls"]}, "T"),
        (7, "T"),
    ],
)
def test_a_call_is_told_by_the_most_telling_thing_it_was_given(given_: object, said: str) -> None:
    assert described({"name": "T", "input": given_}, "name", "input") == said


def test_one_line_is_one_line_and_short() -> None:
    assert one_line("a\n\t b\x1b[1m") == "a b"
    assert one_line("x" * 9_000) == "x" * (TOLD_CHARS_MAX - 1) + "…"


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"HOME": "/h"}, "/h/.claude"),
        ({"HOME": "/"}, "/.claude"),
        ({"HOME": "/h", "CLAUDE_CONFIG_DIR": "/c/"}, "/c"),
        ({"CLAUDE_CONFIG_DIR": "/"}, "/"),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_a_conversation_lies_where_the_environment_says(environment: dict[str, str], folder: str | None) -> None:
    pattern = None if folder is None else f"{folder}/projects/*/c0ffee.jsonl"

    assert config_folder(environment) == folder
    assert transcript_pattern(environment, "c0ffee") == pattern


def test_only_the_name_of_a_conversation_is_taken_for_one() -> None:
    name = "11111111-1111-4111-8111-111111111111"

    assert [conversation_id(text) for text in (name, name[:-1], "--resume", "")] == [name, None, None, None]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
WORDS = st.sampled_from(["user", "assistant", "system", "tool_use", "tool_result", "text"])
BLOCK = st.dictionaries(
    st.sampled_from(["type", "text", "id", "name", "input", "content", "tool_use_id"]), WORDS | JSON
)


@given(kind=WORDS | JSON, content=st.lists(BLOCK, max_size=3) | JSON)
def test_no_transcript_is_too_strange_to_tell(kind: object, content: object) -> None:
    for said in told(json.dumps({"type": kind, "message": {"content": content}}).encode()):
        assert readable(said) == said.strip()


@given(data=st.binary(max_size=200))
def test_no_line_is_too_strange_to_tell(data: bytes) -> None:
    told(data)
