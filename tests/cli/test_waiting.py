"""Waiting at the command line: a time that nobody can wait is refused, with the verb that was typed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrd_cli import exits
from tests.cli.fake_daemon import Result

Orch = Callable[..., Result]


@pytest.mark.parametrize(
    ("words", "seconds", "next_"),
    [
        (("wait", "--timeout", "nan", "fix"), "nan", "orch wait --help"),
        (("spawn", "--wait", "--timeout", "nan", "--", "true"), "nan", "orch spawn --help"),
        (("spawn", "--wait", "--timeout", "-1", "--", "true"), "-1", "orch spawn --help"),
    ],
)
def test_a_time_that_nobody_can_wait_is_refused(
    orch: Orch, tmp_path: Path, words: tuple[str, ...], seconds: str, next_: str
) -> None:
    done = orch(*words)

    assert (done.code, done.out) == (exits.USAGE, "")
    assert done.err == f"orch: nobody can wait {seconds} seconds: give 0 to 31622400\n  try: {next_}\n"
    assert list(tmp_path.iterdir()) == []
