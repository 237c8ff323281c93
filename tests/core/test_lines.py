from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.lines import whole_lines

READ_MAX, LINE_MAX = 16, 8


def read_through(content: bytes, grown_by: list[int]) -> list[bytes]:
    """Read a file that grows in steps, as a reader with an offset does."""
    heard: list[bytes] = []
    offset = size = 0
    for step in [*grown_by, len(content)]:
        size = min(len(content), size + step)
        for _ in range(len(content) + 1):
            before = min(offset, 1)
            data = content[:size][offset - before :][: READ_MAX + before]
            lines, end = whole_lines(data, before, offset, read_max=READ_MAX, line_max=LINE_MAX)
            heard += lines
            if end == offset:
                break
            offset = end
    return heard


def test_only_whole_lines_are_told_of_and_reading_goes_on_behind_them() -> None:
    assert whole_lines(b"one\n\ntwo\nthr", 0, 0, read_max=99, line_max=9) == ((b"one", b"two"), 9)


def test_a_line_too_long_to_hold_is_skipped_with_its_rest() -> None:
    assert whole_lines(b"x" * 16, 0, 0, read_max=16, line_max=8) == ((), 16)
    assert whole_lines(b"xxx\nnext\n", 1, 16, read_max=16, line_max=8) == ((b"next",), 24)


def test_the_rest_of_a_skipped_line_is_no_line_even_while_it_grows() -> None:
    assert whole_lines(b"xyz", 1, 16, read_max=16, line_max=8) == ((), 18)


@given(
    lines=st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=12),
    grown_by=st.lists(st.integers(0, 30), max_size=12),
)
def test_however_a_file_grows_each_bearable_line_is_read_once_and_in_order(
    lines: list[bytes], grown_by: list[int]
) -> None:
    content = b"".join(line + b"\n" for line in lines)

    heard = read_through(content, grown_by)

    assert heard == [line for line in lines if line and len(line) <= LINE_MAX]
