"""What Codex alone may ask, do and fail at."""

from typing import Any

import pytest

from tests.hosting.replaying import talk_of, told_of
from tests.hosting.talking import READY, THREAD, begun, edges, hear, sent


def test_too_many_requests_are_a_limit_of_codex_too() -> None:
    error = {"message": "later", "codexErrorInfo": {"responseTooManyFailedAttempts": {"httpStatusCode": 429}}}
    talk = begun("codex")

    told = hear(
        talk,
        {"method": "turn/started", "params": {"threadId": THREAD, "turn": {"id": "t1"}}},
        {"method": "turn/completed", "params": {"threadId": THREAD, "turn": {"status": "failed", "error": error}}},
    )

    assert edges(told) == ["turn", "limited"]


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
