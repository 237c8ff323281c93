"""Aider: its command line, and what each witness says, by lines that the real one has written."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrd.agents.aider import AiderAgent
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Testimony
from orchestrd.model.run import AgentFiles, Glimpse, LaunchContext, Run
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.spending import Tokens
from orchestrd.model.words import Activity

AGENT = AiderAgent()
NOW = datetime(2026, 11, 21, 10, 5, tzinfo=UTC)
SPEC = Spec(
    name="one",
    project="/repo",
    agent="aider",
    runtime="tmux",
    argv=("--model", "openai/gpt-4o", "main.py"),
    workspace=Workspace(kind="none", path="/repo"),
    nonce="n",
    prompt="do it",
)
CONTEXT = LaunchContext(
    session=SessionId("abcdefgh"), generation=1, run_directory="/r", prompt_path=None, prompt="do it", conversation=None
)
WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
SCREENS = Path(__file__).parent / "screens" / "aider" / "0.86.2"
SPENT = "> Tokens: 2.4k sent, 5 received. Cost: $0.0060 message, $0.0060 session.  "


def history(*lines: str) -> tuple[Testimony, ...]:
    return AGENT.read(Glimpse(now=NOW, transcript_lines=tuple(line.encode() for line in lines))).testimonies


def test_its_prompt_is_typed_and_what_it_writes_lies_in_the_run_directory() -> None:
    launch = AGENT.launch(SPEC, CONTEXT)

    assert launch.argv[0] == "aider"
    assert launch.argv[-3:] == SPEC.argv
    assert launch.argv[launch.argv.index("--chat-history-file") + 1] == "/r/aider-chat.md"
    assert launch.types_prompt
    assert not AGENT.launch(SPEC, replace(CONTEXT, prompt=None)).types_prompt


def test_its_notification_is_our_hook_which_is_left_out_on_demand() -> None:
    hooked, bare = AGENT.launch(SPEC, CONTEXT).argv, AGENT.launch(SPEC, replace(CONTEXT, with_hooks=False)).argv

    command = hooked[hooked.index("--notifications-command") + 1]
    assert '"aider":%s' in command
    assert command.startswith("printf ")  # its own stdin is the terminal
    assert "--notifications" not in bare


def test_its_history_is_read_in_the_run_directory() -> None:
    run = Run(session=SessionId("abcdefgh"), generation=1, mark="m")

    assert AGENT.files(SPEC, {}, run, None) == AgentFiles(transcript="aider-chat.md")


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (("--yes-always",), "everything unasked"),
        (("--yes",), "everything unasked"),
        (("--yes-al",), "everything unasked"),
        (("--message", "x"), "how orchestrd itself drives"),
        (("--mess=x",), "how orchestrd itself drives"),
        (("-m", "x"), "how orchestrd itself drives"),
        (("--chat-history-file", "x"), "how orchestrd itself drives"),
        (("--model", "m", "--no-stream", "--restore-chat-history"), None),
    ],
)
def test_a_global_bypass_and_what_is_ours_are_refused(argv: tuple[str, ...], why: str | None) -> None:
    problem = AGENT.problem_with(replace(SPEC, argv=argv))

    assert (why in problem) if why and problem else problem is why


def test_a_runtime_without_a_terminal_and_a_prompt_that_would_not_arrive_are_refused() -> None:
    assert "needs a terminal" in (AGENT.problem_with(replace(SPEC, runtime="process")) or "")
    assert "shell command" in (AGENT.problem_with(replace(SPEC, prompt="!ls")) or "")
    assert AGENT.problem_with(replace(SPEC, prompt=None)) is None


@pytest.mark.parametrize(
    ("text", "is_message"),
    [("go on", True), ("a\nb", True), ("", False), (" /add x", False), ("!ls", False), ("{tag", False)],
)
def test_what_would_not_arrive_as_a_message_is_refused(text: str, *, is_message: bool) -> None:
    assert (AGENT.problem_with_message(text) is None) is is_message


def test_a_notification_tells_an_answer_from_a_question_not_at_all() -> None:
    line = b'{"at":1795255430.4,"aider":{"hook_event_name":"Notification"}}'

    reading = AGENT.read(Glimpse(now=NOW, hook_lines=((line, 7), (b"\xff", 9))))

    (said,) = reading.testimonies
    assert (said.observer, said.allows, said.offset, reading.malformed) == ("hook", (WAITING, BLOCKED), 7, 1)
    assert said.at == datetime(2026, 11, 21, 10, 3, 50, 400000, tzinfo=UTC)


def test_a_report_of_the_session_counts_as_everywhere() -> None:
    (said,) = AGENT.read(Glimpse(now=NOW, hook_lines=((b'{"report":"blocked","text":"?","at":1.0}', 1),))).testimonies

    assert (said.observer, said.allows) == ("report", (BLOCKED,))


def test_a_prompt_is_told_whole_and_its_answer_with_what_it_has_cost() -> None:
    prompt, answer = history("#### one  ", "####   two  ", "", "Hello.", "", SPENT)

    assert (prompt.allows, prompt.prompt) == ((WORKING,), "one\n  two")
    assert answer.allows == (WORKING, WAITING, BLOCKED)
    assert [(one.tokens, one.cost_usd) for one in answer.spent] == [(Tokens(input=2_400, output=5), 0.006)]


def test_a_prompt_behind_an_answer_is_the_last_word() -> None:
    *_, last = history(SPENT, "#### next  ")

    assert (last.allows, last.prompt, len(last.spent)) == ((WORKING,), "next", 1)


def test_two_answers_of_one_look_count_both_and_a_cache_apart() -> None:
    cached = "> Tokens: 1.5k sent, 200 cache write, 1.0k cache hit, 10 received."

    (said,) = history(SPENT, cached)

    assert len({one.key for one in said.spent}) == 2
    assert said.spent[1].tokens == Tokens(input=300, output=10, cache_read=1_000, cache_write=200)
    assert said.spent[1].cost_usd is None


def test_a_refusal_of_the_provider_is_tried_again_or_is_a_limit() -> None:
    (said,) = history("> The API provider has rate limited you. Try again later or check your quotas.  ")

    assert (said.allows, said.text) == (
        (WORKING, LIMITED),
        "The API provider has rate limited you. Try again later or check your quotas.",
    )


def test_what_the_model_says_is_no_word_of_the_turn() -> None:
    assert history("Hello.", "> a quotation", "Tokens: 5 sent") == ()


@pytest.mark.parametrize("name", ["waiting", "answered", "shell", "url", "quota"])
def test_an_empty_line_and_a_question_have_no_draft(name: str) -> None:
    assert AGENT.draft((SCREENS / f"{name}.txt").read_text()) is None


def test_a_draft_is_read_in_all_its_lines_and_without_styles() -> None:
    drafts = [AGENT.draft((SCREENS / f"{name}.txt").read_text()) for name in ("draft", "draft_lines")]

    assert drafts == ["my draft", "line one line two three"]
    assert AGENT.draft("─" * 20 + "\n\x1b[32mmain.py\n\x1b[1mask> \x1b[0mmy draft\n") == "my draft"


def test_a_key_of_its_own_is_an_account() -> None:
    assert AGENT.account(SPEC, {"OPENAI_API_KEY": "secret"}) != AGENT.account(SPEC, {"HOME": "/home/me"})
