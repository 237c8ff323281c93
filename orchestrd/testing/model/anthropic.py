"""Anthropic's Messages API. https://docs.anthropic.com/en/api/messages-streaming ."""

import json
from collections.abc import Iterator

from orchestrd.testing.model.moves import Refusal
from orchestrd.testing.model.writing import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    Api,
    Asked,
    Call,
    Json,
    Whole,
    Writer,
    event,
    texts,
)

REMINDER = "<system-reminder>"  # what the agent adds of its own beside what its user said
USAGE = {
    "input_tokens": INPUT_TOKENS,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": OUTPUT_TOKENS,
}
REFUSALS = {
    "rate_limit": (429, "rate_limit_error", "Too many requests."),
    "usage_limit": (429, "rate_limit_error", "This request would exceed your account's rate limit."),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "bad_request": (400, "invalid_request_error", "The request was malformed."),
}


class Messages(Api):
    """See the port. What comes without tools is asked on the side."""

    def takes(self, path: str) -> bool:
        return path.startswith("/v1/messages")

    def asked(self, path: str, request: Json) -> Asked:
        tools = frozenset(tool["name"] for tool in request.get("tools", ()))
        return Asked(
            purpose="count" if path.endswith("count_tokens") else "work" if tools else "side",
            model=request["model"],
            is_streamed=bool(request.get("stream")),
            said=tuple(_said(request)),
            tools=tools,
            system="\n".join(texts(request.get("system"), "text")),
            aside='{"title": "Work on the shop"}',
        )

    def writer(self, asked: Asked, number: int) -> Writer:
        return _Message(asked.model, number)

    def refusal(self, move: Refusal, now: float, *, is_streamed: bool) -> Whole:
        status, kind, message = REFUSALS[move.why]
        headers = {} if move.retry_after_s is None else {"retry-after": str(move.retry_after_s)}
        return Whole(status, {"type": "error", "error": {"type": kind, "message": message}}, headers)

    def count(self) -> Json:
        return {"input_tokens": INPUT_TOKENS}


class _Message(Writer):
    _index = -1  # of the block that is being sent
    _is_text = False

    def body(self) -> Json:
        blocks: list[Json] = [{"type": "text", "text": self.text}] if self.text else []
        blocks += [self._tool(call, ordinal) for ordinal, call in enumerate(self.calls, 1)]
        return self._message() | {"content": blocks, "stop_reason": self._stop_reason}

    def _begun(self) -> Iterator[bytes]:
        yield _event("message_start", message=self._message())
        yield _event("ping")

    def _said(self, text: str, *, is_first: bool) -> Iterator[bytes]:
        if is_first:
            yield self._opened({"type": "text", "text": ""})
        yield _event("content_block_delta", index=self._index, delta={"type": "text_delta", "text": text})

    def _called(self, call: Call, ordinal: int) -> Iterator[bytes]:
        yield from self._closed()
        yield self._opened(self._tool(call, ordinal) | {"input": {}})
        partial = json.dumps(call.input)
        delta = {"type": "input_json_delta", "partial_json": partial}
        yield _event("content_block_delta", index=self._index, delta=delta)

    def _ended(self) -> Iterator[bytes]:
        yield from self._closed()
        delta = {"stop_reason": self._stop_reason, "stop_sequence": None}
        yield _event("message_delta", delta=delta, usage={"output_tokens": OUTPUT_TOKENS})
        yield _event("message_stop")

    def _opened(self, block: Json) -> bytes:
        self._index += 1
        return _event("content_block_start", index=self._index, content_block=block)

    def _closed(self) -> Iterator[bytes]:
        if self._index >= 0:
            yield _event("content_block_stop", index=self._index)

    def _message(self) -> Json:
        return {
            "id": f"msg_{self.number:06d}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": USAGE,
        }

    def _tool(self, call: Call, ordinal: int) -> Json:
        identity = f"toolu_{self.number:06d}" + ("" if ordinal == 1 else f"_{ordinal}")
        return {"type": "tool_use", "id": identity, "name": call.name, "input": call.input}

    @property
    def _stop_reason(self) -> str:
        return "tool_use" if self.calls else "end_turn"


def _said(request: Json) -> Iterator[str]:
    for message in request.get("messages", ()):
        if message["role"] == "user":
            yield from (text for text in texts(message["content"], "text") if not text.startswith(REMINDER))


def _event(kind: str, **fields: object) -> bytes:
    return event({"type": kind, **fields}, kind)
