"""Gemini CLI: its command line, and what each witness says, by lines that the real one has written."""

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.agents.gemini import GeminiAgent
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse, LaunchContext, Run
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.spending import Tokens
from orchestrd.model.words import Activity, Permission

AGENT = GeminiAgent()
NOW = datetime(2026, 11, 21, 9, 50, tzinfo=UTC)
ID = "b90740ef-0342-4d61-b898-763d141556d8"
SPEC = Spec(
    name="one",
    project="/repo",
    agent="gemini",
    runtime="tmux",
    argv=("-m", "gemini-3.8-flash"),
    workspace=Workspace(kind="none", path="/repo"),
    nonce="n",
    prompt="do it",
)
CONTEXT = LaunchContext(
    session=SessionId("abcdefgh"), generation=1, run_directory="/r", prompt_path=None, prompt="do it", conversation=None
)
WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
SCREENS = Path(__file__).parent / "screens" / "gemini" / "0.61.0"
PERMISSION = {
    "notification_type": "ToolPermission",
    "message": "Tool Confirm Shell Command requires execution",
    "details": {"type": "exec", "title": "Confirm Shell Command", "command": "touch done.txt", "rootCommand": "touch"},
}
ANSWER = (
    '{"id":"a43f","timestamp":"2026-11-21T09:40:13.303Z","type":"gemini","content":"Hello.","thoughts":[],'
    '"tokens":{"input":100,"output":20,"cached":10,"thoughts":5,"tool":0,"total":125},"model":"gemini-3.8-flash"}'
)


def hook(name: str, **fields: Any) -> Testimony:
    payload = {"session_id": ID, "hook_event_name": name, **fields}
    line = json.dumps({"at": NOW.timestamp() - 1, "gemini": payload}).encode()
    (said,) = AGENT.read(Glimpse(now=NOW, hook_lines=((line, 7),))).testimonies
    return said


def entry(line: str | dict[str, Any]) -> Testimony | None:
    written = line if isinstance(line, str) else json.dumps({"timestamp": "2026-11-21T09:40:00.000Z", **line})
    said = AGENT.read(Glimpse(now=NOW, transcript_lines=(written.encode(),))).testimonies
    return said[0] if said else None


def title(text: str) -> tuple[Activity, ...]:
    (said,) = AGENT.read(Glimpse(now=NOW, title=text)).testimonies
    return said.allows


# ---- launch


def test_it_begins_a_conversation_that_has_no_name_yet() -> None:
    launch = AGENT.launch(SPEC, CONTEXT)

    assert launch.argv == ("gemini", "-m", "gemini-3.8-flash", "--prompt-interactive=do it")


def test_its_hooks_stand_in_a_file_of_the_run_and_tell_under_its_name() -> None:
    launch = AGENT.launch(SPEC, CONTEXT)

    assert launch.environment == (("GEMINI_CLI_SYSTEM_DEFAULTS_PATH", "/r/gemini.json"),)
    ((name, content),) = launch.files
    (hooks,) = json.loads(content)["hooks"]["BeforeAgent"]
    assert name == "gemini.json"
    assert '"gemini":%s' in hooks["hooks"][0]["command"]
    assert hooks["hooks"][0]["timeout"] >= 1_000  # milliseconds


def test_without_hooks_nothing_of_ours_goes_along() -> None:
    launch = AGENT.launch(SPEC, replace(CONTEXT, with_hooks=False))

    assert (launch.environment, launch.files) == ((), ())


def test_a_conversation_goes_on_by_its_name_and_without_the_prompt() -> None:
    launch = AGENT.launch(SPEC, replace(CONTEXT, conversation=ID))

    assert launch.argv[3:] == ("--resume", ID)


def test_a_prompt_too_large_for_a_command_line_is_typed() -> None:
    launch = AGENT.launch(SPEC, replace(CONTEXT, prompt="x" * 200_000))

    assert launch.types_prompt
    assert all(len(word) < 1_000 for word in launch.argv)


def test_what_a_session_may_do_unasked_is_a_policy_of_its_own() -> None:
    spec = replace(SPEC, permission=Permission.ALLOW, allow=("read_file", 'run_shell_command(git "status")'))

    launch = AGENT.launch(spec, CONTEXT)

    files = dict(launch.files)
    assert launch.argv[3:5] == ("--policy", "/r/gemini-policy.toml")
    assert tomllib.loads(files["gemini-policy.toml"].decode())["rule"] == [
        {"toolName": "read_file", "decision": "allow", "priority": 900},
        {"toolName": "run_shell_command", "commandPrefix": 'git "status"', "decision": "allow", "priority": 900},
    ]


