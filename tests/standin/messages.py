"""The Messages API as bytes: what a request says, and what an answer looks like, streamed or whole. Pure.

Only what a coding agent looks at is there. https://docs.anthropic.com/en/api/messages-streaming
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.standin.moves import Refusal, ToolUse

Json = dict[str, Any]
USAGE = {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 5}
REMINDER = "<system-reminder>"  # what the agent adds of its own beside what its user said


def is_turn(request: Mapping[str, Any]) -> bool:
    """Tell the agent's own work from what it asks on the side: titles and summaries come without tools."""
    return bool(request.get("tools"))


def texts_of_user(request: Mapping[str, Any]) -> list[str]:
    """Give what the user has typed in this conversation, in order; what the agent adds is left out."""
    return [
        text
        for message in request.get("messages", ())
        if message["role"] == "user"
        for text in _texts(message["content"])
        if not text.startswith(REMINDER)
    ]


def _texts(content: str | Sequence[Mapping[str, Any]]) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [block["text"] for block in content if block["type"] == "text"]


def text_block(text: str) -> Json:
    return {"type": "text", "text": text}


def tool_block(move: ToolUse, number: int) -> Json:
    return {"type": "tool_use", "id": f"toolu_{number:06d}", "name": move.name, "input": move.input}


def whole(block: Json, model: str, number: int) -> Json:
    """Give an answer of one block as one message."""
    return {
        "id": f"msg_{number:06d}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [block],
        "stop_reason": _stop_reason(block),
        "stop_sequence": None,
        "usage": USAGE,
    }


def opening(model: str, number: int) -> Iterator[bytes]:
    """Begin a stream: all that an agent sees before the first block."""
    message = whole(text_block(""), model, number) | {"content": [], "stop_reason": None}
    yield _event("message_start", message=message)
    yield _event("ping")


def first_words(text: str) -> Iterator[bytes]:
    """Begin a block of text."""
    yield _event("content_block_start", index=0, content_block=text_block(""))
    yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def closing(block: Json, *, is_begun: bool = False) -> Iterator[bytes]:
    """Send a block and end the message; of a block of text that `is_begun` only the rest is sent."""
    if block["type"] == "tool_use":
        yield _event("content_block_start", index=0, content_block=block | {"input": {}})
        partial = json.dumps(block["input"])
        yield _event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": partial})
    elif is_begun:
        yield _event("content_block_delta", index=0, delta={"type": "text_delta", "text": block["text"]})
    else:
        yield from first_words(block["text"])
    yield _event("content_block_stop", index=0)
    delta = {"stop_reason": _stop_reason(block), "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage={"output_tokens": USAGE["output_tokens"]})
    yield _event("message_stop")


def refusal(move: Refusal) -> Json:
    """Give the body of an error."""
    return {"type": "error", "error": {"type": move.kind, "message": move.message}}


def _stop_reason(block: Json) -> str:
    return "tool_use" if block["type"] == "tool_use" else "end_turn"


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
