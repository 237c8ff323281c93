"""A checkup as a person reads it."""

from typing import Any

from msgspec.structs import replace

from orchestrd.model.finding import Checkup, Finding, Level, Mended
from orchestrd.render import checkup_page

FINE = Finding(subject="git", level=Level.OK, told="2.39.5")
MENDABLE = Finding(
    subject="home",
    level=Level.FAIL,
    told="wrong modes",
    cause="only you should get into it",
    next="orch doctor --fix",
    can_fix=True,
)


def _page(*findings: Finding, **settings: Any) -> list[str]:
    mended = settings.pop("mended", ())
    return checkup_page(Checkup(home="/h", version="1", findings=findings, mended=mended), **settings).splitlines()


def test_what_is_well_takes_one_line_and_what_is_not_says_why_and_what_to_do() -> None:
    page = _page(FINE, MENDABLE)

    assert page == [
        "ok    git         2.39.5",
        "fail  home        wrong modes",
        "                  only you should get into it",
        "                  try: orch doctor --fix",
        "1 ok, 1 fail; 1 can be mended without any loss: orch doctor --fix",
    ]


def test_what_ails_several_things_is_told_once() -> None:
    broken = [replace(MENDABLE, subject=name, told="is gone", cause="", can_fix=False) for name in ("a", "b", "c")]

    assert _page(broken[0], FINE, *broken[1:], replace(FINE, subject="tmux")) == [
        "fail  a           is gone",
        "                  the same holds for b, c",
        "                  try: orch doctor --fix",
        "ok    git         2.39.5",
        "ok    tmux        2.39.5",
        "2 ok, 3 fail",
    ]


def test_what_was_mended_comes_first() -> None:
    page = _page(FINE, mended=(Mended(subject="home", told="/h was 0755, and is 0700 now"),))

    assert page == ["did   home        /h was 0755, and is 0700 now", "ok    git         2.39.5", "1 ok"]


def test_only_the_word_of_its_level_is_coloured() -> None:
    page = _page(FINE, MENDABLE, colour=True)

    assert page[:2] == ["\x1b[32mok\x1b[0m    git         2.39.5", "\x1b[31mfail\x1b[0m  home        wrong modes"]


def test_sentences_are_broken_at_80_columns_and_commands_never() -> None:
    long = Finding(subject="x", level=Level.WARN, told="word " * 40, cause="word " * 40, next="command " * 40)

    told, command = _page(long)[:-2], _page(long)[-2]

    assert max(map(len, told)) <= 80
    assert command == "                  try: " + "command " * 40


def test_the_name_of_a_file_cannot_command_a_terminal() -> None:
    hostile = Finding(subject="x", level=Level.WARN, told="a\x1b[2Jb\nok    all is well", next="rm '\x9b2J'")

    page = _page(hostile)

    assert len(page) == 3
    assert not {"\x1b", "\x9b"} & set("".join(page))


def test_nothing_to_tell_of_is_still_a_line() -> None:
    assert _page(Finding(subject="x", level=Level.OK, told=""))[0] == "ok    x"
