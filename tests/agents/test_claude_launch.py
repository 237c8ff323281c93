"""How Claude Code is launched, what is refused, and where it writes down what it does."""

import json

import pytest
from msgspec.structs import replace

from orchestrd.agents.claude import ClaudeAgent
from orchestrd.model.ids import SessionId, run_mark
from orchestrd.model.limits import PROMPT_ARGUMENT_BYTES_MAX
from orchestrd.model.run import LaunchContext, Run
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.words import Activity

AGENT = ClaudeAgent()
SPEC = Spec(
    name="one",
    project="/repo",
    agent="claude",
    runtime="tmux",
    argv=("--model", "opus", "--allowedTools", "Bash"),
    workspace=Workspace(kind="none", path="/repo"),
    nonce="n0nce",
)
CONTEXT = LaunchContext(
    session=SessionId("abcdefgh"),
    generation=1,
    run_directory="/runs/abcdefgh.1",
    prompt_path="/prompts/abcdefgh",
    prompt="-fix\nit",
    conversation=None,
)
HOME = {"HOME": "/home/one/"}
EARLIER = "11111111-1111-4111-8111-111111111111"


def run(generation: int = 1, conversation: str | None = None) -> Run:
    mark = run_mark(SessionId("abcdefgh"), generation, "n0nce")
    return Run(session=SessionId("abcdefgh"), generation=generation, mark=mark, conversation=conversation)


def option(argv: tuple[str, ...], name: str) -> str:
    return argv[argv.index(name) + 1]


