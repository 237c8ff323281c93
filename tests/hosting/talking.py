"""Talks that have begun, what they hear, and what comes of it."""

import json
from typing import Any

import pytest

from orchestrd.hosting.talk import Talk
from tests.hosting.replaying import talk_of, told_of

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
