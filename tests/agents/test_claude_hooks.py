"""What each line that Claude Code's hooks append says."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.agents.claude import ClaudeAgent
from orchestrd.agents.claude.hooks import settings
from orchestrd.agents.hook_lines import asking_hook_command, hook_command
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse
from orchestrd.model.words import Activity
from tests.agents.samples import NOW, hook_line, state_file

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
UNDER_WAY, ANY = (WORKING, BLOCKED), (WORKING, BLOCKED, WAITING)
AGENT = ClaudeAgent()
BASH: dict[str, Any] = {"tool_name": "Bash", "tool_input": {"command": "rm -r\n build", "description": "Clean"}}
HELPER = {"id": "a1", "type": "subagent", "status": "running"}
SESSION = "11111111-1111-4111-8111-111111111111"


def glimpse(*lines: bytes) -> Glimpse:
    ends = [sum(len(line) + 1 for line in lines[: n + 1]) for n in range(len(lines))]
    return Glimpse(now=NOW, hook_lines=tuple(zip(lines, ends, strict=True)), has_hooks=True)


def said(name: str, **more: Any) -> Testimony | None:
    return next(iter(AGENT.read(glimpse(hook_line(name, **more))).testimonies), None)


@pytest.mark.parametrize(
    ("name", "more", "allows", "text"),
    [
        ("SessionStart", {"source": "startup"}, ANY, None),
        ("SessionStart", {"source": "resume"}, ANY, None),
        ("SessionStart", {"source": "clear"}, (WAITING,), None),
        ("UserPromptSubmit", {"prompt": "do it"}, (WORKING,), None),
        ("PreToolUse", BASH, UNDER_WAY, "Bash: rm -r build"),
        ("PermissionRequest", BASH, (BLOCKED,), "asks for permission: Bash: rm -r build"),
        (
            "PermissionRequest",
            {"tool_name": "AskUserQuestion", "tool_input": {"questions": [{"question": "Which one?"}]}},
            (BLOCKED,),
            "asks: Which one?",
        ),
        ("PermissionRequest", {}, (BLOCKED,), "asks for permission: a tool"),
        ("PermissionDenied", BASH, UNDER_WAY, "Bash: rm -r build"),
        ("PostToolUse", BASH, UNDER_WAY, "Bash: rm -r build"),
        ("PostToolUseFailure", BASH | {"error": "exit 1"}, UNDER_WAY, "Bash: rm -r build"),
        ("PostToolUseFailure", BASH | {"is_interrupt": True}, ANY, "Bash: rm -r build"),
        ("Elicitation", {"message": "Which account?"}, (BLOCKED,), "Which account?"),
        ("ElicitationResult", {}, UNDER_WAY, None),
        ("Notification", {"notification_type": "permission_prompt", "message": "may I?"}, (BLOCKED,), None),
        ("Notification", {"notification_type": "elicitation_dialog", "message": "who?"}, (BLOCKED,), "who?"),
        ("Notification", {"notification_type": "idle_prompt", "message": "still here"}, (WAITING, LIMITED), None),
        ("Stop", {"last_assistant_message": "All\ndone."}, (WAITING,), "All done."),
        ("Stop", {"background_tasks": [{"type": "shell", "status": "running"}]}, (WAITING,), None),
        ("Stop", {"background_tasks": [HELPER]}, UNDER_WAY, "waits for 1 background agent to finish"),
        ("Stop", {"background_tasks": [HELPER, HELPER]}, UNDER_WAY, "waits for 2 background agents to finish"),
        ("Stop", {"background_tasks": [HELPER | {"status": "completed"}]}, (WAITING,), None),
        ("StopFailure", {"error": "rate_limit", "last_assistant_message": "429"}, (LIMITED,), "429"),
        (
            "StopFailure",
            {"error": "server_error", "last_assistant_message": "API Error: 529"},
            (WAITING,),
            "API Error: 529",
        ),
        ("StopFailure", {"error": "billing_error"}, (WAITING,), "billing_error"),
        ("SessionEnd", {"reason": "prompt_input_exit"}, (), None),
        ("SessionEnd", {"reason": "other"}, (), None),
        ("PreToolUse", BASH | {"agent_id": "a1"}, ANY, "Bash: rm -r build"),
        ("PermissionRequest", BASH | {"agent_id": "a1"}, (BLOCKED,), "asks for permission: Bash: rm -r build"),
    ],
)
def test_each_hook_says_what_it_knows(
    name: str, more: dict[str, object], allows: tuple[Activity, ...], text: str | None
) -> None:
    heard = said(name, **more)

    assert heard is not None
    assert (heard.observer, heard.allows, heard.text) == ("hook", allows, text)
    assert heard.at == NOW


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("SubagentStart", {"agent_id": "a1"}),
        ("SubagentStop", {"agent_id": "a1", "last_assistant_message": "done"}),
        ("SessionStart", {"source": "compact"}),
        ("SessionEnd", {"reason": "clear"}),
        ("Notification", {"notification_type": "auth_success"}),
        ("PreCompact", {"trigger": "auto"}),
        ("SomethingNew", {}),
        ("", {}),
    ],
)
def test_what_tells_nothing_of_the_turn_says_nothing(name: str, more: dict[str, object]) -> None:
    assert said(name, **more) is None


def test_a_turn_is_over_with_its_own_stop_only() -> None:
    ends = [said("Stop"), said("Stop", background_tasks=[HELPER]), said("StopFailure"), said("SessionStart")]

    assert [end is not None and end.is_turn_over for end in ends] == [True, False, False, False]


def test_a_stop_while_the_state_file_says_busy_may_yet_be_sent_back_to_work() -> None:
    look = replace(glimpse(hook_line("Stop")), agent_pid=42, agent_started_ticks=1000, state=state_file("busy"))

    (stop,) = [word for word in AGENT.read(look).testimonies if word.observer == "hook"]

    assert stop.allows == (WAITING, WORKING)


def test_a_prompt_is_told_whole_and_a_note_of_the_program_is_no_prompt() -> None:
    prompt, note = said("UserPromptSubmit", prompt="a\n b"), said("UserPromptSubmit", prompt="<task-notification>\n..")

    assert prompt is not None
    assert note is not None
    assert (prompt.prompt, note.prompt) == ("a\n b", None)


def test_the_conversation_is_named_once_it_is_on_disk() -> None:
    names = [said(name, session_id=SESSION) for name in ("SessionStart", "UserPromptSubmit", "PostToolUse", "Stop")]

    assert [name and name.conversation for name in names] == [None, None, SESSION, SESSION]


def test_what_is_no_name_of_a_conversation_is_never_handed_back() -> None:
    heard = said("Stop", session_id="--dangerously-skip-permissions")

    assert heard is not None
    assert heard.conversation is None


def test_a_report_of_the_run_itself_is_heard_beside_the_hooks() -> None:
    reading = AGENT.read(glimpse(b'{"report":"blocked","text":"which port?"}', hook_line("PreToolUse", **BASH)))

    assert {word.observer for word in reading.testimonies} == {"report", "hook"}


def test_lines_are_heard_oldest_first_and_never_later_than_now() -> None:
    now = NOW.timestamp()
    lines = (hook_line("Stop", at=now + 3_600), hook_line("UserPromptSubmit", at=now - 5, prompt="x"))

    heard = AGENT.read(glimpse(*lines)).testimonies

    assert [(word.allows, word.at) for word in heard] == [
        ((WORKING,), NOW - timedelta(seconds=5)),
        ((WAITING,), NOW),
    ]


def test_of_a_line_that_was_cut_the_name_counts() -> None:
    cut = hook_line("PostToolUse", tool_response="x" * 1_000)[:400]

    reading = AGENT.read(glimpse(cut))

    assert [word.allows for word in reading.testimonies] == [UNDER_WAY]
    assert reading.malformed == 0


def test_a_name_within_a_quoted_text_is_not_the_name_of_a_cut_line() -> None:
    cut = hook_line("x", cwd='/a/,"hook_event_name":"Stop"/b').replace(b'"hook_event_name":"x",', b"")[:-2]

    reading = AGENT.read(glimpse(cut))

    assert reading.testimonies == ()
    assert reading.malformed == 1


@pytest.mark.parametrize(
    "line", [b"", b"x", b"[]", b"{}", b'{"claude":7}', b'{"at":"now","claude":[]}', b"[" * 50_000, b'{"at":1,"claude":']
)
def test_what_is_no_line_of_a_hook_is_counted(line: bytes) -> None:
    reading = AGENT.read(glimpse(line))

    assert reading.testimonies == ()
    assert reading.malformed == 1


@pytest.mark.parametrize("at", [-1, 1e300, "now", 10**18])
def test_a_time_that_no_clock_has_shown_is_dropped_and_the_word_is_not(at: object) -> None:
    heard = said("Stop", at=at)

    assert heard is not None
    assert (heard.allows, heard.at) == ((WAITING,), None)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["hook_event_name", "session_id", "prompt", "tool_name", "tool_input", "background_tasks", "error", "source"]
)
NAMES = st.sampled_from(["Stop", "PreToolUse", "UserPromptSubmit", "StopFailure", "Notification", "SessionStart"])


@given(payload=st.dictionaries(FIELDS, ANY_JSON), name=NAMES | ANY_JSON, at=ANY_JSON)
def test_whatever_a_hook_is_told_reading_it_does_not_raise(
    payload: dict[str, object], name: object, at: object
) -> None:
    line = json.dumps({"at": at, "claude": payload | {"hook_event_name": name}}).encode()

    AGENT.read(glimpse(line))


@given(line=st.binary(max_size=300))
def test_no_line_is_too_strange_to_read(line: bytes) -> None:
    reading = AGENT.read(glimpse(line))

    assert not any(WAITING in word.allows for word in reading.testimonies if word.observer != "report")


def test_the_settings_hold_hooks_and_nothing_else() -> None:
    told = json.loads(settings())

    assert list(told) == ["hooks"]
    assert {"SessionStart", "UserPromptSubmit", "PermissionRequest", "Stop", "StopFailure"} <= set(told["hooks"])
    assert not {"SubagentStart", "SubagentStop"} & set(told["hooks"])
    commands = [hook for entry in told["hooks"].values() for part in entry for hook in part["hooks"]]
    (asking,) = (hook for part in told["hooks"]["PermissionRequest"] for hook in part["hooks"])
    commands.remove(asking)
    assert all(hook["type"] == "command" and hook["timeout"] == 5 for hook in commands)
    assert {hook["command"] for hook in commands} == {
        hook_command("claude"),
        hook_command("claude", lets_go=True),
    }
    assert asking == {"type": "command", "command": asking_hook_command("claude"), "timeout": 7 * 24 * 3600}
