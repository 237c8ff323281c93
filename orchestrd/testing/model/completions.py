"""OpenAI's Chat Completions, as many other services speak it. https://platform.openai.com/docs/api-reference/chat ."""

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

# What agents that work without tools, or with some that they do not always declare, ask on the side.
SIDE = ("You are a title generator", "one-line Git commit message", "summarize this partial conversation")
# What an agent puts into the mouth of its user.
OWN = (
    "Here are summaries of some files",
    "Here are some READ ONLY files",
    "Don't try and edit any existing code",
    "I am not sharing",
    "I have *added these files to the chat*",
    "I switched to a new code base",
    "I spoke to you previously",
)
USAGE = {
    "prompt_tokens": INPUT_TOKENS,
    "completion_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    "prompt_tokens_details": {"cached_tokens": 0},
}
REFUSALS = {
    "rate_limit": (429, "rate_limit_exceeded", "Rate limit reached for requests."),
    "usage_limit": (429, "insufficient_quota", "You exceeded your current quota, please check your plan."),
    "overloaded": (503, "service_unavailable", "The engine is currently overloaded, please try again later."),
    "bad_request": (400, "invalid_request_error", "The request was malformed."),
}


class Completions(Api):
    """See the port."""

    def takes(self, path: str) -> bool:
        return path.endswith("/chat/completions")

    def asked(self, path: str, request: Json) -> Asked:
        system = "\n".join(_texts(request, "system", "developer"))
        everything = [system, *_texts(request, "user")]
        return Asked(
            purpose="side" if any(words in text for words in SIDE for text in everything) else "work",
            model=request["model"],
            is_streamed=bool(request.get("stream")),
            said=tuple(text for text in _texts(request, "user") if not text.startswith(OWN)),
            tools=frozenset(tool["function"]["name"] for tool in request.get("tools") or ()),
            system=system,
        )

    def writer(self, asked: Asked, number: int) -> Writer:
        return _Completion(asked.model, number)

    def refusal(self, move: Refusal, now: float, *, is_streamed: bool) -> Whole:
        status, kind, message = REFUSALS[move.why]
        headers = {} if move.retry_after_s is None else {"retry-after": str(move.retry_after_s)}
        return Whole(status, {"error": {"message": message, "type": kind, "param": None, "code": kind}}, headers)

    def count(self) -> Json:
        return {}


class _Completion(Writer):
    def body(self) -> Json:
        calls = [self._tool(call, ordinal) for ordinal, call in enumerate(self.calls, 1)]
        message = {"role": "assistant", "content": self.text or None} | ({"tool_calls": calls} if calls else {})
        choice = {"index": 0, "message": message, "finish_reason": self._finish_reason, "logprobs": None}
        return self._completion("chat.completion") | {"choices": [choice], "usage": USAGE}

    def _begun(self) -> Iterator[bytes]:
        yield self._chunk({"role": "assistant", "content": ""})

    def _said(self, text: str, *, is_first: bool) -> Iterator[bytes]:
        yield self._chunk({"content": text})

    def _called(self, call: Call, ordinal: int) -> Iterator[bytes]:
        yield self._chunk({"tool_calls": [{"index": ordinal - 1, **self._tool(call, ordinal)}]})

    def _ended(self) -> Iterator[bytes]:
        yield self._chunk({}, finish_reason=self._finish_reason)
        yield event(self._completion("chat.completion.chunk") | {"choices": [], "usage": USAGE})
        yield event("[DONE]")

    def _chunk(self, delta: Json, finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return event(self._completion("chat.completion.chunk") | {"choices": [choice]})

    def _completion(self, kind: str) -> Json:
        return {"id": f"chatcmpl-{self.number:06d}", "object": kind, "created": 0, "model": self.model}

    def _tool(self, call: Call, ordinal: int) -> Json:
        function = {"name": call.name, "arguments": json.dumps(call.input)}
        return {"id": f"call_{self.number:06d}_{ordinal}", "type": "function", "function": function}

    @property
    def _finish_reason(self) -> str:
        return "tool_calls" if self.calls else "stop"


def _texts(request: Json, *roles: str) -> Iterator[str]:
    for message in request.get("messages", ()):
        if message["role"] in roles:
            yield from texts(message["content"], "text")
