"""What of the caller's environment a session is given without being asked for it."""

import pytest

from orchestrd.core.passing import AGENTS, STANDARD_NAMES, environment_of, passed_unasked
from orchestrd.model.settings import EnvironmentSettings


@pytest.mark.parametrize("agent", ["shell", "another"])
def test_a_command_gets_the_standard_names_and_no_others(agent: str) -> None:
    there = ["SECRET", "ANTHROPIC_API_KEY", "HTTPS_PROXY", "PATH", "HOME"]

    assert passed_unasked(agent, there) == ("HOME", "PATH")


def test_claude_gets_what_it_is_set_up_with_where_it_runs_by_hand() -> None:
    there = {
        *("PATH", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CLAUDE_CONFIG_DIR", "CLAUDE_CODE_USE_BEDROCK"),
        *("HTTPS_PROXY", "no_proxy", "NODE_EXTRA_CA_CERTS", "DISABLE_TELEMETRY", "DISABLE_AUTOUPDATER"),
    }

    passed = passed_unasked("claude", there)

    assert set(passed) == there
    assert passed[0] == "PATH"
    assert list(passed[1:]) == sorted(passed[1:])


def test_a_session_is_not_told_that_its_caller_is_an_agent() -> None:
    there = ["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT", "CLAUDE_CODE_SESSION_ID", "ORCH_SESSION"]

    assert passed_unasked("claude", there) == ()


def test_the_keys_of_a_cloud_go_only_to_who_works_with_it() -> None:
    there = ["AWS_SECRET_ACCESS_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_SECRET", "GITHUB_TOKEN"]

    assert passed_unasked("claude", there) == ()
    assert passed_unasked("claude", [*there, "CLAUDE_CODE_USE_BEDROCK"]) == (
        "AWS_SECRET_ACCESS_KEY",
        "CLAUDE_CODE_USE_BEDROCK",
    )
    assert "GOOGLE_APPLICATION_CREDENTIALS" in passed_unasked("claude", [*there, "CLAUDE_CODE_USE_VERTEX"])


def test_nothing_that_is_ours_to_set_is_passed_on() -> None:
    for agent in (*AGENTS, "shell"):
        assert passed_unasked(agent, ["ORCH_HOME", "ORCH_RUN"]) == ()
    assert not any(name.startswith("ORCH_") for name in STANDARD_NAMES)


# ---- what is configured ----------------------------------------------------------------------------------------------

CALLER = {"HOME": "/home/me/", "PATH": "/bin", "TOKEN": "t", "AWS_KEY": "k", "AWS_REGION": "r", "OTHER": "o"}


def _given(settings: EnvironmentSettings, *asked: str, agent: str = "shell", **changes: str) -> dict[str, str]:
    return environment_of(agent, CALLER | changes, asked, settings)


def test_names_and_beginnings_are_passed_on_as_far_as_they_are_set() -> None:
    given = _given(EnvironmentSettings(pass_=("TOKEN", "AWS_*", "NOT_SET")))

    assert given == {"HOME": "/home/me/", "PATH": "/bin", "AWS_KEY": "k", "AWS_REGION": "r", "TOKEN": "t"}


def test_a_beginning_takes_nothing_that_is_ours_or_no_name_or_kept_back() -> None:
    odd = {"ORCH_RUN": "x", "BASH_FUNC_x%%": "x", "CLAUDE_CODE_SESSION_ID": "x", "CLAUDE_CODE_X": "x"}

    given = _given(EnvironmentSettings(pass_=("O*", "BASH*", "CLAUDE*")), agent="claude", **odd)

    assert set(given) == {"HOME", "PATH", "CLAUDE_CODE_X", "OTHER"}


def test_what_is_set_wins_over_what_is_passed_on_but_not_over_what_is_asked_for() -> None:
    settings = EnvironmentSettings(pass_=("TOKEN",), set={"TOKEN": "set", "OTHER": "set", "LANG": "C"})

    assert _given(settings, "OTHER") == {"HOME": "/home/me/", "PATH": "/bin", "TOKEN": "set", "OTHER": "o", "LANG": "C"}


def test_directories_stand_before_the_path_whatever_that_is() -> None:
    settings = EnvironmentSettings(path=("~/bin", "/opt/x"))

    assert _given(settings)["PATH"] == "/home/me/bin:/opt/x:/bin"
    assert _given(EnvironmentSettings(path=("/a",), set={"PATH": "/b"}))["PATH"] == "/a:/b"
    assert environment_of("shell", {"HOME": "/h"}, (), settings)["PATH"] == "/h/bin:/opt/x"
