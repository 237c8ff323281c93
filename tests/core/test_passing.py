"""What of the caller's environment a session is given without being asked for it."""

import pytest

from orchestrd.core.passing import AGENTS, STANDARD_NAMES, passed_unasked


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
