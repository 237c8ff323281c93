"""What each witness of Codex says: words to its terminal, title, hooks, rollout."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.agents.codex import CodexAgent
from orchestrd.agents.codex.rollout import read_rollout
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse
from orchestrd.model.spending import Spent, Tokens
from orchestrd.model.words import Activity

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
UNDER_WAY, AT_REST = (WORKING, BLOCKED), (WAITING, BLOCKED, LIMITED)
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
AGENT = CodexAgent()
THREAD = "01a1fd7d-f125-7d50-ac96-6314b154f232"


def line(agent: str, payload: dict[str, Any]) -> bytes:
    return json.dumps({"at": NOW.timestamp(), agent: payload}).encode()


def said(*lines: bytes, **glimpse: Any) -> tuple[Testimony, ...]:
    ends = [sum(len(one) + 1 for one in lines[: n + 1]) for n in range(len(lines))]
    return AGENT.read(Glimpse(now=NOW, hook_lines=tuple(zip(lines, ends, strict=True)), **glimpse)).testimonies


def entry(kind: str, at: str = "2026-11-20T11:59:59.5Z", **payload: Any) -> bytes:
    return json.dumps({"timestamp": at, "type": kind, "payload": payload}).encode()


def event(kind: str, **payload: Any) -> bytes:
    return entry("event_msg", **{"type": kind, **payload})


# ---- its terminal ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "allows", "told"),
    [
        ("state=working:app=codex", (WORKING,), None),
        ("state=blocked:app=codex:kind=permission", (BLOCKED,), "asks for permission"),
        ("state=blocked:app=codex:kind=question", (BLOCKED,), "asks a question"),
        ("state=blocked:app=codex", (BLOCKED,), None),
        ("state=done:app=codex", AT_REST, None),
        ("state=idle:app=codex", AT_REST, None),
        ("state=error:app=codex", AT_REST, None),
        ("state=clear", (), None),
    ],
)
def test_a_word_to_its_terminal_says_what_it_does(text: str, allows: tuple[Activity, ...], told: str | None) -> None:
    (heard,) = said(line("terminal", {"osc": 7501, "text": text}))

    assert (heard.observer, heard.allows, heard.text, heard.at) == ("osc", allows, told, NOW)
    assert (heard.is_turn_over, heard.is_farewell) == (text.startswith("state=done"), text == "state=clear")


@pytest.mark.parametrize("text", ["", "state=asleep:app=codex", "state=working:app=other", "working", "app=codex"])
def test_another_word_says_nothing_and_is_no_broken_line(text: str) -> None:
    reading = AGENT.read(Glimpse(now=NOW, hook_lines=((line("terminal", {"osc": 7501, "text": text}), 9),)))

    assert reading.testimonies == ()
    assert reading.malformed == 0


@pytest.mark.parametrize(
    ("title", "allows"),
    [
        ("⠹ Working | Count the apples | shop", (WORKING,)),
        ("⠹ Thinking | shop", (WORKING,)),
        ("Ready | shop", AT_REST),
        ("[ ! ] Action Required | shop", (BLOCKED,)),
        ("[ . ] Action Required | shop", (BLOCKED,)),
        ("shop", ()),
        ("host", ()),
        ("Readyness", ()),
    ],
)
def test_the_title_says_what_its_first_words_say(title: str, allows: tuple[Activity, ...]) -> None:
    (heard,) = said(title=title, last_title=title)

    assert (heard.observer, heard.allows, heard.at) == ("title", allows, None)


def test_a_spinner_that_has_turned_is_at_work_now() -> None:
    (turned,) = said(title="⠹ Working | shop", last_title="⠸ Working | shop")

    assert turned.at == NOW


# ---- hooks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "more", "allows", "text"),
    [
        ("UserPromptSubmit", {"prompt": "do it"}, (WORKING,), None),
        ("Stop", {"last_assistant_message": "All\ndone."}, (WAITING, WORKING), "All done."),
    ],
)
def test_each_hook_says_what_it_knows(
    name: str, more: dict[str, Any], allows: tuple[Activity, ...], text: str | None
) -> None:
    (heard,) = said(line("codex", {"hook_event_name": name, "session_id": THREAD, **more}))

    assert (heard.observer, heard.allows, heard.text, heard.at) == ("hook", allows, text, NOW)
    assert (heard.prompt, heard.conversation) == (more.get("prompt"), THREAD)


@pytest.mark.parametrize("payload", [{"hook_event_name": "Stop", "agent_id": "a"}, {"hook_event_name": "New"}, {}])
def test_a_hook_of_a_subagent_or_of_no_kind_that_is_known_says_nothing(payload: dict[str, Any]) -> None:
    assert said(line("codex", payload)) == ()


def test_what_is_no_line_of_anybody_is_counted_and_reports_are_heard() -> None:
    lines = (b'{"report":"blocked","text":"which?"}', b"noise", line("claude", {}), line("host", {"edge": "turn"}))

    reading = AGENT.read(Glimpse(now=NOW, hook_lines=tuple((one, n) for n, one in enumerate(lines, start=1))))

    assert [word.observer for word in reading.testimonies] == ["report", "host"]
    assert reading.malformed == 2


# ---- the rollout -----------------------------------------------------------------------------------------------------

ASKED = event("item_completed", item={"type": "UserMessage", "content": [{"type": "text", "text": "a\n b"}]})
CALL = entry("response_item", type="function_call", name="exec_command", arguments='{"cmd":"touch sold"}')
USED = {"input_tokens": 100, "cached_input_tokens": 60, "cache_write_input_tokens": 10, "output_tokens": 7}


@pytest.mark.parametrize(
    ("written", "allows", "text"),
    [
        (event("task_started"), (WORKING,), None),
        (ASKED, (WORKING,), None),
        (CALL, UNDER_WAY, "exec_command: touch sold"),
        (entry("response_item", type="custom_tool_call", name="exec", input="text(1)"), UNDER_WAY, "exec: text(1)"),
        (entry("response_item", type="function_call_output", output="x"), UNDER_WAY, None),
        (event("item_completed", item={"type": "AgentMessage"}), UNDER_WAY, None),
        (event("task_complete", last_agent_message="All\ndone."), (WAITING,), "All done."),
        (event("turn_aborted", reason="interrupted"), (WAITING,), "interrupted by the user"),
        (event("turn_aborted", reason="replaced"), (WAITING,), "broken off"),
        (event("task_complete", error={"message": "400", "codex_error_info": "other"}), (WAITING,), "400"),
        (event("task_complete", error={"codex_error_info": "other"}), (WAITING,), "an error of the API"),
        (
            event("task_complete", error={"message": "Hit", "codex_error_info": "usage_limit_exceeded"}),
            (LIMITED,),
            "Hit",
        ),
        (
            event(
                "task_complete",
                error={"message": "429", "codex_error_info": {"response_too_many": {"http_status_code": 429}}},
            ),
            (LIMITED,),
            "429",
        ),
    ],
)
def test_each_entry_says_what_it_knows(written: bytes, allows: tuple[Activity, ...], text: str | None) -> None:
    ((heard,), unread) = read_rollout([written])

    assert (heard.observer, heard.allows, heard.text) == ("transcript", allows, text)
    assert heard.at == NOW - timedelta(seconds=0.5)
    assert unread == 0


@pytest.mark.parametrize(
    "written",
    [
        entry("session_meta", id=THREAD),
        entry("response_item", type="message", role="assistant"),
        event("token_count"),
        event("item_completed", item={"type": "CommandExecution"}),
        event("something_new"),
        b"[]",
    ],
)
def test_what_is_nothing_of_the_turn_says_nothing(written: bytes) -> None:
    assert read_rollout([written])[0] == []


def test_of_many_lines_each_prompt_and_the_last_word_are_told() -> None:
    words, unread = read_rollout([event("task_started"), ASKED, CALL, b"noise", event("task_complete")])

    assert [(word.prompt, word.is_turn_over) for word in words] == [("a\n b", False), (None, True)]
    assert unread == 1


def test_the_last_word_tells_who_wrote_it_and_what_the_thread_has_cost() -> None:
    meta = entry("session_meta", id=THREAD, cli_version="0.169.0")
    counts = [event("token_count", info={"total_token_usage": {**USED, "output_tokens": n}}) for n in (3, 7)]

    (*_, last), _ = read_rollout([meta, ASKED, *counts, event("token_count", info=None), event("task_complete")])

    tokens = Tokens(input=30, output=7, cache_read=60, cache_write=10)
    assert (last.conversation, last.version) == (THREAD, "0.169.0")
    assert last.spent == (Spent(key="thread", tokens=tokens, is_total=True),)


@pytest.mark.parametrize(
    ("limits", "until"),
    [
        ({"primary": {"used_percent": 100.0, "resets_at": 1_795_260_000}, "secondary": None}, 1_795_260_000),
        (
            {
                "primary": {"used_percent": 100.0, "resets_at": 1_795_260_000},
                "secondary": {"used_percent": 100.0, "resets_at": 1_795_300_000},
            },
            1_795_300_000,
        ),
        ({"primary": {"used_percent": 40.0, "resets_at": 1_795_260_000}}, None),
        ({"primary": {"used_percent": 100.0, "resets_at": None}}, None),
        ({"primary": {"used_percent": "all", "resets_at": 1}}, None),
        (None, None),
    ],
)
def test_a_usage_limit_lasts_until_the_last_full_window_ends(limits: object, until: int | None) -> None:
    error = {"message": "You've hit your usage limit.", "codex_error_info": "usage_limit_exceeded"}

    ((heard,), _) = read_rollout([event("token_count", rate_limits=limits), event("task_complete", error=error)])

    assert heard.limited_until == (None if until is None else datetime.fromtimestamp(until, tz=UTC))


def test_a_usage_limit_without_windows_lasts_until_the_time_that_its_sentence_names() -> None:
    error = {"message": "Try again in 30 minutes.", "codex_error_info": "usage_limit_exceeded"}

    ((heard,), _) = read_rollout([event("task_complete", error=error)])

    assert heard.limited_until == NOW + timedelta(minutes=30, seconds=-0.5)


@pytest.mark.parametrize("at", ["", "today", "2026-11-20T11:59:59"])
def test_a_time_that_is_none_is_dropped_and_the_word_is_not(at: str) -> None:
    ((heard,), _) = read_rollout([entry("event_msg", at, type="task_started")])

    assert (heard.allows, heard.at) == ((WORKING,), None)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["type", "item", "error", "info", "rate_limits", "content", "arguments", "name", "hook_event_name", "osc", "text"]
)
KINDS = st.sampled_from(["task_started", "task_complete", "item_completed", "function_call", "token_count", "Stop"])


@given(payload=st.dictionaries(FIELDS, ANY_JSON | KINDS), kind=st.sampled_from(["event_msg", "response_item"]))
def test_whatever_is_written_reading_it_does_not_raise(payload: dict[str, Any], kind: str) -> None:
    read_rollout([entry(kind, **payload)])
    said(line("codex", payload), line("terminal", payload))


@given(written=st.binary(max_size=200))
def test_no_line_is_too_strange_to_read(written: bytes) -> None:
    said(written, transcript_lines=(written,))
