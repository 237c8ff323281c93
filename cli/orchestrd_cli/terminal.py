"""The two streams: stdout is for the next program, stderr for the person. Imports nothing that costs."""

import os
import sys


def is_terminal(descriptor: int = 1) -> bool:
    """Tell whether a person looks at this descriptor."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def wants_colour() -> bool:
    """Tell whether stdout may be coloured: a terminal that is not dumb, and no NO_COLOR (https://no-color.org)."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def size() -> tuple[int, int]:
    """Columns and lines to fill; zeros, meaning "do not cut", where stdout is no terminal."""
    try:
        return tuple(os.get_terminal_size(1))  # type: ignore[return-value]  # typeshed: a structseq of two
    except OSError:
        return (0, 0)


def note(text: str) -> None:
    """Say something to the person."""
    if sys.stderr is not None:
        print(text, file=sys.stderr, flush=True)


def write(data: bytes) -> None:
    """Write all of it to stdout, now."""
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def show(picture: bytes, *, below: bool = False) -> None:
    """Show a picture: on a terminal in the place of the last one, as far as it fits; in a pipe `below` it."""
    if not is_terminal():
        write(b"\n" + picture if below else picture)
        return
    _, lines = size()
    shown = picture.rstrip(b"\n").split(b"\n")[: lines - 1]
    write(b"\x1b[H" + b"".join(line + b"\x1b[K\n" for line in shown) + b"\x1b[J")
