"""`orch help`, for one verb and as a manual page."""

import shutil
import subprocess
from collections.abc import Callable

import pytest

from orchestrd_cli import exits, manual
from tests.cli.fake_daemon import Result

Orch = Callable[..., Result]


@pytest.mark.parametrize("words", [(), ("spawn",), ("daemon", "start")])
def test_help_says_what_the_option_says(orch: Orch, words: tuple[str, ...]) -> None:
    assert orch("help", *words).out == orch(*words, "--help").out


@pytest.mark.parametrize(("words", "hint"), [(("spam",), "orch --help"), (("daemon", "x"), "orch daemon --help")])
def test_a_verb_that_is_none_is_named(orch: Orch, words: tuple[str, ...], hint: str) -> None:
    done = orch("help", *words)

    assert (done.code, done.out) == (exits.USAGE, "")
    assert done.err == f"orch: there is no verb {' '.join(words)!r}\n  try: {hint}\n"


def test_the_manual_has_every_verb_and_what_roff_would_take_for_its_own_is_kept(orch: Orch) -> None:
    page = orch("help", "--man").out

    assert page.startswith(".TH ORCH 1 ")
    for heading in ("DESCRIPTION", '"orch spawn"', '"orch daemon start"'):
        assert f"\n.SH {heading}\n" in page
    assert manual._safe(".x\n'y\n\\z -a") == "\\&.x\n\\&'y\n\\ez \\-a"


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff here")
def test_groff_finds_nothing_wrong_and_shows_the_words_as_they_are() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", "-P-cbou"],
        input=manual.manual_page(),
        text=True,
        capture_output=True,
        check=True,
    )

    assert done.stderr == ""
    assert "orch spawn --name fix --wait --timeout 600 -- ./agent.sh" in done.stdout
