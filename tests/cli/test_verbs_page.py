"""The page of the documentation that has every verb is made of the help texts; `--rewrite` writes it anew."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.fake_daemon import Result
from tests.cli.test_help import command_lines
from tests.docs.pages import DOCS, with_generated

PAGE = DOCS / "verbs.md"


def test_the_page_of_verbs_is_what_their_help_says(
    orch: Callable[..., Result], golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    sections = [
        f"## {' '.join(('orch', *words))}\n\n```text\n{orch(*words, '--help').out.strip()}\n```"
        for words in command_lines()
    ]

    golden(PAGE, with_generated(PAGE, "\n\n".join(sections)))
