"""Google's Gemini API. https://ai.google.dev/api/generate-content ."""

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
    sample,
)

USAGE = {
    "promptTokenCount": INPUT_TOKENS,
    "candidatesTokenCount": OUTPUT_TOKENS,
    "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
}
REFUSALS = {
    "rate_limit": (429, "RESOURCE_EXHAUSTED", "Resource exhausted, please try again later."),
    "usage_limit": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "bad_request": (400, "INVALID_ARGUMENT", "The request was malformed."),
}
RPC = "type.googleapis.com/google.rpc"
CONTEXT = "<session_context>"  # what the agent adds of its own beside what its user said


class Gemini(Api):
    """See the port. What comes without tools is asked on the side."""

    def takes(self, path: str) -> bool:
        return "/models/" in path and ":" in path

    def asked(self, path: str, request: Json) -> Asked:
        model, _, verb = path.rpartition("/")[2].partition(":")
        declared = (one for tool in request.get("tools", ()) for one in tool.get("functionDeclarations", ()))
        tools = frozenset(one["name"] for one in declared)
        return Asked(
            purpose="count" if verb == "countTokens" else "work" if tools else "side",
            model=model,
            is_streamed=verb == "streamGenerateContent",
            said=tuple(_said(request)),
            tools=tools,
            system="\n".join(_texts(request.get("systemInstruction", {}))),
            aside=_aside(request.get("generationConfig", {})),
            is_asked_again=False,
        )

    def writer(self, asked: Asked, number: int) -> Writer:
        return _Content(asked.model, number)

    def refusal(self, move: Refusal, now: float, *, is_streamed: bool) -> Whole:
        status, kind, message = REFUSALS[move.why]
        return Whole(
            status, {"error": {"code": status, "message": message, "status": kind, "details": list(_details(move))}}
        )

    def count(self) -> Json:
        return {"totalTokens": INPUT_TOKENS}


class _Content(Writer):
    def body(self) -> Json:
        parts = [{"text": self.text}] if self.text else []
        parts += [self._tool(call, ordinal) for ordinal, call in enumerate(self.calls, 1)]
        return self._content(parts, finish_reason="STOP")

    def _begun(self) -> Iterator[bytes]:
        return iter(())  # the first words begin it

    def _said(self, text: str, *, is_first: bool) -> Iterator[bytes]:
        yield event(self._content([{"text": text}]))

    def _called(self, call: Call, ordinal: int) -> Iterator[bytes]:
        yield event(self._content([self._tool(call, ordinal)]))

    def _ended(self) -> Iterator[bytes]:
        yield event(self._content([{"text": ""}], finish_reason="STOP"))

    def _content(self, parts: list[Json], finish_reason: str | None = None) -> Json:
        candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
        told: Json = {"responseId": f"response-{self.number:06d}", "modelVersion": self.model}
        if finish_reason is not None:
            return told | {"candidates": [candidate | {"finishReason": finish_reason}], "usageMetadata": USAGE}
        return told | {"candidates": [candidate]}

    def _tool(self, call: Call, ordinal: int) -> Json:
        return {
            "functionCall": {"id": f"call_{self.number:06d}_{ordinal}", "name": call.name, "args": dict(call.input)}
        }


def _aside(wanted: Json) -> str:
    schema = wanted.get("responseJsonSchema") or wanted.get("responseSchema")
    return json.dumps(sample(schema)) if schema else "Work on the shop"


def _details(move: Refusal) -> Iterator[Json]:
    if move.why == "usage_limit":
        quota = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
        yield {"@type": f"{RPC}.QuotaFailure", "violations": [{"quotaId": quota}]}
    if move.retry_after_s is not None:
        yield {"@type": f"{RPC}.RetryInfo", "retryDelay": f"{move.retry_after_s}s"}


def _said(request: Json) -> Iterator[str]:
    for content in request.get("contents", ()):
        if content.get("role", "user") == "user":
            yield from (text for text in _texts(content) if not text.startswith(CONTEXT))


def _texts(content: Json) -> Iterator[str]:
    return (part["text"] for part in content.get("parts", ()) if "text" in part)