def test_what_needs_permission_is_refused_where_a_session_asks_nobody() -> None:
    launch = AGENT.launch(replace(SPEC, permission=Permission.DENY), CONTEXT)

    rules = tomllib.loads(dict(launch.files)["gemini-policy.toml"].decode())["rule"]
    assert {"toolName": "run_shell_command", "decision": "deny", "priority": 900} in rules
    assert {rule["decision"] for rule in rules} == {"deny"}


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (("--yolo",), "everything unasked"),
        (("-y",), "everything unasked"),
        (("--approval-mode", "yolo"), "everything unasked"),
        (("--approval-mode=yolo",), "everything unasked"),
        (("--resume", "latest"), "how orchestrd itself drives"),
        (("--session-id=x",), "how orchestrd itself drives"),
        (("-p", "x"), "how orchestrd itself drives"),
        (("--approval-mode", "plan"), None),
        (("-m", "yolo"), None),
        ((), None),
    ],
)
def test_a_global_bypass_and_what_is_ours_are_refused(argv: tuple[str, ...], why: str | None) -> None:
    problem = AGENT.problem_with(replace(SPEC, argv=argv))

    assert (why in problem) if why and problem else problem is why


def test_a_runtime_without_a_terminal_and_a_rule_that_is_none_are_refused() -> None:
    assert "needs a terminal" in (AGENT.problem_with(replace(SPEC, runtime="process")) or "")
    assert "is no rule" in (AGENT.problem_with(replace(SPEC, allow=("rm (",))) or "")
    assert AGENT.problem_with(SPEC) is None


@pytest.mark.parametrize("text", ["", " \n", "/help", " /quit", "a \\", "a \\\n"])
def test_what_would_not_arrive_as_a_message_is_refused(text: str) -> None:
    assert AGENT.problem_with_message(text)


@pytest.mark.parametrize("text", ["go on", "!ls", "quit", "?", "a\nb", "look at @file", "1/2"])
def test_what_arrives_as_a_message_is_let_through(text: str) -> None:
    assert AGENT.problem_with_message(text) is None


def test_its_conversation_lies_below_its_home_under_the_beginning_of_its_name() -> None:
    run = Run(session=SessionId("abcdefgh"), generation=1, mark="m", conversation=ID)

    files = AGENT.files(SPEC, {"HOME": "/home/me/"}, run, None)
    elsewhere = AGENT.files(SPEC, {"HOME": "/home/me", "GEMINI_CLI_HOME": "/g"}, run, None)

    assert files is not None
    assert files.transcript == "/home/me/.gemini/tmp/*/chats/session-*-b90740ef.jsonl"
    assert elsewhere is not None
    assert elsewhere.transcript == "/g/.gemini/tmp/*/chats/session-*-b90740ef.jsonl"
    assert AGENT.files(SPEC, {}, run, None) is None
    assert AGENT.files(SPEC, {"HOME": "/home/me"}, replace(run, conversation=None), None) is None


def test_a_key_of_its_own_is_another_account_than_who_is_logged_in() -> None:
    at_home, by_key = {"HOME": "/home/me"}, {"HOME": "/home/me", "GEMINI_API_KEY": "secret"}

    names = [AGENT.account(SPEC, environment) for environment in (at_home, by_key, {**by_key, "LANG": "C"}, {})]

    assert names[1] == names[2]
    assert len(set(names)) == 3
    assert names[3] is None
    assert "secret" not in (names[1] or "")


# ---- witnesses


def test_the_title_tells_three_states_apart_and_no_more_than_it_knows() -> None:
    assert title("✦  Working… (repo)   ") == (WORKING, LIMITED)
    assert title("✦  Considering the build (repo)") == (WORKING, LIMITED)
    assert title("◇  Ready (repo)") == (WAITING, BLOCKED, LIMITED)
    assert title("✋  Action Required (repo)") == (BLOCKED,)
    assert title("Gemini CLI (repo)") == title("vm") == title("") == ()


def test_a_turn_begins_with_its_prompt_and_ends_with_its_answer() -> None:
    begun = hook("BeforeAgent", prompt="hello there")
    over = hook("AfterAgent", prompt="hello there", prompt_response="Hello from\nthe model.")

    assert (begun.allows, begun.prompt, begun.is_turn_over) == ((WORKING,), "hello there", False)
    assert (over.allows, over.text, over.is_turn_over) == ((WAITING,), "Hello from the model.", True)
    assert over.conversation == ID
    assert over.offset == 7


def test_an_answer_ends_the_turn_only_once_the_title_says_so_where_there_is_one() -> None:
    line = json.dumps({"at": 1.0, "gemini": {"hook_event_name": "AfterAgent", "prompt_response": "Three."}}).encode()
    glimpse = Glimpse(now=NOW, hook_lines=((line, 1),), title="✦  Working… (repo)")

    titled = AGENT.read(glimpse).testimonies[0]
    untitled = AGENT.read(replace(glimpse, title="vm")).testimonies[0]

    assert (titled.observer, titled.allows, titled.is_turn_over) == ("hook", (WORKING, WAITING), True)
    assert untitled.allows == (WAITING,)


def test_a_turn_without_an_answer_may_have_met_a_limit() -> None:
    over = hook("AfterAgent", prompt="x", prompt_response="[no response text]")

    assert (over.allows, over.text) == ((WAITING, LIMITED), None)


