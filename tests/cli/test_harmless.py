"""What a terminal is shown of an agent's output."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd_cli.harmless import AsItIs, Harmless


def _shown(*pieces: bytes) -> bytes:
    filter_ = Harmless()
    return b"".join(filter_.feed(piece) for piece in pieces) + filter_.end()


def test_text_passes_unchanged() -> None:
    text = "grün, 緑, 🟢\n\tindented\r\n".encode()

    assert _shown(text) == text


def test_colours_pass_and_are_put_right_at_the_end() -> None:
    assert _shown(b"\x1b[1;31mred\n") == b"\x1b[1;31mred\n\x1b[0m"


def test_a_colour_cut_in_two_is_still_a_colour() -> None:
    assert _shown(b"\x1b[3", b"1mred\x1b[0m") == b"\x1b[31mred\x1b[0m\x1b[0m"


@pytest.mark.parametrize(
    ("sequence", "visible"),
    [
        (b"\x1b[2J", b"^[[2J"),  # clear the screen
        (b"\x1b]0;title\x07", b"^[]0;title^G"),
        (b"\x1b]52;c;ZXZpbA==\x07", b"^[]52;c;ZXZpbA==^G"),  # write the clipboard
        (b"\x1b[6n", b"^[[6n"),  # answers into the shell's input
        (b"\x1bP$q\x1b\\", b"^[P$q^[\\"),
        (b"\xc2\x9b2J", b"\\x9b2J"),  # the one-character CSI
        (b"\x08\x08\x7f", b"^H^H^?"),
        (b"\x1b", b"^["),
        (b"\xff", b"\xef\xbf\xbd"),
        (b"\x1b[" + b"1;" * 200 + b"m", b"^[[" + b"1;" * 200 + b"m"),
    ],
)
def test_what_would_command_a_terminal_becomes_visible(sequence: bytes, visible: bytes) -> None:
    assert _shown(sequence) == visible


@given(st.lists(st.binary(max_size=12), max_size=8))
def test_no_way_of_cutting_the_stream_lets_a_command_through(pieces: list[bytes]) -> None:
    shown = _shown(*pieces)

    assert shown.removesuffix(b"\x1b[0m") == _shown(b"".join(pieces)).removesuffix(b"\x1b[0m")
    assert b"\x1b" not in _without_colours(shown)
    assert b"\x07" not in shown


@given(st.binary())
def test_a_pipe_gets_every_byte(data: bytes) -> None:
    assert AsItIs().feed(data) + AsItIs().end() == data


def _without_colours(shown: bytes) -> bytes:
    parts = shown.split(b"\x1b[")
    return parts[0] + b"".join(part.lstrip(b"0123456789;:").removeprefix(b"m") for part in parts[1:])
