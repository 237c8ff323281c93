"""Reading a file that grows by lines, from an offset on: what was read becomes whole lines of a bearable length.

No line is told of twice or in part, however reads and writes fall; a line too long to hold is skipped whole.
"""


def whole_lines(
    data: bytes, before: int, offset: int, *, read_max: int, line_max: int
) -> tuple[tuple[bytes, ...], int]:
    """Cut what was read into whole lines that are not empty, and say up to where that was.

    `data` was read from `offset - before` on, at most `before + read_max` bytes of it. The first `before` bytes (0 or
    1) stand before `offset`: no newline there means that a line too long to hold is being skipped, and its rest, up to
    the next newline, is no line either. A line over `line_max` bytes is left out.
    """
    is_inside = before > 0 and data[:before] != b"\n"
    fresh = data[before:]
    end = fresh.rfind(b"\n") + 1
    if end == 0:
        is_too_long = is_inside or len(fresh) >= read_max
        return (), offset + (len(fresh) if is_too_long else 0)
    lines = fresh[: end - 1].split(b"\n")[1 if is_inside else 0 :]
    return tuple(line for line in lines if line and len(line) <= line_max), offset + end