def test_a_permission_is_told_with_what_is_asked() -> None:
    asked = hook("Notification", **PERMISSION)

    assert (asked.allows, asked.text) == ((BLOCKED,), "asks for permission: touch done.txt")


def test_behind_one_tool_another_may_run_or_be_asked_for() -> None:
    after = hook("AfterTool", tool_name="run_shell_command", tool_input={"command": "touch done.txt"})

    assert (after.allows, after.text, after.conversation) == (
        (WORKING, BLOCKED),
        "run_shell_command: touch done.txt",
        ID,
    )


def test_no_hook_stands_between_a_tool_and_its_dialog() -> None:
    hooks = json.loads(dict(AGENT.launch(SPEC, CONTEXT).files)["gemini.json"])["hooks"]

    assert {"BeforeTool", "BeforeModel", "AfterModel", "PreCompress"}.isdisjoint(hooks)


def test_a_beginning_says_nothing_for_certain_but_a_conversation_that_was_cleared_waits() -> None:
    assert hook("SessionStart", source="startup").allows == (WORKING, WAITING, BLOCKED)
    assert hook("SessionStart", source="clear").allows == (WAITING,)
    assert hook("SessionEnd", reason="exit").allows == ()


def test_an_unknown_hook_and_a_line_that_is_none_say_nothing() -> None:
    unknown = json.dumps({"at": 1.0, "gemini": {"hook_event_name": "PreCompress"}}).encode()

    reading = AGENT.read(Glimpse(now=NOW, hook_lines=((unknown, 1), (b"\xff{", 2))))

    assert (reading.testimonies, reading.malformed) == ((), 1)


def test_a_report_of_the_session_counts_as_everywhere() -> None:
    (said,) = AGENT.read(
        Glimpse(now=NOW, hook_lines=((b'{"report":"blocked","text":"which?","at":1.0}', 1),))
    ).testimonies

    assert (said.observer, said.allows) == ("report", (BLOCKED,))


def test_an_answer_tells_what_it_has_cost_with_its_cache_apart() -> None:
    said = entry(ANSWER)

    assert said is not None
    assert [(one.key, one.tokens, one.is_total) for one in said.spent] == [
        ("a43f", Tokens(input=90, output=25, cache_read=10), False)
    ]
    assert said.allows == (WORKING, BLOCKED, WAITING)


def test_the_transcript_tells_of_prompts_cancelled_turns_and_limits() -> None:
    prompt = entry({"id": "1", "type": "user", "content": [{"text": "one\n two "}]})
    result = entry({"id": "2", "type": "user", "content": [{"functionResponse": {}}]})
    cancelled = entry({"id": "3", "type": "info", "content": "Request cancelled."})
    limit = entry({"id": "4", "type": "error", "content": "[API Error: You have exhausted your daily quota]"})
    broken = entry({"id": "5", "type": "error", "content": "[API Error: fetch failed]"})

    assert prompt is not None
    assert (prompt.allows, prompt.prompt) == ((WORKING,), "one\n two")
    assert [said and said.allows for said in (result, cancelled, limit, broken)] == [
        (WORKING, BLOCKED),
        (WAITING,),
        (LIMITED,),
        (WAITING,),
    ]


@pytest.mark.parametrize(
    "line", ['{"$set":{"lastUpdated":"x"}}', '{"sessionId":"x"}', '{"type":"info","content":"a note"}', "{}", "no json"]
)
def test_what_is_no_word_of_the_turn_says_nothing(line: str) -> None:
    assert entry(line) is None


def test_a_time_that_is_none_is_dropped_and_one_to_come_is_now() -> None:
    undated = entry({"type": "gemini", "content": "x", "timestamp": "yesterday"})
    naive = entry({"type": "gemini", "content": "x", "timestamp": "2026-11-21T09:40:00"})
    future = entry({"type": "gemini", "content": "x", "timestamp": "2036-11-21T09:40:00Z"})

    assert [said and said.at for said in (undated, naive, future)] == [None, None, NOW]


# ---- drafts


@pytest.mark.parametrize("name", ["waiting", "answered", "permission", "working", "trust", "question", "quota"])
def test_an_empty_box_and_a_dialog_have_no_draft(name: str) -> None:
    assert AGENT.draft((SCREENS / f"{name}.txt").read_text()) is None


def test_a_draft_is_read_in_all_its_lines() -> None:
    drafts = [AGENT.draft((SCREENS / f"{name}.txt").read_text()) for name in ("draft", "draft_lines", "draft_paste")]

    assert drafts == ["my_draft", "line one line two three", "[Pasted Text: 401 lines]"]


def test_the_styles_of_a_screen_are_no_part_of_a_draft() -> None:
    line = "─" * 20
    shown = f"\x1b[2m{line}\x1b[0m\n note\n\n \x1b[38;5;183m> \x1b[38;5;231mmy\x1b[7m \x1b[0mdraft\n"

    assert AGENT.draft(shown) == "my draft"
    assert AGENT.draft(f"{line}\n\n > \x1b[7m \x1b[0m\x1b[38;5;248m Type your message or @path/to/file\n") is None
