from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.agents.shell import ShellAgent
from orchestrd.core.launch import utc
from orchestrd.model.limits import REPORT_TEXT_CHARS_MAX
from orchestrd.model.observation import ActivityReport
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.words import Activity

AGENT = ShellAgent()
SPEC = Spec(
    name="n",
    project="/p",
    agent="shell",
    runtime="process",
    argv=("make", "test"),
    workspace=Workspace(kind="none", path="/p"),
    nonce="x",
)


def test_it_runs_what_it_is_given() -> None:
    assert AGENT.problem_with(SPEC) is None
    assert AGENT.argv(SPEC, "/prompts/x") == ("make", "test")


def test_it_needs_a_command_and_says_how_to_give_one() -> None:
    problem = AGENT.problem_with(replace(SPEC, argv=()))

    assert problem is not None
    assert "orch spawn [PROMPT] -- CMD" in problem


def test_the_prompt_is_a_file_named_in_the_environment() -> None:
    assert AGENT.environment(SPEC, "/prompts/x") == {"ORCH_PROMPT_FILE": "/prompts/x"}
    assert AGENT.environment(SPEC, None) == {}


@pytest.mark.parametrize("word", [Activity.WORKING, Activity.WAITING, Activity.BLOCKED])
def test_it_believes_what_is_reported(word: Activity) -> None:
    line = f'{{"report":"{word}","text":"tests","at":1700000000.5,"new":[1]}}'.encode()

    assert AGENT.read_hook(line) == ActivityReport(activity=word, text="tests", at_s=1_700_000_000.5)


def test_a_line_of_plain_sh_has_neither_text_nor_time() -> None:
    assert AGENT.read_hook(b'{"report":"waiting"}') == ActivityReport(activity=Activity.WAITING)


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
    assert AGENT.read_hook(line) is None


def test_a_long_text_is_cut() -> None:
    report = AGENT.read_hook(b'{"report":"blocked","text":"' + b"x" * 60_000 + b'"}')

    assert report is not None
    assert report.text == "x" * REPORT_TEXT_CHARS_MAX


@pytest.mark.parametrize("at", ["-1", "1e300", "253402300800", "-1e5"])
def test_a_time_that_no_clock_has_shown_is_dropped_and_the_report_is_not(at: str) -> None:
    report = AGENT.read_hook(f'{{"report":"working","at":{at}}}'.encode())

    assert report == ActivityReport(activity=Activity.WORKING)


def test_the_latest_time_that_is_kept_is_a_date() -> None:
    report = AGENT.read_hook(b'{"report":"working","at":253402300799}')

    assert report is not None
    assert report.at_s is not None
    assert utc(report.at_s) == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@given(line=st.binary(max_size=200))
def test_no_line_is_too_strange_to_read(line: bytes) -> None:
    AGENT.read_hook(line)
