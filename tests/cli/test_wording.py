"""What is typed wrongly is named as the help names it."""

from collections.abc import Callable

import pytest

from orchestrd_cli import exits
from tests.cli.fake_daemon import Result


def test_a_prompt_without_an_agent_is_told_of_the_agent(orch: Callable[..., Result]) -> None:
    done = orch("spawn", "fix the login")

    assert (done.code, done.out) == (exits.USAGE, "")
    assert done.err.endswith("  try: orch spawn --agent claude PROMPT, or for a command: orch spawn -- COMMAND\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("stop",), "missing argument 'ID'"),
        (("show",), "missing argument 'ID'"),
        (("send", "fix"), "missing argument 'TEXT'"),
        (("status", "-q", "--json"), "--quiet prints a number, --json the sessions"),
    ],
)
def test_what_is_missing_or_too_much_is_named_as_in_the_help(
    orch: Callable[..., Result], words: tuple[str, ...], said: str
) -> None:
    done = orch(*words)

    assert (done.code, done.out) == (exits.USAGE, "")
    assert said in done.err
    assert f"orch {words[0]} --help" in done.err