def cut(argv: tuple[str, ...]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Part the command line of a host from that of its agent."""
    end = argv.index("--")
    return argv[:end], argv[end], argv[end + 1 :]


def test_a_prompt_stands_last_and_alone_whatever_it_begins_with() -> None:
    argv = AGENT.launch(SPEC, CONTEXT).argv

    assert argv[:5] == ("claude", "--model", "opus", "--allowedTools", "Bash")
    assert argv[-2:] == ("--", "-fix\nit")


def test_without_a_prompt_it_waits_for_one() -> None:
    assert "--" not in AGENT.launch(SPEC, replace(CONTEXT, prompt=None)).argv


def test_its_settings_stand_in_the_run_directory_and_nowhere_else() -> None:
    launch = AGENT.launch(SPEC, CONTEXT)

    ((name, content),) = launch.files
    assert option(launch.argv, "--settings") == f"/runs/abcdefgh.1/{name}"
    assert list(json.loads(content)) == ["hooks"]


def test_each_generation_begins_a_conversation_of_its_own_and_names_it_the_same_each_time() -> None:
    first, again = AGENT.launch(SPEC, CONTEXT).argv, AGENT.launch(SPEC, CONTEXT).argv
    second = AGENT.launch(SPEC, replace(CONTEXT, generation=2)).argv

    assert option(first, "--session-id") == option(again, "--session-id")
    assert option(first, "--session-id") != option(second, "--session-id")


def test_a_conversation_that_exists_is_gone_on_with_and_its_prompt_is_not_said_again() -> None:
    argv = AGENT.launch(SPEC, replace(CONTEXT, generation=2, conversation=EARLIER)).argv

    assert option(argv, "--resume") == EARLIER
    assert "--session-id" not in argv
    assert "-fix\nit" not in argv


@pytest.mark.parametrize(("more", "is_typed"), [(0, False), (1, True)])
def test_a_prompt_that_is_too_large_for_a_command_line_is_typed(more: int, is_typed: bool) -> None:  # noqa: FBT001
    prompt = "é" * (PROMPT_ARGUMENT_BYTES_MAX // 2) + "x" * more

    launch = AGENT.launch(SPEC, replace(CONTEXT, prompt=prompt))

    assert launch.types_prompt is is_typed
    assert (prompt in launch.argv) is not is_typed


def test_its_files_are_found_by_process_and_by_conversation() -> None:
    started, resumed = AGENT.files(SPEC, HOME, run(), 42), AGENT.files(SPEC, HOME, run(2, EARLIER), None)

    assert started is not None
    assert started.state == "/home/one/.claude/sessions/42.json"
    pinned = option(AGENT.launch(SPEC, CONTEXT).argv, "--session-id")
    assert started.transcript == f"/home/one/.claude/projects/*/{pinned}.jsonl"
    assert resumed is not None
    assert resumed.state is None
    assert resumed.transcript == f"/home/one/.claude/projects/*/{EARLIER}.jsonl"


def test_its_files_follow_the_folder_it_is_configured_with() -> None:
    files = AGENT.files(SPEC, HOME | {"CLAUDE_CONFIG_DIR": "/etc/claude/"}, run(), 42)

    assert files is not None
    assert files.state == "/etc/claude/sessions/42.json"


def test_without_a_home_nobody_knows_where_it_writes() -> None:
    assert AGENT.files(SPEC, {}, run(), 42) is None


def test_without_a_terminal_a_host_runs_it_by_its_structured_protocol() -> None:
    launch = AGENT.launch(replace(SPEC, runtime="process"), replace(CONTEXT, has_terminal=False))

    host, _, agent = cut(launch.argv)
    assert host[-5:] == ("claude", "--prompt", "/prompts/abcdefgh", "--permission", "ask")
    assert agent[:5] == ("claude", "--model", "opus", "--allowedTools", "Bash")
    assert option(agent, "--input-format") == option(agent, "--output-format") == "stream-json"
    assert option(agent, "--session-id") == option(AGENT.launch(SPEC, CONTEXT).argv, "--session-id")
    assert "--settings" not in agent
    assert not launch.types_prompt


def test_hosted_it_goes_on_with_a_conversation_and_is_not_told_its_prompt_again() -> None:
    context = replace(CONTEXT, generation=2, conversation=EARLIER, has_terminal=False)
    host, _, agent = cut(AGENT.launch(replace(SPEC, runtime="process"), context).argv)

    assert "--prompt" not in host
    assert option(agent, "--resume") == EARLIER


def test_hosted_it_is_read_by_what_its_host_tells_and_by_no_file() -> None:
    assert AGENT.files(replace(SPEC, runtime="process"), HOME, run(), 42) is None


@pytest.mark.parametrize("word", ["--input-format=text", "--permission-prompt-tool", "--print"])
def test_what_a_host_needs_for_itself_is_refused_there(word: str) -> None:
    problem = AGENT.problem_with(replace(SPEC, runtime="process", argv=(word,)))

    assert problem is not None
    assert word in problem


@pytest.mark.parametrize("word", ["--resume", "-c", "--settings=/x", "-p", "--session-id"])
def test_arguments_that_orchestrd_needs_for_itself_are_refused(word: str) -> None:
    problem = AGENT.problem_with(replace(SPEC, argv=("--model", "opus", word)))

    assert problem is not None
    assert word in problem


@pytest.mark.parametrize(
    ("prompt", "size", "is_refused"),
    [("/review", 7, False), ("!ls", 3, False), ("!ls", PROMPT_ARGUMENT_BYTES_MAX + 1, True), ("fix it", 10**6, False)],
)
def test_only_a_prompt_that_would_be_typed_is_read_as_typing(prompt: str, size: int, is_refused: bool) -> None:  # noqa: FBT001
    problem = AGENT.problem_with(replace(SPEC, prompt=prompt, prompt_bytes=size))

    assert (problem is not None) is is_refused


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("!rm x", "shell command"),
        ("/clear", "command"),
        (" \n", "empty"),
        ("exit", "orch stop"),
        (" :wq ", "orch stop"),
        ("see C:\\", "put a space after it"),
    ],
)
def test_a_message_that_would_arrive_as_something_else_is_refused_with_a_way_out(text: str, why: str) -> None:
    problem = AGENT.problem_with_message(text)

    assert problem is not None
    assert why in problem


@pytest.mark.parametrize(
    "text", ["fix it", " !rm x", " /clear", "#1 is broken", "see /etc", "@README.md", "exit 3", "C:\\ "]
)
def test_any_other_message_is_taken(text: str) -> None:
    assert AGENT.problem_with_message(text) is None


def test_the_screen_is_looked_at_unless_it_is_known_to_wait() -> None:
    looked_at = {activity for activity in Activity if AGENT.wants_screen(activity, "hook")}

    assert looked_at == set(Activity) - {Activity.WAITING}
