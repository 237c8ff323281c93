"""What is typed wrongly is named as the help names it."""

from collections.abc import Callable

import pytest

from orchestrd_cli import exits
from tests.cli.fake_daemon import Result


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
