from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.agents.shell import ShellAgent
from orchestrd.core.launch import utc
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import REPORT_TEXT_CHARS_MAX
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse, LaunchContext, Run
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.words import Activity

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
AGENT = ShellAgent()
SPEC = Spec(
    name="one",
    project="/repo",
    agent="shell",
    runtime="process",
    argv=("make", "test"),
    workspace=Workspace(kind="none", path="/repo"),
    nonce="n",
)
CONTEXT = LaunchContext(
    session=SessionId("abcdefgh"),
    generation=1,
    run_directory="/runs/abcdefgh.1",
    prompt_path=None,
    prompt=None,
    conversation=None,
)


def said(*lines: bytes) -> tuple[Testimony, ...]:
    ends = [sum(len(line) + 1 for line in lines[: n + 1]) for n in range(len(lines))]
    return AGENT.read(Glimpse(now=NOW, hook_lines=tuple(zip(lines, ends, strict=True)))).testimonies


def test_it_runs_the_command_it_was_given() -> None:
    assert AGENT.problem_with(SPEC) is None
    assert AGENT.launch(SPEC, CONTEXT).argv == ("make", "test")


def test_without_a_command_it_says_what_is_missing_and_how_to_give_it() -> None:
    problem = AGENT.problem_with(replace(SPEC, argv=()))

    assert problem is not None
    assert "orch spawn [PROMPT] -- CMD" in problem


def test_the_prompt_is_a_file_named_in_the_environment() -> None:
    with_prompt = AGENT.launch(SPEC, replace(CONTEXT, prompt_path="/prompts/x", prompt="do it"))

    assert with_prompt.environment == (("ORCH_PROMPT_FILE", "/prompts/x"),)
    assert AGENT.launch(SPEC, CONTEXT).environment == ()


def test_a_command_has_no_files_no_screen_and_takes_any_text() -> None:
    run = Run(session=SessionId("abcdefgh"), generation=1, mark="m")

    assert AGENT.files(SPEC, {"HOME": "/home/one"}, run, 42) is None
    assert not AGENT.wants_screen(Activity.UNKNOWN, None)
    assert AGENT.problem_with_message("!ls") is None


@pytest.mark.parametrize("word", [Activity.WORKING, Activity.WAITING, Activity.BLOCKED])
def test_it_believes_what_is_reported(word: Activity) -> None:
    line = f'{{"report":"{word}","text":"tests","at":1700000000.5,"new":[1]}}'.encode()

    (heard,) = said(line)

    assert (heard.observer, heard.allows, heard.text) == ("report", (word,), "tests")
    assert heard.at == utc(1_700_000_000.5)
    assert heard.offset == len(line) + 1
    assert heard.is_turn_over is (word is Activity.WAITING)


def test_a_line_of_plain_sh_has_neither_text_nor_time() -> None:
    (heard,) = said(b'{"report":"waiting"}')

    assert (heard.allows, heard.text, heard.at) == ((Activity.WAITING,), None, None)


def test_each_line_is_told_of_in_order_with_where_it_ends() -> None:
    heard = said(b'{"report":"working"}', b"noise", b'{"report":"waiting"}')

    assert [(one.allows, one.offset) for one in heard] == [((Activity.WORKING,), 21), ((Activity.WAITING,), 48)]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"waiting",
        b"[]",
        b'{"report":"limited"}',
        b'{"report":"unknown"}',
        b'{"report":"Waiting"}',
        b'{"report":7}',
        b'{"report":"waiting","at":"now"}',
        b'{"report":"waiting"',
        b'{"report":"\xff"}',
        b"[" * 100_000,
        b'{"x":' + b"[" * 60_000,
    ],
)
def test_what_is_no_report_means_nothing(line: bytes) -> None:
    assert said(line) == ()


def test_a_long_text_is_cut() -> None:
    (heard,) = said(b'{"report":"blocked","text":"' + b"x" * 60_000 + b'"}')

    assert heard.text == "x" * REPORT_TEXT_CHARS_MAX


@pytest.mark.parametrize("at", ["-1", "1e300", "253402300800", "-1e5"])
def test_a_time_that_no_clock_has_shown_is_dropped_and_the_report_is_not(at: str) -> None:
    (heard,) = said(f'{{"report":"working","at":{at}}}'.encode())

    assert (heard.allows, heard.at) == ((Activity.WORKING,), None)


def test_the_latest_time_that_is_kept_is_a_date() -> None:
    (heard,) = said(b'{"report":"working","at":253402300799}')

    assert heard.at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@given(line=st.binary(max_size=200))
def test_no_line_is_too_strange_to_read(line: bytes) -> None:
    said(line)
