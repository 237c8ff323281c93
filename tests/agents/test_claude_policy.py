"""What Claude Code is told of permissions at its launch, and which arguments it is never given."""

from typing import Any

import pytest

from orchestrd.agents.claude import ClaudeAgent
from orchestrd.model.ids import SessionId
from orchestrd.model.run import LaunchContext
from orchestrd.model.words import Permission
from tests.documents import a_spec

AGENT = ClaudeAgent()
RULES = ("Bash(git commit -m 'a, b':*)", "Edit")


def a_claude(**changes: Any) -> Any:
    return a_spec(**{"agent": "claude", "runtime": "tmux", "argv": (), **changes})


def argv_of(*, has_terminal: bool = True, **changes: Any) -> tuple[str, ...]:
    context = LaunchContext(
        session=SessionId("abcdefgh"),
        generation=1,
        run_directory="/run",
        prompt_path=None,
        prompt=None,
        conversation=None,
        has_terminal=has_terminal,
    )
    return AGENT.launch(a_claude(**changes), context).argv


@pytest.mark.parametrize("has_terminal", [True, False])
def test_the_policy_of_a_session_goes_along_in_the_words_of_claude_code(*, has_terminal: bool) -> None:
    ask = argv_of(has_terminal=has_terminal)
    allow = argv_of(has_terminal=has_terminal, permission=Permission.ALLOW, allow=RULES)
    deny = argv_of(has_terminal=has_terminal, permission=Permission.DENY)

    assert "--permission-mode" not in ask
    assert not [word for word in ask if word.startswith("--allowedTools")]
    assert [word for word in allow if word.startswith("--allowedTools")] == [f"--allowedTools={rule}" for rule in RULES]
    assert deny[deny.index("--permission-mode") + 1] == "dontAsk"
    assert AGENT.capabilities.policies == tuple(Permission)


@pytest.mark.parametrize(
    "argv",
    [
        ("--dangerously-skip-permissions",),
        ("--model", "opus", "--allow-dangerously-skip-permissions"),
        ("--dangerously-skip-permissions=true",),
        ("--permission-mode", "bypassPermissions"),
        ("--permission-mode=bypassPermissions",),
    ],
)
@pytest.mark.parametrize("runtime", ["tmux", "process"])
def test_an_argument_that_allows_everything_is_refused_and_told_what_to_do_instead(
    argv: tuple[str, ...], runtime: str
) -> None:
    problem = AGENT.problem_with(a_claude(argv=argv, runtime=runtime))

    assert problem is not None
    assert "lets Claude Code do everything" in problem
    assert "--allow 'Bash(git diff:*)'" in problem


@pytest.mark.parametrize("argv", [("--permission-mode", "plan"), ("--permission-mode=acceptEdits",)])
def test_a_mode_of_ones_own_is_fine_unless_it_contradicts_the_policy(argv: tuple[str, ...]) -> None:
    assert AGENT.problem_with(a_claude(argv=argv)) is None
    assert "contradicts --permission deny" in str(AGENT.problem_with(a_claude(argv=argv, permission=Permission.DENY)))


@pytest.mark.parametrize("rule", ["--model", "*", "(x)"])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    problem = AGENT.problem_with(a_claude(permission=Permission.ALLOW, allow=("Edit", rule)))

    assert problem == f"{rule!r} is no permission rule of Claude Code: Edit, or Bash(git diff:*)"
