"""The four APIs as bytes: what is read of a request, and that an answer says the same streamed and whole."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec import Struct

from orchestrd.testing.model.anthropic import Messages
from orchestrd.testing.model.completions import Completions
from orchestrd.testing.model.gemini import Gemini
from orchestrd.testing.model.moves import Refusal
from orchestrd.testing.model.responses import Responses
from orchestrd.testing.model.writing import OUTPUT_TOKENS, Api, Call, Json, Whole, Writer, sample

NOW = 1_800_000_000.0
SAID = ("Count the apples", "And the pears")
SCHEMA = {"type": "OBJECT", "properties": {"reason": {"type": "STRING"}, "score": {"type": "INTEGER"}}}


class Dialect(Struct, frozen=True):
    """One API, a request of its agent with one tool and two texts of the user, and how its bytes are read."""

    api: Api
    path: str
    request: Json
    said_in: Callable[[list[Json]], tuple[str, list[tuple[str, Any]]]]  # events of a stream: text, tools
    said_whole: Callable[[Json], tuple[str, list[tuple[str, Any]]]]

    def without_tools(self) -> Json:
        return {name: value for name, value in self.request.items() if name not in ("tools", "system")}

    def writer(self) -> Writer:
        return self.api.writer(self.api.asked(self.path, self.request), 7)


def events(stream: bytes) -> list[Json]:
    """Take a stream apart; what is no JSON is its end."""
    data = [part.partition("data: ")[2] for part in stream.decode().split("\n\n") if part]
    return [json.loads(one) for one in data if one != "[DONE]"]


def messages_streamed(told: list[Json]) -> tuple[str, list[tuple[str, Any]]]:
    blocks: dict[int, Json] = {}
    for event in told:
        if event["type"] == "content_block_start":
            blocks[event["index"]] = event["content_block"] | {"json": ""}
        if event["type"] == "content_block_delta" and "text" in event["delta"]:
            blocks[event["index"]]["text"] += event["delta"]["text"]
        elif event["type"] == "content_block_delta":
            blocks[event["index"]]["json"] += event["delta"]["partial_json"]
    content = [
        block | ({"input": json.loads(block["json"])} if block["json"] else {}) for _, block in sorted(blocks.items())
    ]
    return messages_whole({"content": content})


def messages_whole(body: Json) -> tuple[str, list[tuple[str, Any]]]:
    tools = [(block["name"], block["input"]) for block in body["content"] if block["type"] == "tool_use"]
    return "".join(block.get("text", "") for block in body["content"]), tools


def responses_streamed(told: list[Json]) -> tuple[str, list[tuple[str, Any]]]:
    done = [event["item"] for event in told if event["type"] == "response.output_item.done"]
    deltas = "".join(event["delta"] for event in told if event["type"] == "response.output_text.delta")
    text, tools = responses_whole({"output": done})
    assert deltas == text
    return text, tools


def responses_whole(body: Json) -> tuple[str, list[tuple[str, Any]]]:
    said = [item["content"][0]["text"] for item in body["output"] if item["type"] == "message"]
    calls = [item for item in body["output"] if item["type"] == "function_call"]
    return "".join(said), [(call["name"], json.loads(call["arguments"])) for call in calls]


def completions_streamed(told: list[Json]) -> tuple[str, list[tuple[str, Any]]]:
    deltas = [choice["delta"] for event in told for choice in event["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    return "".join(delta.get("content") or "" for delta in deltas), completions_tools(calls)


def completions_whole(body: Json) -> tuple[str, list[tuple[str, Any]]]:
    message = body["choices"][0]["message"]
    return message["content"] or "", completions_tools(message.get("tool_calls", []))


def completions_tools(calls: list[Json]) -> list[tuple[str, Any]]:
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


def gemini_streamed(told: list[Json]) -> tuple[str, list[tuple[str, Any]]]:
    parts = [part for event in told for part in gemini_parts(event)]
    return gemini_whole({"candidates": [{"content": {"parts": parts}}]})


def gemini_whole(body: Json) -> tuple[str, list[tuple[str, Any]]]:
    parts = list(gemini_parts(body))
    tools = [(part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts if "functionCall" in part]
    return "".join(part.get("text", "") for part in parts), tools


def gemini_parts(body: Json) -> Iterator[Json]:
    return iter(body["candidates"][0]["content"]["parts"])


MESSAGES = Dialect(
    Messages(),
    "/v1/messages",
    {
        "model": "m",
        "stream": True,
        "system": [{"type": "text", "text": "Be kind"}],
        "tools": [{"name": "Bash"}],
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "<system-reminder>x"}, {"type": "text", "text": SAID[0]}],
            },
            {"role": "assistant", "content": "Done."},
            {"role": "user", "content": SAID[1]},
        ],
    },
    messages_streamed,
    messages_whole,
)
RESPONSES = Dialect(
    Responses(),
    "/v1/responses",
    {
        "model": "m",
        "stream": True,
        "instructions": "Be kind",
        "tools": [{"type": "function", "name": "Bash"}, {"type": "web_search"}],
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context>"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": SAID[0]}]},
            {"type": "function_call_output", "call_id": "c", "output": "3"},
            {"role": "user", "content": [{"type": "input_text", "text": SAID[1]}]},
        ],
    },
    responses_streamed,
    responses_whole,
)
COMPLETIONS = Dialect(
    Completions(),
    "/v1/chat/completions",
    {
        "model": "m",
        "stream": True,
        "tools": [{"type": "function", "function": {"name": "Bash"}}],
        "messages": [
            {"role": "system", "content": "Be kind"},
            {"role": "user", "content": "Here are summaries of some files present in my git repository."},
            {"role": "user", "content": SAID[0]},
            {"role": "assistant", "content": None},
            {"role": "user", "content": [{"type": "text", "text": SAID[1]}]},
        ],
    },
    completions_streamed,
    completions_whole,
)
GEMINI = Dialect(
    Gemini(),
    "/v1beta/models/m:streamGenerateContent",
    {
        "systemInstruction": {"parts": [{"text": "Be kind"}]},
        "tools": [{"functionDeclarations": [{"name": "Bash"}]}],
        "contents": [
            {"role": "user", "parts": [{"text": "<session_context>x"}, {"text": SAID[0]}]},
            {"role": "model", "parts": [{"text": "Done."}]},
            {"role": "user", "parts": [{"functionResponse": {}}, {"text": SAID[1]}]},
        ],
    },
    gemini_streamed,
    gemini_whole,
)
EVERY = {"messages": MESSAGES, "responses": RESPONSES, "completions": COMPLETIONS, "gemini": GEMINI}
every_dialect = pytest.mark.parametrize("dialect", EVERY.values(), ids=EVERY)


# ---- what is asked ---------------------------------------------------------------------------------------------------


@every_dialect
def test_a_request_tells_what_the_user_has_said_and_which_tools_there_are(dialect: Dialect) -> None:
    asked = dialect.api.asked(dialect.path, dialect.request)

    assert (asked.purpose, asked.model, asked.is_streamed) == ("work", "m", True)
    assert asked.said == SAID
    assert "Bash" in asked.tools
    assert asked.system == "Be kind"


@every_dialect
def test_each_path_is_for_one_api(dialect: Dialect) -> None:
    taking = [other.api for other in EVERY.values() if other.api.takes(dialect.path)]

    assert taking == [dialect.api]


@pytest.mark.parametrize("dialect", [MESSAGES, RESPONSES, GEMINI])
def test_what_comes_without_tools_is_asked_on_the_side(dialect: Dialect) -> None:
    asked = dialect.api.asked(dialect.path, dialect.without_tools())

    assert asked.purpose == "side"


def test_a_title_is_asked_on_the_side_even_with_all_tools_at_hand() -> None:
    wanted = RESPONSES.request | {"text": {"format": {"type": "json_schema", "schema": SCHEMA}}}

    assert RESPONSES.api.asked("", wanted).purpose == "side"


def test_an_agent_that_knows_no_tools_works_all_the_same_but_for_its_titles_and_summaries() -> None:
    title = {"model": "m", "messages": [{"role": "system", "content": "You are a title generator. You output"}]}

    purposes = [COMPLETIONS.api.asked("", request).purpose for request in (COMPLETIONS.without_tools(), title)]

    assert purposes == ["work", "side"]


@pytest.mark.parametrize(
    ("dialect", "path", "key"),
    [(MESSAGES, "/v1/messages/count_tokens", "input_tokens"), (GEMINI, "/v1beta/models/m:countTokens", "totalTokens")],
)
def test_who_wants_tokens_counted_gets_a_number(dialect: Dialect, path: str, key: str) -> None:
    asked = dialect.api.asked(path, dialect.request)

    assert asked.purpose == "count"
    assert dialect.api.count()[key] > 0


@pytest.mark.parametrize(
    ("dialect", "wish"),
    [
        (GEMINI, {"generationConfig": {"responseJsonSchema": SCHEMA}}),
        (RESPONSES, {"text": {"format": {"schema": SCHEMA}}}),
    ],
)
def test_who_asks_on_the_side_gets_the_form_that_it_wants(dialect: Dialect, wish: Json) -> None:
    asked = dialect.api.asked(dialect.path, dialect.without_tools() | wish)

    assert json.loads(asked.aside) == {"reason": "Work on the shop", "score": 1}


def test_a_sample_has_the_types_of_its_schema() -> None:
    schema = {"properties": {"a": {"type": "array"}, "b": {"type": "boolean"}, "c": {"enum": ["x", "y"]}}}

    assert sample({"type": "object", **schema}) == {"a": [], "b": False, "c": "x"}


def test_tools_are_found_in_whatever_they_are_declared() -> None:
    space = {"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}]}
    request = {"model": "m", "input": [{"type": "additional_tools", "tools": [space]}], "tools": None}

    asked = RESPONSES.api.asked(RESPONSES.path, request)

    assert asked.tools == {"exec", "exec_command", "apply_patch"}


def test_a_subagent_that_was_started_is_to_be_waited_for_until_it_was() -> None:
    space = {"type": "namespace", "name": "team", "tools": [{"name": "spawn_agent"}, {"name": "wait_agent"}]}
    spawn = {"type": "function_call", "call_id": "c1", "name": "spawn_agent", "arguments": "{}"}
    told = {"type": "function_call_output", "call_id": "c1", "output": '{"agent_id":"a-1","nickname":"x"}'}
    wait = {"type": "function_call", "call_id": "c2", "name": "wait_agent", "arguments": '{"targets": ["a-1"]}'}
    waited = {"type": "function_call_output", "call_id": "c2", "output": "{}"}
    stray = {"type": "function_call_output", "call_id": "c3", "output": "{}"}

    inputs = ([stray, spawn], [spawn, told], [spawn, told, wait, waited])
    asked = [RESPONSES.api.asked("", {"model": "m", "tools": [space], "input": given}) for given in inputs]

    assert [one.spawned for one in asked] == [(), ("a-1",), ()]
    writer = RESPONSES.api.writer(asked[1], 7)
    writer.call(Call("wait_agent", {"targets": ["a-1"]}))
    assert writer.body()["output"][0]["namespace"] == "team"


def test_a_text_alone_is_what_the_user_says() -> None:
    asked = RESPONSES.api.asked(RESPONSES.path, {"model": "m", "input": "Count", "tools": []})

    assert asked.said == ("Count",)


# ---- what is answered ------------------------------------------------------------------------------------------------


@every_dialect
def test_an_answer_says_the_same_streamed_and_whole(dialect: Dialect) -> None:
    writer = dialect.writer()
    calls = [Call("Bash", {"command": "ls ä"}), Call("Read", {"path": "x"})]

    parts = [writer.begin(), writer.say("Let me see.\n"), writer.say("There are three."), *map(writer.call, calls)]
    stream = b"".join([*parts, writer.end()])

    expected = ("Let me see.\nThere are three.", [(call.name, call.input) for call in calls])
    assert dialect.said_in(events(stream)) == expected
    assert dialect.said_whole(writer.body()) == expected


@every_dialect
def test_a_tool_needs_no_words_before_it(dialect: Dialect) -> None:
    writer = dialect.writer()

    stream = writer.begin() + writer.call(Call("Bash", {"command": "ls"})) + writer.end()

    assert dialect.said_in(events(stream)) == ("", [("Bash", {"command": "ls"})])
    assert dialect.said_whole(writer.body()) == ("", [("Bash", {"command": "ls"})])


@pytest.mark.parametrize(
    ("dialect", "over", "going_on"), [(MESSAGES, "end_turn", "tool_use"), (COMPLETIONS, "stop", "tool_calls")]
)
def test_an_answer_tells_whether_the_turn_goes_on(dialect: Dialect, over: str, going_on: str) -> None:
    first, second = dialect.writer(), dialect.writer()

    streams = (first.say("Done.") + first.end(), second.call(Call("Bash", {"command": "ls"})) + second.end())

    assert [(over in stream.decode(), going_on in stream.decode()) for stream in streams] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("dialect", "usage_in"),
    [
        (MESSAGES, lambda told: told[-2]["usage"]["output_tokens"]),
        (RESPONSES, lambda told: told[-1]["response"]["usage"]["output_tokens"]),
        (COMPLETIONS, lambda told: told[-1]["usage"]["completion_tokens"]),
        (GEMINI, lambda told: told[-1]["usageMetadata"]["candidatesTokenCount"]),
    ],
)
def test_a_stream_ends_with_what_it_took(dialect: Dialect, usage_in: Callable[[list[Json]], int]) -> None:
    writer = dialect.writer()

    told = events(writer.begin() + writer.say("Done.") + writer.end())

    assert usage_in(told) == OUTPUT_TOKENS


def test_where_tools_are_called_by_a_script_the_script_calls_them() -> None:
    asked = RESPONSES.api.asked(RESPONSES.path, RESPONSES.request | {"tools": [{"type": "custom", "name": "exec"}]})
    writer = RESPONSES.api.writer(asked, 7)
    writer.call(Call("exec_command", {"cmd": "ls"}))
    writer.call(Call("apply_patch", {"input": "*** Begin Patch"}, is_text=True))

    scripts = [item["input"] for item in writer.body()["output"]]

    assert scripts == [
        'text(await tools.exec_command({"cmd": "ls"}))',
        'text(await tools.apply_patch("*** Begin Patch"))',
    ]


def test_a_tool_that_takes_a_text_is_given_a_text() -> None:
    writer = RESPONSES.writer()
    writer.call(Call("apply_patch", {"input": "*** Begin Patch"}, is_text=True))

    (item,) = writer.body()["output"]

    assert (item["type"], item["input"]) == ("custom_tool_call", "*** Begin Patch")


# ---- refusals --------------------------------------------------------------------------------------------------------


def refused(dialect: Dialect, move: Refusal) -> tuple[Whole, str]:
    whole = dialect.api.refusal(move, NOW, is_streamed=False)
    assert isinstance(whole, Whole)
    return whole, json.dumps(whole.body)


@every_dialect
@pytest.mark.parametrize(
    ("why", "statuses"),
    [("rate_limit", {429}), ("usage_limit", {429}), ("overloaded", {503, 529}), ("bad_request", {400})],
)
def test_a_refusal_has_the_status_of_its_reason(dialect: Dialect, why: str, statuses: set[int]) -> None:
    whole, _ = refused(dialect, Refusal(why=why))  # type: ignore[arg-type]

    assert whole.status in statuses
    assert "error" in whole.body


@every_dialect
def test_a_usage_limit_tells_when_it_ends(dialect: Dialect) -> None:
    whole, body = refused(dialect, Refusal(why="usage_limit", after_s=1_234))

    assert whole.headers.get("retry-after") == "1234" or "1234s" in body


def test_a_usage_limit_of_a_subscription_tells_the_moment_as_well() -> None:
    _, body = refused(RESPONSES, Refusal(why="usage_limit", after_s=60))

    assert json.loads(body)["error"]["resets_at"] == NOW + 60


@every_dialect
def test_a_rate_limit_need_not_tell_when(dialect: Dialect) -> None:
    whole, _ = refused(dialect, Refusal(why="rate_limit"))

    assert whole.headers == {}


def test_codex_tries_again_what_is_refused_within_a_stream() -> None:
    stream = RESPONSES.api.refusal(Refusal(why="rate_limit"), NOW, is_streamed=True)

    assert isinstance(stream, bytes)
    (told,) = events(stream)
    assert told["type"] == "response.failed"
    assert told["response"]["error"]["code"] == "rate_limit_exceeded"
