"""Whose usage limit a session shares."""

from orchestrd.agents.claude import ClaudeAgent
from orchestrd.agents.shell import ShellAgent
from orchestrd.model.session import Spec, Workspace

SPEC = Spec(
    name="fix",
    project="/p",
    agent="claude",
    runtime="tmux",
    argv=(),
    workspace=Workspace(kind="none", path="/p"),
    nonce="n",
)
HOME = {"HOME": "/home/me"}
KEY = "sk-ant-api03-not-a-real-one"


def account(**environment: str) -> str | None:
    return ClaudeAgent().account(SPEC, {**HOME, **environment})


def test_who_is_let_in_by_the_same_key_or_login_shares_an_account() -> None:
    assert account() == account(LANG="C.UTF-8")
    assert account(ANTHROPIC_API_KEY=KEY) == account(ANTHROPIC_API_KEY=KEY, CLAUDE_CONFIG_DIR="/elsewhere")


def test_another_key_another_login_another_provider_is_another_account() -> None:
    all_of_them = {
        account(),
        account(CLAUDE_CONFIG_DIR="/elsewhere"),
        account(ANTHROPIC_API_KEY=KEY),
        account(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL="http://127.0.0.1:8080"),
        account(ANTHROPIC_AUTH_TOKEN=KEY),
        account(CLAUDE_CODE_OAUTH_TOKEN=KEY),
    }

    assert len(all_of_them) == 6


def test_the_name_of_an_account_does_not_tell_its_key() -> None:
    name = account(ANTHROPIC_API_KEY=KEY)

    assert name is not None
    assert name.startswith("claude:")
    assert KEY not in name


def test_who_has_no_login_has_no_account() -> None:
    assert ClaudeAgent().account(SPEC, {}) is None
    assert ShellAgent().account(SPEC, HOME) is None
