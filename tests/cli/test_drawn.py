"""What was drawn on a terminal, as text."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrd_cli.drawn import HELD_BYTES_MAX, Readable


def _read(*pieces: bytes, keeps_colours: bool = False) -> bytes:
    readable = Readable(keeps_colours=keeps_colours)
    return b"".join(map(readable.feed, pieces)) + readable.end()


@pytest.mark.parametrize(
    ("drawn", "read"),
    [
        (b"one\r\ntwo\r\r\nthree", b"one\ntwo\nthree"),
        (b"10%\r20%\r30%\r\n", b"10%\r20%\r30%\n"),
        (b"\x1b[1;32mok\x1b[0m\r\n", b"ok\n"),
        (b"\x1b]0;a title \xe2\x9c\xb3\x07text", b"text"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", b"link"),
        (b"\x1bPq picture \x1b\\\x1b_apc\x1b\\after", b"after"),
        (b"\x1b(B\x1b=\x1b7text\x1b8\x1b>", b"text"),
        (b"a\x1b[3Cb\x1b[Cc\x1b[999999999999Cd", b"a   b c" + b" " * 200 + b"d"),
        (b"word\x1b[20Gword\x1b[1Gword\x1b[Gword", b"word word\rword\rword"),
        (b"one\x1b[2;1Htwo\x1b[3;1H\x1b[Kthree\x1b[Bfour", b"one\ntwo\nthree\nfour"),
        (b"one\r\n\x1b[A\x1b[2Kagain", b"one\nagain"),
        (b"\x1b[?25l\x1b[?2026h\x1b[2Jshown\x1b[?1049l", b"shown"),
        (b"a\x07b\x0ec\x0fd\x00e\tf", b"abcd\0e\tf"),
        ("grün 日本\r\n".encode(), "grün 日本\n".encode()),
        (b"\xff\xfe no text", b"\xff\xfe no text"),
        (b"it waits: \r", b"it waits: \r"),
        (b"cut off \x1b[3", b"cut off "),
    ],
)
def test_the_words_stay_and_the_commands_go(drawn: bytes, read: bytes) -> None:
    assert _read(drawn) == read


def test_colours_are_kept_for_a_terminal() -> None:
    assert _read(b"\x1b[1;32mok\x1b[0m\x1b[2K\r\n", keeps_colours=True) == b"\x1b[1;32mok\x1b[0m\n"


@example(pieces=[b"\x1b", b"]", b"\x1b", b"[", b"a"])  # a title without an end, ended by the next command
@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\x1b", b"[", b"]", b"0;", b"\x07", b"\\", b"3C", b"H", b"m"])))
def test_it_reads_the_same_however_it_is_cut(pieces: list[bytes]) -> None:
    assert _read(*pieces) == _read(b"".join(pieces))


def test_a_command_without_an_end_is_not_held_for_ever() -> None:
    readable = Readable(keeps_colours=False)

    fed = [readable.feed(piece) for piece in (b"before\x1b]52;c;", *[b"x" * 50_000] * 8, b"\x07after")]

    assert b"".join(fed) == b"beforeafter"
    assert len(readable._held) <= HELD_BYTES_MAX


@pytest.mark.parametrize("hostile", [b"\r" * 400_000 + b"x", b"\x1b[" * 200_000, b"\x1b]" * 200_000 + b"x"])
def test_what_is_made_to_take_long_does_not(hostile: bytes) -> None:
    _read(hostile)
