"""OpenAI's Responses API. https://platform.openai.com/docs/api-reference/responses-streaming ."""

import json
import re
from collections.abc import Iterator
from itertools import chain

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
    texts,
)

USAGE = {
    "input_tokens": INPUT_TOKENS,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": OUTPUT_TOKENS,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}
REFUSALS = {
    "rate_limit": (429, "rate_limit_exceeded", "Rate limit reached. Please try again in 1s."),
    "usage_limit": (429, "usage_limit_reached", "The usage limit has been reached"),
    "overloaded": (503, "server_is_overloaded", "Our servers are currently overloaded. Please try again later."),
    "bad_request": (400, "invalid_request_error", "The request was malformed."),
}
COMPOSER = "exec"  # runs a script that calls other tools: some models have no other way to them
COMPOSED = ("exec_command", "apply_patch")
PLAIN = "functions"  # the namespace that need not be named
SPAWN, WAIT = "spawn_agent", "wait_agent"  # a subagent outlives the call that starts it, and is waited for by another
AGENT_ID = re.compile(r'agent_id[\\":\s]+([\w-]+)')
ENVIRONMENT = (  # what the agent adds of its own
    "# AGENTS.md",
    "<environment_context>",
    "<subagent_notification>",
    "<turn_aborted>",
    "<user_instructions>",
)


class Responses(Api):
    """See the port. What comes without tools, or wants its answer in a form, is asked on the side."""

    def takes(self, path: str) -> bool:
        return path.endswith("/responses")

    def asked(self, path: str, request: Json) -> Asked:
        tools, form = frozenset(_tools(request)), (request.get("text") or {}).get("format", {}).get("schema")
        return Asked(
            purpose="work" if tools and not form else "side",
            model=request["model"],
            is_streamed=bool(request.get("stream")),
            said=tuple(_said(request)),
            tools=tools,
            system=request.get("instructions") or "",
            aside=json.dumps(sample(form)) if form else "Work on the shop",
            spaces=dict(_spaces(request)),
            spawned=tuple(_spawned(request)),
        )

    def writer(self, asked: Asked, number: int) -> Writer:
        return _Response(asked, number)

    def refusal(self, move: Refusal, now: float, *, is_streamed: bool) -> Whole | bytes:
        status, kind, message = REFUSALS[move.why]
        error: Json = {"type": kind, "code": kind, "message": message}
        if is_streamed and move.why == "rate_limit":  # after a status of 429 its agent gives up; this it tries again
            response = {"id": "resp_refused", "object": "response", "status": "failed", "error": error, "output": []}
            return event({"type": "response.failed", "sequence_number": 0, "response": response}, "response.failed")
        if move.why == "usage_limit" and move.retry_after_s is not None:
            error |= {
                "plan_type": "plus",
                "resets_at": int(now) + move.retry_after_s,
                "resets_in_seconds": move.retry_after_s,
            }
        headers = {} if move.retry_after_s is None else {"retry-after": str(move.retry_after_s)}
        return Whole(status, {"error": error}, headers)

    def count(self) -> Json:
        return {}


class _Response(Writer):
    def __init__(self, asked: Asked, number: int) -> None:
        super().__init__(asked.model, number)
        self._is_composing = COMPOSER in asked.tools
        self._spaces = asked.spaces
        self._sequence = -1

    def body(self) -> Json:
        return self._response("completed") | {"output": self._items(), "usage": USAGE}

    def _begun(self) -> Iterator[bytes]:
        yield self._event("response.created", response=self._response("in_progress"))

    def _said(self, text: str, *, is_first: bool) -> Iterator[bytes]:
        if is_first:
            yield self._event("response.output_item.added", output_index=0, item=self._message("") | {"content": []})
        identity = self._message("")["id"]
        yield self._event("response.output_text.delta", item_id=identity, output_index=0, content_index=0, delta=text)

    def _called(self, call: Call, ordinal: int) -> Iterator[bytes]:
        return iter(())  # tools are taken from the items that are done

    def _ended(self) -> Iterator[bytes]:
        for index, item in enumerate(self._items()):
            yield self._event("response.output_item.done", output_index=index, item=item)
        yield self._event("response.completed", response=self.body())

    def _items(self) -> list[Json]:
        said = [self._message(self.text)] if self.text else []
        return said + [self._tool(call, ordinal) for ordinal, call in enumerate(self.calls, 1)]

    def _message(self, text: str) -> Json:
        content = [{"type": "output_text", "text": text, "annotations": []}]
        identity = f"msg_{self.number:06d}"
        return {"type": "message", "id": identity, "role": "assistant", "status": "completed", "content": content}

    def _tool(self, call: Call, ordinal: int) -> Json:
        identity = f"call_{self.number:06d}_{ordinal}"
        given = json.dumps(call.input["input"] if call.is_text else call.input)
        if self._is_composing and call.name in COMPOSED:
            script = f"text(await tools.{call.name}({given}))"
            return {"type": "custom_tool_call", "call_id": identity, "name": COMPOSER, "input": script}
        if call.is_text:
            return {"type": "custom_tool_call", "call_id": identity, "name": call.name, "input": call.input["input"]}
        space = {"namespace": self._spaces[call.name]} if call.name in self._spaces else {}
        return {"type": "function_call", "call_id": identity, "name": call.name, "arguments": given, **space}

    def _response(self, status: str) -> Json:
        return {
            "id": f"resp_{self.number:06d}",
            "object": "response",
            "created_at": 0,
            "model": self.model,
            "status": status,
            "output": [],
        }

    def _event(self, kind: str, **fields: object) -> bytes:
        self._sequence += 1
        return event({"type": kind, "sequence_number": self._sequence, **fields}, kind)


def _declared(request: Json) -> Iterator[Json]:
    added = (item["tools"] for item in _items(request) if item.get("type") == "additional_tools")
    return chain(request.get("tools") or (), chain.from_iterable(added))


def _spaces(request: Json) -> Iterator[tuple[str, str]]:
    for space in _declared(request):
        if space["type"] == "namespace" and space["name"] != PLAIN:
            yield from ((tool["name"], space["name"]) for tool in space["tools"])


def _spawned(request: Json) -> list[str]:
    """Give the subagents that the agent was told of, and has not been told to wait for."""
    items = _items(request)
    calls = {item["call_id"]: item for item in items if item.get("type") == "function_call"}
    spawned: dict[str, None] = {}
    for item in items:
        if item.get("type") != "function_call_output" or item["call_id"] not in calls:
            continue
        call = calls[item["call_id"]]
        if call["name"] == SPAWN and (found := AGENT_ID.search(json.dumps(item["output"]))):
            spawned[found[1]] = None
        elif call["name"] == WAIT:
            for target in json.loads(call["arguments"])["targets"]:
                spawned.pop(target, None)
    return list(spawned)


def _tools(request: Json) -> Iterator[str]:
    """Give the names of all tools, wherever they are declared, and of those that others are written in."""
    for tool in _declared(request):
        names = [part["name"] for part in tool.get("tools", ())] or [tool.get("name", tool["type"])]
        yield from names
        yield from COMPOSED if COMPOSER in names else ()


def _items(request: Json) -> list[Json]:
    given = request.get("input") or []
    return [{"role": "user", "content": given}] if isinstance(given, str) else given


def _said(request: Json) -> Iterator[str]:
    for item in _items(request):
        if item.get("type", "message") == "message" and item.get("role") == "user":
            found = texts(item["content"], "input_text", "text")
            yield from (text for text in found if not text.startswith(ENVIRONMENT))
